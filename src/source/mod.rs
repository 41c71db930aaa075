//! The corpora that records come from: one file each, in the format in which its authors published it.
//!
//! A source reads files and gives rows. A row that cannot be read is a row too, [`SourceRow::Unreadable`], with its place,
//! what was expected and what was found: it never ends the reading. Sources do not judge what they can read.

mod case_questions;
mod choices;
mod files;
mod formats;
mod frenchmedmcqa;
mod mmlu_fr;

use serde::Serialize;

pub use files::{SourceFile, SourceFiles};

use crate::record::{Document, LineageStep, Origin, Original, Provenance, Record};
use crate::{Error, Result};

/// What is known of a corpus without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SourceInfo {
    /// Name, as in configurations and records.
    pub name: &'static str,
    /// How its records were made.
    pub origin: Origin,
    /// SPDX identifier of its licence, or the corpus's own words.
    pub license: &'static str,
    /// How its authors want to be cited.
    pub citation: &'static str,
    /// Where its authors publish it.
    pub homepage: &'static str,
    /// Repository on the Hugging Face Hub; empty where there is none.
    pub hub_repository: &'static str,
    /// Names of the files that are read; `*` stands for any text.
    pub file_patterns: &'static [&'static str],
}

/// One row of a corpus.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceRow {
    /// A French instruction–response pair.
    Record(Box<Record>),
    /// An English original.
    Original(Box<Original>),
    /// A seed document.
    Document(Box<Document>),
    /// A row that is none of these.
    Unreadable(Unreadable),
}

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Path of the file inside the source.
    pub file: String,
    /// One-based row in that file.
    pub row: u64,
    /// What was expected and what was found.
    pub detail: String,
    /// The row as it stands in the file.
    pub raw: String,
}

/// What takes the rows of a source, in order; its error ends the reading.
pub type Sink<'a> = dyn FnMut(SourceRow) -> Result<()> + 'a;

/// A corpus that can be read.
pub trait Source: std::fmt::Debug + Sync {
    /// What is known of it.
    fn info(&self) -> &'static SourceInfo;

    /// Gives every row of `files` to `sink`, in an order that depends on the files alone.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read, [`Error::Format`] if a file as a whole is not of the source's format, and
    /// whatever `sink` returns. Rows that cannot be read are not errors.
    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()>;
}

/// Every source, in the order of their names.
pub const SOURCES: &[&dyn Source] = &[&case_questions::CaseQuestions, &frenchmedmcqa::FrenchMedMcqa, &mmlu_fr::MmluFr];

/// The source called `name`.
///
/// # Errors
/// [`Error::Config`] if there is none; the message lists those there are.
pub fn find(name: &str) -> Result<&'static dyn Source> {
    SOURCES.iter().find(|source| source.info().name == name).copied().ok_or_else(|| {
        let names: Vec<&str> = SOURCES.iter().map(|source| source.info().name).collect();
        Error::config("source.name", format!("expected one of {}, found {name:?}", names.join(", ")))
    })
}

/// Provenance of the record on `row` of `file`, of the corpus at `revision`.
fn provenance(revision: &str, file: &str, row: u64, format: &str) -> Provenance {
    Provenance {
        source_revision: revision.to_owned(),
        source_file: file.to_owned(),
        source_row: row,
        lineage: vec![LineageStep { step: "read".to_owned(), detail: format.to_owned() }],
        ..Provenance::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_found_by_name_and_sorted() {
        assert!(SOURCES.is_sorted_by_key(|source| source.info().name));
        assert_eq!(find("mmlu_fr").unwrap().info().origin, Origin::Translated);
        let refusal = find("mmlu-fr").unwrap_err().to_string();
        assert!(refusal.contains("expected one of case_questions, frenchmedmcqa, mmlu_fr, found \"mmlu-fr\""));
    }
}
