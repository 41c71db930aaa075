//! A trained adapter as it is published: its two files, a model card and a manifest.
//!
//! The card says what the run says: mixture, recipe, losses, and results with their intervals. No path of the machine leaves.

use std::collections::BTreeMap;
use std::fmt::{Result as Written, Write};
use std::path::Path;

use serde::Serialize;

use super::files::read_json;
use super::format::{grouped, percent, percent_interval, points, points_interval};
use super::results::{caveats, rows, verdict};
use super::run::Run;
use super::sections::settings;
use crate::hub::{Content, Outgoing};
use crate::provenance::{FileEntry, MANIFEST, TOOL_VERSION};
use crate::{Error, Result};

/// The adapter's configuration, in PEFT's format.
const CONFIG: &str = "adapter_config.json";
/// The adapter's tensors.
const WEIGHTS: &str = "adapter_model.safetensors";

/// What its owner says of an adapter.
#[derive(Debug, Clone, Copy)]
pub struct AdapterStatement<'a> {
    /// Where it goes, `OWNER/NAME`.
    pub repository: &'a str,
    /// The model that it is an adapter of, `OWNER/NAME` on the Hub.
    pub base_model: &'a str,
    /// SPDX identifier of its licence.
    pub license: &'a str,
}

/// The files that leave, and the card among them.
#[derive(Debug)]
pub struct AdapterPublication {
    /// The files, in the order of their paths, the manifest last.
    pub files: Vec<Outgoing>,
    /// The card.
    pub card: String,
}

/// `manifest.json` of a published adapter.
#[derive(Serialize)]
struct AdapterManifest<'a> {
    tool_version: &'a str,
    base_model: &'a str,
    files: BTreeMap<&'a str, FileEntry>,
}

impl AdapterPublication {
    /// What of the run in `directory` is published.
    ///
    /// # Errors
    /// [`Error::Config`] if a statement has not its form; else as for [`Run::open_all`], and [`Error::Format`] if a file of the
    /// adapter is a link or cannot be read.
    pub fn new(directory: &Path, statement: &AdapterStatement<'_>) -> Result<Self> {
        statement.check()?;
        let runs = Run::open_all(&[directory.to_path_buf()], false)?;
        let card = card(&runs[0], statement);
        let adapter = directory.join("adapter");
        for path in [adapter.clone(), adapter.join(CONFIG), adapter.join(WEIGHTS)] {
            if path.symlink_metadata().map_err(Error::io(&path))?.is_symlink() {
                return Err(Error::format(&path, "expected a directory or file of the run, found a symbolic link"));
            }
        }
        let mut config: serde_json::Map<String, serde_json::Value> = read_json(&adapter.join(CONFIG))?;
        config.insert("base_model_name_or_path".to_owned(), statement.base_model.into());
        let FileEntry { sha256, num_bytes, .. } = FileEntry::of(&adapter.join(WEIGHTS), None)?;
        let content = Content::File(adapter.join(WEIGHTS));
        let mut files = vec![
            Outgoing::new("README.md", card.clone().into_bytes()),
            Outgoing::new(CONFIG, json(&config)?),
            Outgoing { path: WEIGHTS.to_owned(), num_bytes, sha256, content },
        ];
        let entry =
            |file: &Outgoing| FileEntry { sha256: file.sha256.clone(), num_bytes: file.num_bytes, num_rows: None };
        let listed = files.iter().map(|file| (file.path.as_str(), entry(file))).collect();
        let manifest = AdapterManifest { tool_version: TOOL_VERSION, base_model: statement.base_model, files: listed };
        let manifest = json(&manifest)?;
        files.push(Outgoing::new(MANIFEST, manifest));
        Ok(Self { files, card })
    }

    /// Bytes of all files.
    #[must_use]
    pub fn num_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.num_bytes).sum()
    }
}

impl AdapterStatement<'_> {
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

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::format(MANIFEST, format!("cannot be written as JSON: {error}")))?;
    text.push(b'\n');
    Ok(text)
}

/// The model card of the adapter that a run has made.
///
/// # Panics
/// Never: writing into a text does not fail.
fn card(run: &Run, statement: &AdapterStatement<'_>) -> String {
    let mut text = String::new();
    body(&mut text, run, statement).expect("writing into a text does not fail");
    text
}

fn body(text: &mut String, run: &Run, statement: &AdapterStatement<'_>) -> Written {
    let AdapterStatement { repository, base_model, license } = statement;
    writeln!(
        text,
        "---\nlibrary_name: peft\nbase_model: {base_model}\nlicense: {}\nlanguage:\n- fr\npipeline_tag: text-generation\n\
         tags:\n- medical\n- biology\n- french\n- medinjection-fr\n---\n",
        license.to_lowercase()
    )?;
    let name = repository.split('/').next_back().unwrap_or(repository);
    writeln!(
        text,
        "# {name}\n\nAn adapter of `{base_model}` for French biomedical questions, mixture: {}.",
        run.mixture_name()
    )?;
    writeln!(
        text,
        "\n```python\nfrom peft import PeftModel\nfrom transformers import AutoModelForCausalLM\n\n\
         base = AutoModelForCausalLM.from_pretrained(\"{base_model}\")\n\
         model = PeftModel.from_pretrained(base, \"{repository}\")\n```"
    )?;
    results(text, run)?;
    mixture(text, run)?;
    training(text, run)?;
    writeln!(text, "{LIMITS}")
}

/// Base against tuned, with intervals.
fn results(text: &mut String, run: &Run) -> Written {
    writeln!(
        text,
        "\n## Results\n\nExact match in percent, with 95 % bootstrap intervals; differences in points, paired by question.\n"
    )?;
    text.push_str("| source | task | questions | base | tuned | difference |\n|---|---|---:|---|---|---|\n");
    for row in rows(run) {
        let task = row.task.map(|task| task.to_string()).unwrap_or_default();
        let [base, tuned] = [(row.base, row.base_interval), (row.tuned, row.tuned_interval)]
            .map(|(share, interval)| format!("{} ({})", percent(share), percent_interval(interval)));
        let difference = format!("{} ({})", points(row.difference), points_interval(row.difference_interval));
        let source = cell(&row.source);
        writeln!(
            text,
            "| {source} | {task} | {} | {base} | {tuned} | {difference} |",
            grouped(row.num_records as u64)
        )?;
    }
    writeln!(text, "\n{}", verdict(run))?;
    caveats(std::slice::from_ref(run)).iter().try_for_each(|caveat| writeln!(text, "\n**Note**: {caveat}."))
}

/// What it was trained on.
fn mixture(text: &mut String, run: &Run) -> Written {
    let Some(mixture) = &run.mixture else {
        return writeln!(text, "\n## Training data\n\nThe run names no mixture.");
    };
    let (size, dataset) = (grouped(mixture.train.num_records), &mixture.dataset);
    writeln!(
        text,
        "\n## Training data\n\n{size} records, drawn with seed {} from the data set whose manifest has SHA-256 `{dataset}`.\n",
        mixture.seed
    )?;
    text.push_str("| origin | source | task | records |\n|---|---|---|---:|\n");
    for share in &mixture.train.composition {
        let (origin, source, task) = (share.origin, cell(&share.source), share.task);
        writeln!(text, "| {origin} | {source} | {task} | {} |", grouped(share.num_records))?;
    }
    Ok(())
}

/// The recipe, without paths, and how the losses went.
fn training(text: &mut String, run: &Run) -> Written {
    text.push_str("\n## Recipe\n\n| setting | value |\n|---|---|\n");
    for (name, value) in settings(run) {
        writeln!(text, "| `{name}` | `{}` |", cell(&value))?;
    }
    let losses = run.losses();
    if let (Some((_, first)), Some((step, last))) = (losses.first(), losses.last()) {
        writeln!(text, "\nTraining loss: {first:.4} at the first step, {last:.4} at step {}.", grouped(*step))?;
    }
    if let Some((step, loss)) = run.eval_losses().last() {
        writeln!(text, "Validation loss: {loss:.4} at step {}.", grouped(*step))?;
    }
    Ok(())
}

/// A text that stands in one cell of a table.
fn cell(text: &str) -> String {
    let plain = text.replace('|', "\\|").replace('`', "'").replace('<', "&lt;");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

const LIMITS: &str = "\n## Intended use and limits\n\n\
    For research on instruction data in French biomedicine: comparing what native, translated and synthetic questions are worth.\n\n\
    - Not a medical device and no medical advice: it must not be deployed, nor used on patients, without review by experts.\n\
    - Translated and synthetic training data can introduce factual drift; nothing here says that a physician reviewed them.\n\
    - The results are of exam questions with choices; they say nothing on free answers, on dialogue or on other languages.\n\n\
    ## Citation\n\n```bibtex\n@article{belmadani2026medinjectionfr,\n  title = {MedInjection-FR: Exploring the Role of Native, Synthetic, \
    and Translated Data in Biomedical Instruction Tuning},\n  author = {Belmadani and others},\n  year = {2026},\n  \
    journal = {arXiv preprint arXiv:2603.06905}\n}\n```";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_has_not_its_form_is_refused_by_its_option() {
        let good = AdapterStatement { repository: "labo/a", base_model: "Qwen/Qwen3-4B", license: "Apache-2.0" };
        good.check().unwrap();
        for (statement, option) in [
            (AdapterStatement { repository: "labo", ..good }, "--repo: "),
            (AdapterStatement { base_model: "/home/me/model", ..good }, "--base-model: "),
            (AdapterStatement { base_model: "a/b\ntags: x", ..good }, "--base-model: "),
            (AdapterStatement { license: "", ..good }, "--license: "),
            (AdapterStatement { license: "mit\nx: y", ..good }, "--license: "),
        ] {
            let refusal = statement.check().unwrap_err().to_string();
            assert!(refusal.starts_with(option), "{refusal}");
        }
    }

    #[test]
    fn a_cell_stays_a_cell() {
        assert_eq!(cell("a|b\n`c` <script>"), "a\\|b 'c' &lt;script>");
    }
}
