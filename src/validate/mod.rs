//! Checks of records: [`validate`] reports on one, [`validate_path`] on all rows of a file or data set; the rows of sources, before
//! there is a data set, are for [`validate_sources`](crate::build::validate_sources).
//!
//! A check never drops nor repairs; what to do about a finding is for `build`. One rule is one file under `rules/`. A
//! finding of severity [`Severity::Error`](crate::record::Severity) makes the record unfit for training; a warning is for
//! a person to look at.

mod input;
mod originals;
mod rules;
mod ruleset;
mod summary;

use std::path::Path;

pub(crate) use originals::{Originals, Stored};

pub use input::{Row, RowSink, read_jsonl, read_rows};
pub use ruleset::Rules;
pub use summary::{Count, Located, Summary};

use crate::Result;
use crate::provenance::Dataset;
use crate::record::{Finding, Origin, Original, Reason, Record};

/// Everything that is wrong with `record` by the standard rules, see [`Rules::check`].
#[must_use]
pub fn validate(record: &Record) -> Vec<Finding> {
    Rules::standard().check(record, None)
}

/// Everything that is wrong with `record` as a translation of `original`, in the order of the rules.
///
/// What is wrong with the record alone is for [`validate`]. The languages in the record are used where there are any.
#[must_use]
pub fn validate_translation(record: &Record, original: &Original) -> Vec<Finding> {
    rules::translation::check(record, original)
}

/// Validates each row of `path` and gives every finding to `sink` in the order of the rows; see [`read_rows`].
///
/// A row that is no record is a finding [`Reason::Unreadable`]. In a data set, a translated record is compared with its English
/// original, as in the build; those whose original is not at hand are counted. Memory does not grow with the length of
/// the texts.
///
/// # Errors
/// What [`read_rows`] and `sink` return; [`Error::Io`](crate::Error::Io) if the directory of temporary files cannot be written.
pub fn validate_path(path: &Path, sink: &mut dyn FnMut(&Located) -> Result<()>) -> Result<Summary> {
    let rules = Rules::standard();
    let mut validator = Validator::new(&rules, sink)?;
    if path.is_dir() {
        let dataset = Dataset::open_any_layout(path)?;
        dataset.originals().try_for_each(|original| validator.original(&original?))?;
        input::read_dataset(&dataset, &mut |file, number, read| validator.row(file, number, read))?;
    } else {
        read_rows(path, &mut |file, number, read| validator.row(file, number, read))?;
    }
    Ok(validator.finish())
}

/// Validates rows one by one, translations beside the originals that it was given before.
pub(crate) struct Validator<'a> {
    rules: &'a Rules,
    sink: &'a mut dyn FnMut(&Located) -> Result<()>,
    originals: Originals,
    summary: Summary,
}

impl<'a> Validator<'a> {
    /// A validator that gives every finding to `sink`.
    pub(crate) fn new(rules: &'a Rules, sink: &'a mut dyn FnMut(&Located) -> Result<()>) -> Result<Self> {
        let originals = Originals::create_in(&std::env::temp_dir())?;
        Ok(Self { rules, sink, originals, summary: Summary::default() })
    }

    /// An English original that rows may translate.
    pub(crate) fn original(&mut self, original: &Original) -> Result<()> {
        self.originals.push(original)
    }

    /// Validates the row `number` of `file`.
    pub(crate) fn row(&mut self, file: &str, number: u64, row: Row) -> Result<()> {
        let (id, findings) = match row {
            Row::Record(record) => {
                let original = self.originals.of(&record)?.map(|stored| stored.open()).transpose()?;
                if original.is_none() && record.origin == Origin::Translated {
                    self.summary.add_not_compared();
                }
                (record.id.clone(), self.rules.check(&record, original.as_ref()))
            }
            Row::Unreadable(detail) => (String::new(), vec![Finding::error(Reason::Unreadable, "row", detail)]),
        };
        let locate = |finding| Located { file: file.to_owned(), row: number, id: id.clone(), finding };
        let findings: Vec<Located> = findings.into_iter().map(locate).collect();
        findings.iter().try_for_each(&mut *self.sink)?;
        self.summary.add(&findings);
        Ok(())
    }

    /// What was found.
    pub(crate) fn finish(self) -> Summary {
        self.summary
    }
}
