//! What to build, from a TOML file or the built-in sample.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::declared::{DeclaredSource, RawSource};
use super::description::Description;
use crate::dedup::{DedupConfig, SplitRatios};
use crate::provenance::Layout;
use crate::record::{Finding, Record};
use crate::source::{Source, SourceFiles};
use crate::validate::Rules;
use crate::{Error, Result, sample};

/// A build whose sources exist and whose numbers are in range.
#[derive(Debug)]
pub struct Plan {
    /// Seed of the splits that are drawn.
    pub seed: u64,
    /// What is read, in order.
    pub inputs: Vec<Input>,
    /// How duplicates and leaks are told.
    pub dedup: DedupConfig,
    /// Size at which a parquet file is ended and the next one begun.
    pub max_shard_bytes: usize,
    /// Which columns the records get.
    pub layout: Layout,
    /// Whether a data set in the published layout may hold what its licence forbids to pass on.
    pub allow_restricted: bool,
    /// What the data set says of itself.
    pub description: Description,
    /// By what records are validated.
    pub rules: Rules,
}

/// One source to read.
#[derive(Debug)]
pub struct Input {
    /// How it is read.
    pub source: Arc<dyn Source>,
    /// Its files.
    pub files: SourceFiles,
    /// Shares by which splits are drawn; without them the source's own splits are kept.
    pub resplit: Option<SplitRatios>,
    /// Repository on the Hub that its files are from, where it is not the source's own.
    pub hub_repository: Option<String>,
}

/// The configuration as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    #[serde(default = "default_seed")]
    seed: u64,
    #[serde(default)]
    source: Vec<RawSource>,
    #[serde(default)]
    dedup: DedupConfig,
    #[serde(default)]
    output: RawOutput,
    #[serde(default)]
    dataset: Description,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawOutput {
    max_shard_bytes: usize,
    layout: Layout,
}

impl Default for RawOutput {
    /// What the Hub recommends for a shard.
    fn default() -> Self {
        Self { max_shard_bytes: 500_000_000, layout: Layout::default() }
    }
}

impl RawConfig {
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let raw: Self = toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() as u64 + 1);
            Error::Format { path: path.to_path_buf(), row: line, message: error.message().to_owned() }
        })?;
        if raw.source.is_empty() {
            return Err(Error::format(path, "expected at least one [[source]] with a name and a path"));
        }
        if raw.output.max_shard_bytes == 0 {
            return Err(Error::config("output.max_shard_bytes", "expected at least 1, found 0"));
        }
        Ok(raw)
    }

    /// The sources, taken out of the configuration, which is the file `path`.
    fn declared(&mut self, path: &Path) -> Result<Vec<DeclaredSource>> {
        let directory = path.parent().unwrap_or(Path::new(""));
        let mut names = BTreeSet::new();
        let mut declared = Vec::new();
        for source in std::mem::take(&mut self.source) {
            let name = source.name.clone();
            if !names.insert(name.clone()) {
                return Err(Error::config("source.name", format!("expected each source once, found {name:?} twice")));
            }
            declared.push(source.declared(directory)?);
        }
        Ok(declared)
    }
}

/// The sources that the configuration `path` names, in order, whether their files are there or not.
///
/// # Errors
/// Those of [`Plan::from_config`], but for those of the sources' files.
pub fn declared_sources(path: &Path) -> Result<Vec<DeclaredSource>> {
    RawConfig::read(path)?.declared(path)
}

const fn default_seed() -> u64 {
    42
}

/// The configuration as the manifest has it: every default filled in, no path.
#[derive(Serialize)]
struct Resolved<'a> {
    seed: u64,
    source: Vec<ResolvedSource<'a>>,
    dedup: DedupConfig,
    output: ResolvedOutput,
    dataset: &'a Description,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<&'a str>,
}

#[derive(Serialize)]
struct ResolvedSource<'a> {
    name: &'a str,
    resplit: Option<SplitRatios>,
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    options: serde_json::Value,
}

impl<'a> ResolvedSource<'a> {
    fn of(input: &'a Input) -> Self {
        Self { name: &input.source.info().name, resplit: input.resplit, options: input.source.options() }
    }
}

#[derive(Serialize)]
struct ResolvedOutput {
    max_shard_bytes: usize,
    layout: Layout,
    allow_restricted: bool,
}

impl Plan {
    /// A build of nothing yet, with shards of the size that the Hub recommends.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let RawOutput { max_shard_bytes, layout } = RawOutput::default();
        Self {
            seed,
            inputs: Vec::new(),
            dedup: DedupConfig::default(),
            max_shard_bytes,
            layout,
            allow_restricted: false,
            description: Description::default(),
            rules: Rules::standard(),
        }
    }

    /// The same, which reads these files of this source too.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn Source>, files: SourceFiles) -> Self {
        self.inputs.push(Input { source, files, resplit: None, hub_repository: None });
        self
    }

    /// The same, whose records are validated by `check` too, see [`Rules::with_rule`].
    #[must_use]
    pub fn with_rule(
        mut self,
        name: impl Into<String>,
        check: impl Fn(&Record) -> Vec<Finding> + Send + Sync + 'static,
    ) -> Self {
        self.rules = self.rules.with_rule(name, check);
        self
    }

    /// Reads a configuration; paths in it are relative to its own directory.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read, [`Error::Format`] if the file is not TOML or has an unknown key,
    /// [`Error::Config`] if a value is out of range.
    pub fn from_config(path: &Path) -> Result<Self> {
        let mut raw = RawConfig::read(path)?;
        let mut inputs = Vec::new();
        for DeclaredSource { source, path: files, resplit, hub_repository, .. } in raw.declared(path)? {
            let info = source.info();
            if !files.exists() {
                return Err(absent(path, &info.name, &files));
            }
            let files = SourceFiles::at(&files, info)?;
            inputs.push(Input { source, files, resplit, hub_repository });
        }
        let RawOutput { max_shard_bytes, layout } = raw.output;
        Ok(Self { inputs, dedup: raw.dedup, max_shard_bytes, layout, description: raw.dataset, ..Self::new(raw.seed) })
    }

    /// The built-in sample.
    ///
    /// # Errors
    /// None, as long as the sample is whole.
    pub fn sample() -> Result<Self> {
        let input = |sample: sample::SampleSource| -> Result<Input> {
            let resplit = sample.resplit.map(SplitRatios::try_from).transpose();
            let resplit = resplit.map_err(|message| Error::config("resplit", message))?;
            Ok(Input { source: sample.source, files: sample.files, resplit, hub_repository: None })
        };
        let inputs = sample::sources()?.into_iter().map(input).collect::<Result<_>>()?;
        let description = Description::default().by(["The MedInjection-FR developers"]);
        Ok(Self { inputs, description, ..Self::new(default_seed()) })
    }

    /// The configuration, with every default filled in and without paths.
    ///
    /// # Panics
    /// Never: the configuration always serialises.
    #[must_use]
    pub fn resolved(&self) -> serde_json::Value {
        let resolved = Resolved {
            seed: self.seed,
            source: self.inputs.iter().map(ResolvedSource::of).collect(),
            dedup: self.dedup,
            output: ResolvedOutput {
                max_shard_bytes: self.max_shard_bytes,
                layout: self.layout,
                allow_restricted: self.allow_restricted,
            },
            dataset: &self.description,
            rules: self.rules.added().collect(),
        };
        serde_json::to_value(resolved).expect("numbers and names always serialise")
    }
}

/// What is said where the `path` of a source leads nowhere.
fn absent(config: &Path, name: &str, path: &Path) -> Error {
    let (path, config) = (path.display(), config.display());
    let message = format!(
        "expected the folder or file of {name}, found nothing at {path}; correct the path in {config}, to whose folder it is \
         relative, or bring the corpus (medinjection sources says how)"
    );
    Error::config(format!("source.{name}.path"), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("data")).unwrap();
        std::fs::write(directory.path().join("data/train.json"), "[]").unwrap();
        let path = directory.path().join("build.toml");
        std::fs::write(&path, text).unwrap();
        Plan::from_config(&path).map(|plan| plan.resolved()).unwrap_err().to_string()
    }

    const SOURCE: &str = "[[source]]\nname = \"frenchmedmcqa\"\npath = \"data\"\n";

    #[test]
    fn a_wrong_configuration_is_refused_by_key() {
        let misspelt = refusal(&format!("{SOURCE}resplitt = [1, 0, 0]\n"));
        assert!(misspelt.contains("build.toml, row 4: unknown field `resplitt`"), "{misspelt}");
        assert!(misspelt.contains("`resplit`"), "{misspelt}");
        assert!(
            refusal("sed = 1\n")
                .contains("unknown field `sed`, expected one of `seed`, `source`, `dedup`, `output`, `dataset`")
        );
        assert!(refusal(&format!("{SOURCE}resplit = [0.5, 0.1, 0.1]\n")).contains("sum to 1"));
        assert!(refusal(&format!("{SOURCE}{SOURCE}")).contains("found \"frenchmedmcqa\" twice"));
        assert!(refusal("").contains("expected at least one [[source]]"));
        assert!(refusal(&SOURCE.replace("frenchmedmcqa", "x")).contains("source.name: expected one of"));
        assert!(
            refusal(&SOURCE.replace("\"data\"", "\"absent\""))
                .contains("source.frenchmedmcqa.path: expected the folder or file")
        );
        assert!(refusal(&format!("{SOURCE}[output]\nmax_shard_bytes = 0\n")).contains("output.max_shard_bytes"));
        assert!(refusal(&format!("{SOURCE}[output]\nlayout = \"ours\"\n")).contains("`records` or `published`"));
        assert!(refusal(&format!("{SOURCE}[dataset]\nversion = \"1\"\n")).contains("dataset.version: expected MAJOR"));
    }

    #[test]
    fn the_resolved_configuration_has_the_defaults_and_no_path() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("train.json"), "[]").unwrap();
        let path = directory.path().join("build.toml");
        std::fs::write(&path, SOURCE.replace("data", ".")).unwrap();
        let expected = serde_json::json!({
            "seed": 42,
            "source": [{ "name": "frenchmedmcqa", "resplit": null }],
            "dedup": { "near_threshold": 0.8, "num_permutations": 128, "leak_threshold": 0.7 },
            "output": { "max_shard_bytes": 500_000_000, "layout": "records", "allow_restricted": false },
            "dataset": Description::default(),
        });
        assert_eq!(Plan::from_config(&path).unwrap().resolved(), expected);
    }
}
