//! What a data set directory holds and what it was made from.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{TOOL_VERSION, sha256_file, write_json};
use crate::record::{Origin, Split, Task};
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
    /// The corpora that were read.
    pub sources: Vec<SourceEntry>,
    /// Counts in and out of each step, in order.
    pub steps: Vec<StepCounts>,
    /// Records that were read and kept, by split, origin, source and task.
    pub counts: Vec<RecordCount>,
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
    /// How its authors want to be cited.
    pub citation: String,
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
            sources: Vec::new(),
            steps: Vec::new(),
            counts: Vec::new(),
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
