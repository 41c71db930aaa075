//! From a question as a row has it to a record or an original, and where the row stands.

use super::{SourceFile, SourceInfo, SourceRow, Unreadable, formats};
use crate::record::{
    Choice, ChoiceLabel, LineageStep, Origin, Original, Provenance, Record, RowProvenance, Split, Task, format_answer,
    short_hash,
};

/// Where a row stands and in which form.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Revision of the source, see [`SourceFiles::revision`](super::SourceFiles::revision).
    pub revision: &'a str,
    /// Its file.
    pub file: &'a SourceFile,
    /// One-based row in that file.
    pub row: u64,
    /// Which variant of the corpus's format the file has.
    pub format: &'a str,
}

impl Place<'_> {
    /// Provenance of the record made from the row.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        let RowProvenance { source_revision, source_file, source_row, lineage } = self.row_provenance();
        Provenance { source_revision, source_file, source_row, lineage, ..Provenance::default() }
    }

    /// Provenance of the original or document made from the row.
    #[must_use]
    pub fn row_provenance(&self) -> RowProvenance {
        RowProvenance {
            source_revision: self.revision.to_owned(),
            source_file: self.file.name.clone(),
            source_row: self.row,
            lineage: vec![LineageStep { step: "read".to_owned(), detail: self.format.to_owned() }],
        }
    }

    /// The row as one that cannot be read.
    #[must_use]
    pub fn unreadable(&self, detail: impl Into<String>, bytes: &[u8]) -> Unreadable {
        let (file, raw) = (self.file.name.clone(), formats::raw(bytes));
        Unreadable { file, row: self.row, detail: detail.into(), raw }
    }
}

/// The answer of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Labels of the correct choices.
    Labels(Vec<ChoiceLabel>),
    /// Free text.
    Text(String),
}

/// A question as a source reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The question or order.
    pub text: String,
    /// Passage that it is about; may be empty.
    pub context: String,
    /// The choices in order; empty for open questions.
    pub choices: Vec<Choice>,
    /// The answer.
    pub answer: Answer,
    /// Kind of question; `None` where it follows from the answer.
    pub task: Option<Task>,
    /// What the record may be used for.
    pub split: Split,
    /// Identifier inside the corpus.
    pub source_id: String,
    /// Text that questions of the same case, passage or original share; they get one group.
    pub group: String,
}

impl Question {
    /// The multiple-choice question of an original: it has no context, no group, and its split is not asked for.
    #[must_use]
    pub fn of_original(text: String, choices: Vec<Choice>, labels: Vec<ChoiceLabel>, source_id: String) -> Self {
        Self {
            text,
            context: String::new(),
            choices,
            answer: Answer::Labels(labels),
            task: None,
            split: Split::Test,
            source_id,
            group: String::new(),
        }
    }

    /// The French record that asks it.
    ///
    /// Labels are put in order; what else is wrong with the question is left for the checks to find.
    #[must_use]
    pub fn record(self, info: &SourceInfo, origin: Origin, provenance: Provenance) -> Record {
        let task = self.task();
        let (answer_labels, answer) = match self.answer {
            Answer::Labels(mut labels) => {
                labels.sort_unstable();
                let answer = format_answer(&labels);
                (labels, answer)
            }
            Answer::Text(text) => (Vec::new(), text),
        };
        let mut record = Record {
            id: String::new(),
            instruction: self.text,
            context: self.context,
            choices: self.choices,
            answer_labels,
            answer,
            task,
            origin,
            split: self.split,
            source: info.name.clone(),
            source_id: self.source_id,
            group_id: format!("{}/{}", info.name, short_hash(self.group.as_bytes())),
            license: info.license.clone(),
            provenance,
            languages: Vec::new(),
            findings: Vec::new(),
        };
        record.id = record.content_id();
        record
    }

    /// The English original that asks it, of the corpus `source`; a free answer is left out.
    #[must_use]
    pub fn original(self, source: &str, license: &str, provenance: RowProvenance) -> Original {
        let task = self.task();
        let answer_labels = match self.answer {
            Answer::Labels(mut labels) => {
                labels.sort_unstable();
                labels
            }
            Answer::Text(_) => Vec::new(),
        };
        let choices: Vec<_> = self.choices.iter().map(|choice| (choice.label, &choice.text)).collect();
        let content =
            serde_json::json!([source, self.source_id, self.text, self.context, choices, answer_labels]).to_string();
        Original {
            id: short_hash(content.as_bytes()),
            question: self.text,
            context: self.context,
            choices: self.choices,
            answer_labels,
            task,
            source: source.to_owned(),
            source_id: self.source_id,
            license: license.to_owned(),
            provenance,
        }
    }

    fn task(&self) -> Task {
        self.task.unwrap_or(match &self.answer {
            Answer::Text(_) => Task::Oeq,
            Answer::Labels(labels) if labels.len() <= 1 => Task::Mcqu,
            Answer::Labels(_) => Task::Mcq,
        })
    }
}

impl From<Record> for SourceRow {
    fn from(record: Record) -> Self {
        Self::Record(Box::new(record))
    }
}

impl From<Original> for SourceRow {
    fn from(original: Original) -> Self {
        Self::Original(Box::new(original))
    }
}

impl From<crate::record::Document> for SourceRow {
    fn from(document: crate::record::Document) -> Self {
        Self::Document(Box::new(document))
    }
}
