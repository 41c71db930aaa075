//! Checks of records: [`validate`] reports on one, [`validate_path`] on all rows of a file or data set.
//!
//! A check never drops nor repairs; what to do about a finding is for `build`. One rule is one file under `rules/`. A
//! finding of severity [`Severity::Error`](crate::record::Severity) makes the record unfit for training; a warning is for
//! a person to look at.

mod input;
mod rules;
mod ruleset;
mod summary;

use std::path::Path;

pub use input::{Row, RowSink, read_jsonl, read_rows};
pub use ruleset::Rules;
pub use summary::{Count, Located, Summary};

use crate::Result;
use crate::record::{Finding, Original, Reason, Record};

/// Everything that is wrong with `record` by the standard rules, see [`Rules::check`].
#[must_use]
pub fn validate(record: &Record) -> Vec<Finding> {
    Rules::standard().check(record)
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
/// A row that is no record is a finding [`Reason::Unreadable`]. Memory does not grow with the file.
///
/// # Errors
/// What [`read_rows`] and `sink` return.
pub fn validate_path(path: &Path, sink: &mut dyn FnMut(&Located) -> Result<()>) -> Result<Summary> {
    let mut summary = Summary::default();
    read_rows(path, &mut |file, row_number, row| {
        let (id, findings) = match row {
            Row::Record(record) => (record.id.clone(), validate(&record)),
            Row::Unreadable(detail) => (String::new(), vec![Finding::error(Reason::Unreadable, "row", detail)]),
        };
        let locate = |finding| Located { file: file.to_owned(), row: row_number, id: id.clone(), finding };
        let findings: Vec<Located> = findings.into_iter().map(locate).collect();
        findings.iter().try_for_each(&mut *sink)?;
        summary.add(&findings);
        Ok(())
    })?;
    Ok(summary)
}
