//! The corpora that records come from: one file each, in the format in which its authors published it.
//!
//! A source reads files and gives rows. A row that cannot be read is a row too, [`SourceRow::Unreadable`], with its place,
//! what was expected and what was found: it never ends the reading. Sources do not judge what they can read. Which variant
//! of its format a file is in is decided from the file, and said: in each row's provenance, and once in a
//! [`SourceRow::Note`].
//!
//! A corpus of which this crate knows nothing is an implementation of
//! [`Source`] in a crate of its own:
//!
//! ```
//! use std::sync::Arc;
//!
//! use medinjection_fr::build::{Plan, build};
//! use medinjection_fr::provenance::Dataset;
//! use medinjection_fr::record::{Origin, Split};
//! use medinjection_fr::source::{Answer, Place, Question, RowKind, Sink, Source, SourceFiles, SourceInfo};
//!
//! /// One question and its answer a line, with a tab between them.
//! #[derive(Debug)]
//! struct Flashcards(SourceInfo);
//!
//! impl Source for Flashcards {
//!     fn info(&self) -> &SourceInfo {
//!         &self.0
//!     }
//!
//!     fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> medinjection_fr::Result<()> {
//!         for file in files.iter() {
//!             let text = std::io::read_to_string(file.open()?).map_err(medinjection_fr::Error::io(file.path()))?;
//!             for (row, line) in (1..).zip(text.lines()) {
//!                 let place = Place { revision: files.revision(), file, row, format: "flashcards" };
//!                 let Some((question, answer)) = line.split_once('\t') else {
//!                     sink(place.unreadable("expected a tab, found none", line.as_bytes()).into())?;
//!                     continue;
//!                 };
//!                 let question = Question {
//!                     text: question.to_owned(),
//!                     context: String::new(),
//!                     choices: Vec::new(),
//!                     answer: Answer::Text(answer.to_owned()),
//!                     task: None,
//!                     split: Split::Train,
//!                     source_id: row.to_string(),
//!                     group: question.to_owned(),
//!                 };
//!                 sink(question.record(self.info(), Origin::Native, place.provenance()).into())?;
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let info = SourceInfo::new("flashcards", RowKind::Records(Origin::Native), "CC0-1.0").with_files(["*.txt"]);
//! let files = SourceFiles::embedded(&[("cartes.txt", "Quel organe sécrète l'insuline ?\tLe pancréas.\n".as_bytes())]);
//! let plan = Plan::new(42).with_source(Arc::new(Flashcards(info)), files);
//! let directory = tempfile::tempdir()?;
//! let out = directory.path().join("dataset");
//! build(&plan, &out, false)?;
//! let records: Vec<_> = Dataset::open(&out)?.records(Split::Train).collect::<Result<_, _>>()?;
//! assert_eq!(records[0].answer, "Le pancréas.");
//! # Ok(())
//! # }
//! ```

mod case_questions;
mod choices;
mod columns;
mod deft2021;
mod diamed;
mod e3c;
mod exam;
mod files;
#[cfg(test)]
pub(crate) mod fixture;
mod formats;
mod frbmedqa;
mod frenchmedmcqa;
mod info;
mod license;
mod medical_cases_fr;
mod medical_mcqa_fr;
mod mediqal;
mod medmcqa;
mod medqa;
mod medxpertqa;
mod mmlu;
mod mmlu_fr;
mod mmlu_pro;
mod morfitt;
pub(crate) mod parallel;
mod pubmedqa;
mod question;
mod released;
mod s_editions;
mod table;
mod tico19;
#[cfg(test)]
mod total;
mod wmt_biomedical;

use std::sync::Arc;

pub use crate::record::{Redistribution, redistribution};
#[cfg(feature = "hub")]
pub(crate) use files::matches;
pub use files::{SourceFile, SourceFiles};
pub use info::{RowKind, SourceInfo};
pub use question::{Answer, Place, Question};
pub use table::{AnswerForm, ChoiceColumns, ColumnMapping, SplitRule, TableFormat, TableOptions, TableSource};

use crate::record::{Document, Original, Record};
use crate::{Error, Result};

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
    /// No row: something that reading brought to light.
    Note(Note),
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

impl From<Unreadable> for SourceRow {
    fn from(row: Unreadable) -> Self {
        Self::Unreadable(row)
    }
}

/// Something about a file that its reader must know: the variant of its format, a count that differs from a published one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Path of the file inside the source.
    pub file: String,
    /// What is to be known.
    pub message: String,
}

impl From<Note> for SourceRow {
    fn from(note: Note) -> Self {
        Self::Note(note)
    }
}

/// What takes the rows of a source, in order; its error ends the reading.
pub type Sink<'a> = dyn FnMut(SourceRow) -> Result<()> + 'a;

/// A corpus that can be read.
pub trait Source: std::fmt::Debug + Send + Sync {
    /// What is known of it.
    fn info(&self) -> &SourceInfo;

    /// Gives every row of `files` to `sink`, in an order that depends on the files alone.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read, [`Error::Format`] if a file as a whole is not of the source's format, and
    /// whatever `sink` returns. Rows that cannot be read are not errors.
    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()>;

    /// The part of the corpus to which the file called `file_name` belongs; files of one part are read together, and each part
    /// by itself, by whatever process. Without a name, as it is by default, all files are one part.
    ///
    /// A source whose rows depend on one file each gives the name of the file: its files can be divided among the shards of a
    /// build.
    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        let _ = file_name;
        None
    }

    /// How the files hold rows, where it is not their names that say it.
    fn table_format(&self) -> Option<TableFormat> {
        None
    }

    /// Options that decide on the rows, for the manifest; `null` where there are none.
    fn options(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

/// Every source of this crate, in the order of their names.
#[must_use]
pub fn sources() -> Vec<Arc<dyn Source>> {
    let mut sources: Vec<Arc<dyn Source>> = vec![
        Arc::new(case_questions::CaseQuestions),
        Arc::new(deft2021::Deft2021),
        Arc::new(diamed::DiaMed),
        Arc::new(e3c::E3c),
        Arc::new(frbmedqa::FrBMedQa),
        Arc::new(frenchmedmcqa::FrenchMedMcqa),
        Arc::new(medical_cases_fr::MedicalCasesFr),
        Arc::new(medical_mcqa_fr::MedicalMcqaFr),
        Arc::new(mediqal::MediQAl),
        Arc::new(medmcqa::MedMcqa),
        Arc::new(medqa::MedQa),
        Arc::new(medxpertqa::MedXpertQa),
        Arc::new(mmlu::Mmlu),
        Arc::new(mmlu_fr::MmluFr),
        Arc::new(mmlu_pro::MmluPro),
        Arc::new(morfitt::Morfitt),
        Arc::new(pubmedqa::PubMedQa),
        Arc::new(s_editions::SEditions),
        Arc::new(tico19::Tico19),
        Arc::new(wmt_biomedical::WmtBiomedical),
    ];
    sources.extend(released::Released::all().map(|source| -> Arc<dyn Source> { Arc::new(source) }));
    sources.sort_by(|left, right| left.info().name.cmp(&right.info().name));
    sources
}

/// The source called `name`.
///
/// # Errors
/// [`Error::Config`] if there is none; the message lists those there are.
pub fn find(name: &str) -> Result<Arc<dyn Source>> {
    let sources = sources();
    let names: Vec<&str> = sources.iter().map(|source| source.info().name.as_str()).collect();
    let message = format!("expected one of {}, found {name:?}", names.join(", "));
    let found = sources.iter().find(|source| source.info().name == name).cloned();
    found.ok_or_else(|| Error::config("source.name", message))
}

/// Gives the variant of the format of `file` to `sink`, to be said once.
pub(crate) fn say(file: &SourceFile, message: impl Into<String>, sink: &mut Sink<'_>) -> Result<()> {
    sink(SourceRow::Note(Note { file: file.name.clone(), message: message.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_found_by_name_and_sorted() {
        let sources = sources();
        assert!(sources.is_sorted_by_key(|source| source.info().name.clone()));
        for source in &sources {
            let info = source.info();
            assert!(
                !info.citation.is_empty() && !info.license.is_empty() && !info.file_patterns.is_empty(),
                "{info:?}"
            );
            let is_public = info.homepage.starts_with("https://") || !info.hub_repository.is_empty();
            assert!(is_public || !info.access.is_empty(), "{info:?}");
        }
        let refusal = find("mmlu-fr").unwrap_err().to_string();
        assert!(refusal.contains("expected one of ") && refusal.contains("frenchmedmcqa, "), "{refusal}");
        assert!(refusal.ends_with("found \"mmlu-fr\""), "{refusal}");
    }
}
