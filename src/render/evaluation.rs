//! Evaluation files: the questions of a split.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::EvaluationRow;
use crate::provenance::{AtomicFile, Dataset, Lineage, check_output_file};
use crate::record::{Origin, Record, Split, Task};
use crate::{Error, Result};

/// Which records are asked; an empty list keeps all.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Filter {
    /// Names of corpora.
    pub sources: Vec<String>,
    /// Ways of making.
    pub origins: Vec<Origin>,
    /// Kinds of question.
    pub tasks: Vec<Task>,
}

impl Filter {
    /// Whether `record` is kept.
    #[must_use]
    pub fn keeps(&self, record: &Record) -> bool {
        (self.sources.is_empty() || self.sources.contains(&record.source))
            && (self.origins.is_empty() || self.origins.contains(&record.origin))
            && (self.tasks.is_empty() || self.tasks.contains(&record.task))
    }
}

/// Writes one [`EvaluationRow`] a line for every record of `split` that `filter` keeps, in the data set's order.
///
/// Gives the number of rows, or `None` where `path` was already made from the same data set in the same way.
///
/// # Errors
/// [`Error::Data`] if no record is kept, or if `path` was made from something else and `force` is false;
/// [`Error::Format`] if `path` is a file of the data set, or no file; it and [`Error::Io`] if a file cannot be read or
/// written.
pub fn write_evaluation(
    dataset: &Dataset,
    split: Split,
    filter: &Filter,
    path: &Path,
    force: bool,
) -> Result<Option<u64>> {
    let files = dataset.files();
    check_output_file(path, &files.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
    let config = serde_json::json!({ "split": split, "filter": filter });
    let inputs = BTreeMap::from([("dataset".to_owned(), dataset.manifest_sha256().to_owned())]);
    let lineage = Lineage::new("render", config, inputs);
    if !lineage.must_make(path, force)? {
        return Ok(None);
    }
    let mut num_rows = 0;
    let mut file = AtomicFile::create(path)?;
    for record in dataset.records(split) {
        let record = record?;
        if filter.keeps(&record) {
            serde_json::to_writer(&mut file, &EvaluationRow::new(&record))
                .map_err(|error| Error::io(path)(error.into()))?;
            file.write_all(b"\n").map_err(Error::io(path))?;
            num_rows += 1;
        }
    }
    if num_rows == 0 {
        return Err(Error::Data(format!(
            "no record of split {split} matches the filters; see what there is with inspect stats"
        )));
    }
    file.commit()?;
    lineage.write(path)?;
    Ok(Some(num_rows))
}
