//! What of a run is published: its adapter, or a model with that adapter folded in, with a model card and a manifest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use super::files::{read_json, read_json_if_there};
use super::model_card::card;
use super::run::Run;
use crate::hub::{Content, Outgoing};
use crate::provenance::{FileEntry, Lineage, MANIFEST, MODEL_FILES, OLDER_MODEL_FILES, TOOL_VERSION, fingerprint};
use crate::{Error, Result};

/// The adapter's files in PEFT's format: its configuration and its tensors.
const ADAPTER_FILES: [&str; 2] = ["adapter_config.json", "adapter_model.safetensors"];
/// What a training run logged, a line each step; there is no path in it.
const METRICS: &str = "metrics.jsonl";
/// What is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ModelKind {
    /// An adapter in PEFT's format.
    Adapter,
    /// A whole model in transformers' layout.
    Merged,
}

/// What its owner says of an adapter or a model.
#[derive(Debug, Clone, Copy)]
pub struct ModelStatement<'a> {
    /// Where it goes, `OWNER/NAME`.
    pub repository: &'a str,
    /// The model that was fine-tuned, `OWNER/NAME` on the Hub.
    pub base_model: &'a str,
    /// SPDX identifier of its licence.
    pub license: &'a str,
}

/// The files that leave, and the card among them.
#[derive(Debug)]
pub struct ModelPublication {
    /// The files, in the order of their paths, the manifest last.
    pub files: Vec<Outgoing>,
    /// The card.
    pub card: String,
}

/// `manifest.json` of a published adapter or model.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ModelManifest<'a> {
    /// Version of the tool.
    tool_version: &'a str,
    /// The model that was fine-tuned, `OWNER/NAME` on the Hub.
    base_model: &'a str,
    /// Every file of the repository but this one.
    files: BTreeMap<&'a str, FileEntry>,
}

impl ModelPublication {
    /// What of the run in `directory` is published: its adapter.
    ///
    /// # Errors
    /// [`Error::Config`] if a statement has not its form; else as for [`Run::open_all`], and [`Error::Format`] if a file of the
    /// adapter is a link or cannot be read.
    pub fn adapter(directory: &Path, statement: &ModelStatement<'_>) -> Result<Self> {
        statement.check()?;
        let run = opened(directory)?;
        let adapter = directory.join("adapter");
        refuse_link(&adapter)?;
        let files = ADAPTER_FILES.map(|name| adapter.join(name));
        Self::of(&run, ModelKind::Adapter, statement, directory, &files)
    }

    /// What of the model in `folder` is published, which `medinjection-launch merge` made with the adapter of the run in `directory`.
    ///
    /// # Errors
    /// As for [`ModelPublication::adapter`], and [`Error::Data`] if the model was made with another adapter.
    pub fn merged(folder: &Path, directory: &Path, statement: &ModelStatement<'_>) -> Result<Self> {
        statement.check()?;
        let run = opened(directory)?;
        check_made_of(folder, directory)?;
        let named =
            MODEL_FILES.iter().chain(&OLDER_MODEL_FILES).map(|name| folder.join(name)).filter(|path| path.exists());
        let mut files: Vec<PathBuf> = named.chain(weights(folder)?).collect();
        files.sort();
        Self::of(&run, ModelKind::Merged, statement, directory, &files)
    }

    fn of(
        run: &Run,
        kind: ModelKind,
        statement: &ModelStatement<'_>,
        directory: &Path,
        paths: &[PathBuf],
    ) -> Result<Self> {
        let card = card(run, kind, statement);
        let mut files = vec![Outgoing::new("README.md", card.clone().into_bytes())];
        for path in paths.iter().chain([&directory.join(METRICS)]) {
            files.push(outgoing(path, statement.base_model)?);
        }
        files.sort_by(|left, right| left.path.cmp(&right.path));
        let listed = files.iter().map(|file| (file.path.as_str(), file.entry())).collect();
        let manifest = ModelManifest { tool_version: TOOL_VERSION, base_model: statement.base_model, files: listed };
        let manifest = Outgoing::json(MANIFEST, &manifest)?;
        files.push(manifest);
        Ok(Self { files, card })
    }
}

impl ModelStatement<'_> {
    fn check(&self) -> Result<()> {
        let is_plain = |text: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
            text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.bytes().all(allowed)
        };
        for (key, text) in [("--repo", self.repository), ("--base-model", self.base_model)] {
            if !text.split_once('/').is_some_and(|(owner, name)| is_plain(owner) && is_plain(name)) {
                return Err(Error::config(key, format!("expected OWNER/NAME as on the Hub, found {text:?}")));
            }
        }
        if is_plain(self.license) {
            return Ok(());
        }
        let message = format!("expected an SPDX identifier such as Apache-2.0, found {:?}", self.license);
        Err(Error::config("--license", message))
    }
}

fn opened(directory: &Path) -> Result<Run> {
    let mut runs = Run::open_all(&[directory.to_path_buf()], false)?;
    runs.pop().ok_or_else(|| Error::format(directory, "expected a run"))
}

/// Whether `folder` was made with the adapter of the run in `directory`.
fn check_made_of(folder: &Path, directory: &Path) -> Result<()> {
    let adapter = fingerprint(&ADAPTER_FILES.map(|name| directory.join("adapter").join(name)))?;
    let lineage: Option<Lineage> = read_json_if_there(&Lineage::path_for(&folder.join("config.json")))?;
    match lineage.as_ref().and_then(|lineage| lineage.inputs.get("adapter")) {
        Some(found) if *found == adapter => Ok(()),
        found => Err(Error::Data(format!(
            "{}: expected a model that medinjection-launch merge made with the adapter of {}, found one {}; merge it again, or \
             name the run that it is of with --run",
            folder.display(),
            directory.display(),
            if found.is_some() { "with another adapter" } else { "of which this is not known" }
        ))),
    }
}

/// The weight files of a model folder.
fn weights(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("model") && name.ends_with(".safetensors") {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(Error::format(folder, "expected model.safetensors, or its parts, found none"));
    }
    Ok(found)
}

/// A file that leaves; a configuration that names a folder of this machine names the base model instead.
fn outgoing(path: &Path, base_model: &str) -> Result<Outgoing> {
    refuse_link(path)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if ["adapter_config.json", "config.json", "tokenizer_config.json"].contains(&name.as_str()) {
        let mut config: Map<String, Value> = read_json(path)?;
        let keys = ["base_model_name_or_path", "_name_or_path", "name_or_path"];
        let is_set = |key: &&str| config.contains_key(*key) || name.starts_with("adapter") && *key == keys[0];
        let set: Vec<&str> = keys.into_iter().filter(is_set).collect();
        if !set.is_empty() {
            for key in set {
                config.insert(key.to_owned(), base_model.into());
            }
            return Outgoing::json(&name, &config);
        }
    }
    let FileEntry { sha256, num_bytes, .. } = FileEntry::of(path, None)?;
    Ok(Outgoing { path: name, num_bytes, sha256, content: Content::File(path.to_path_buf()) })
}

fn refuse_link(path: &Path) -> Result<()> {
    if path.symlink_metadata().map_err(Error::io(path))?.is_symlink() {
        return Err(Error::format(path, "expected a directory or file of the run, found a symbolic link"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_has_not_its_form_is_refused_by_its_option() {
        let good = ModelStatement { repository: "labo/a", base_model: "Qwen/Qwen3-4B", license: "Apache-2.0" };
        good.check().unwrap();
        for (statement, option) in [
            (ModelStatement { repository: "labo", ..good }, "--repo: "),
            (ModelStatement { base_model: "/home/me/model", ..good }, "--base-model: "),
            (ModelStatement { base_model: "a/b\ntags: x", ..good }, "--base-model: "),
            (ModelStatement { license: "", ..good }, "--license: "),
            (ModelStatement { license: "mit\nx: y", ..good }, "--license: "),
        ] {
            let refusal = statement.check().unwrap_err().to_string();
            assert!(refusal.starts_with(option), "{refusal}");
        }
    }
}
