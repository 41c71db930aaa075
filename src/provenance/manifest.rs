//! What a data set directory holds and what it was made from.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Layout, TOOL_VERSION, sha256_file, write_json};
use crate::record::{Origin, Redistribution, Split, Task, redistribution};
use crate::{Error, Result};

/// Name of the manifest inside a data set directory.
pub const MANIFEST: &str = "manifest.json";

/// Content of `manifest.json`, which is written last: where it is, the data set is whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the tool.
    pub tool_version: String,
    /// The configuration, with every default filled in; no absolute path.
    pub config: serde_json::Value,
    /// Which columns the records have.
    pub layout: Layout,
    /// The corpora that were read.
    pub sources: Vec<SourceEntry>,
    /// Counts in and out of each step, in order.
    pub steps: Vec<StepCounts>,
    /// Records that were read and kept, by split, origin, source and task.
    pub counts: Vec<RecordCount>,
    /// Records that were kept, by language of the instruction.
    pub languages: BTreeMap<String, u64>,
    /// Every file of the directory but this one, by its path inside the directory.
    pub files: BTreeMap<String, FileEntry>,
}

/// One corpus that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceEntry {
    /// Name of the corpus.
    pub name: String,
    /// SPDX identifier of its licence, or the corpus's own words.
    pub license: String,
    /// Records, originals and documents of it that are in the data set, by their licence.
    pub licenses: BTreeMap<String, u64>,
    /// What the strictest of these licences says on passing the data set on; of the corpus's own where no row of it is in.
    pub redistribution: Redistribution,
    /// How its authors want to be cited.
    pub citation: String,
    /// Where its authors publish it.
    pub homepage: String,
    /// Repository on the Hugging Face Hub; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hub_repository: String,
    /// `sha256:` and the hash of the names and hashes of its files.
    pub revision: String,
    /// Rows that were rejected, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// What reading it brought to light: which variant of its format each file is, counts that differ from published ones.
    pub notes: Vec<String>,
    /// The files, by their path inside the corpus.
    pub files: BTreeMap<String, FileEntry>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Its size.
    pub num_bytes: u64,
    /// Its rows, for files that have rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_rows: Option<u64>,
}

impl FileEntry {
    /// The entry of the file `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read.
    pub fn of(path: &Path, num_rows: Option<u64>) -> Result<Self> {
        let num_bytes = path.metadata().map_err(Error::io(path))?.len();
        Ok(Self { sha256: sha256_file(path)?, num_bytes, num_rows })
    }
}

/// Rows into and out of one step of the build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepCounts {
    /// Name of the step.
    pub step: String,
    /// Rows that came in.
    pub num_in: u64,
    /// Rows that went on.
    pub num_out: u64,
    /// Rows that did not, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Findings with which rows went on, by reason.
    pub warnings: BTreeMap<String, u64>,
}

/// How many records of one kind were read and kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordCount {
    /// The split.
    pub split: Split,
    /// How the records were made.
    pub origin: Origin,
    /// Name of the corpus.
    pub source: String,
    /// Kind of question.
    pub task: Task,
    /// Records that were read.
    pub num_read: u64,
    /// Records that were kept.
    pub num_records: u64,
}

impl Manifest {
    /// A manifest of this version of the tool with nothing in it yet.
    #[must_use]
    pub fn new(config: serde_json::Value) -> Self {
        Self {
            tool_version: TOOL_VERSION.to_owned(),
            config,
            layout: Layout::default(),
            sources: Vec::new(),
            steps: Vec::new(),
            counts: Vec::new(),
            languages: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }

    /// Reads the manifest of the data set in `directory`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Format`] if it is not a manifest.
    pub fn read(directory: &Path) -> Result<Self> {
        let path = directory.join(MANIFEST);
        if !path.exists() {
            let message = format!("expected a data set directory, found no {MANIFEST} in it");
            return Err(Error::format(directory, message));
        }
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::format(&path, format!("expected the manifest of a data set: {error}")))
    }

    /// Writes the manifest into `directory`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written.
    pub fn write(&self, directory: &Path) -> Result<()> {
        write_json(&directory.join(MANIFEST), self)
    }

    /// The corpora that may not be passed on, or of which nobody knows whether they may.
    #[must_use]
    pub fn restricted_sources(&self) -> Vec<&SourceEntry> {
        self.sources.iter().filter(|source| !source.redistribution.is_allowed()).collect()
    }

    /// Checks that the data set may be published.
    ///
    /// # Errors
    /// [`Error::Data`] if it has restricted sources and `allow_restricted` is false; the message names them.
    pub fn refuse_restricted(&self, allow_restricted: bool) -> Result<()> {
        let described = |source: &&SourceEntry| {
            let licenses: Vec<String> = source
                .licenses
                .keys()
                .filter(|license| !redistribution(license).is_allowed())
                .map(|license| format!("{license:?}"))
                .collect();
            let licenses = if licenses.is_empty() { format!("{:?}", source.license) } else { licenses.join(", ") };
            format!("{} (licence {licenses})", source.name)
        };
        let restricted = self.restricted_sources();
        if allow_restricted || restricted.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = restricted.iter().map(described).collect();
        Err(Error::Data(format!(
            "expected sources that may be passed on, found {}; leave them out, or say with --allow-restricted that you may \
             publish them",
            names.join(", ")
        )))
    }

    /// Checks that every file of the manifest is in `directory`, unchanged.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read, [`Error::Format`] if it is not the one that was written.
    pub fn verify(&self, directory: &Path) -> Result<()> {
        for (name, expected) in &self.files {
            let path = directory.join(name);
            let found = FileEntry::of(&path, expected.num_rows)?;
            if found.sha256 != expected.sha256 {
                let message =
                    format!("expected SHA-256 {}, found {}; build the data set again", expected.sha256, found.sha256);
                return Err(Error::format(&path, message));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_passed_on_is_refused_by_name_unless_allowed() {
        let mut manifest = Manifest::new(serde_json::Value::Null);
        let entry = |name: &str, license: &str| SourceEntry {
            name: name.to_owned(),
            license: license.to_owned(),
            licenses: [(license.to_owned(), 1)].into(),
            redistribution: redistribution(license),
            citation: String::new(),
            homepage: String::new(),
            hub_repository: String::new(),
            revision: String::new(),
            rejected: BTreeMap::new(),
            notes: Vec::new(),
            files: BTreeMap::new(),
        };
        manifest.sources = vec![entry("frenchmedmcqa", "Apache-2.0"), entry("deft2021", "agreement")];
        let refusal = manifest.refuse_restricted(false).unwrap_err().to_string();
        assert!(refusal.contains("found deft2021 (licence \"agreement\"); leave"), "{refusal}");
        manifest.refuse_restricted(true).unwrap();
        manifest.sources.pop();
        manifest.refuse_restricted(false).unwrap();
    }
}
