//! The data model: records, originals and documents, and what is known of them.
//!
//! Nothing here knows files or Arrow. A [`Record`] may be defective: defects are [`Finding`]s, found by
//! `validate` and acted upon by `build`.

mod choice;
mod fields;
mod finding;
#[cfg(test)]
pub(crate) mod fixture;
mod license;
mod provenance;
mod published;
mod rejected;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use choice::{Choice, ChoiceLabel, format_answer};
pub use finding::{Finding, Reason, Severity};
pub use license::{Redistribution, redistribution};
pub use provenance::{FieldLanguage, LineageStep, Provenance, RowProvenance, Synthesis, Translation};
pub use published::{CHOICES_HEADER, PublishedRecord};
pub use rejected::Rejected;

/// What kind of question a record asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Multiple choice, exactly one correct.
    Mcqu,
    /// Multiple choice, several may be correct.
    Mcq,
    /// Open question, answered in free text.
    Oeq,
}

/// How a record was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Written in French by people.
    Native,
    /// Translated from an English original.
    Translated,
    /// Written by a model from a French document.
    Synthetic,
}

/// What a record may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Seen in training.
    Train,
    /// Used to choose among models.
    Validation,
    /// Used once, to report.
    Test,
}

macro_rules! names {
    ($type:ty, $($variant:ident => $name:literal),+) => {
        impl $type {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used in files and on command lines.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(format!("expected one of {}, found {text:?}", [$($name),+].join(", "))),
                }
            }
        }
    };
}
names!(Task, Mcqu => "mcqu", Mcq => "mcq", Oeq => "oeq");
names!(Origin, Native => "native", Translated => "translated", Synthetic => "synthetic");
names!(Split, Train => "train", Validation => "validation", Test => "test");

impl Task {
    /// Whether the question offers choices.
    #[must_use]
    pub const fn is_multiple_choice(self) -> bool {
        matches!(self, Self::Mcqu | Self::Mcq)
    }
}

/// One French instruction–response pair, the thing that is trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Hash of the canonical content, see [`Record::content_id`].
    pub id: String,
    /// The question or order.
    pub instruction: String,
    /// Passage that the question is about; may be empty.
    pub context: String,
    /// The choices in order; empty for open questions.
    pub choices: Vec<Choice>,
    /// Labels of the correct choices, ascending; empty for open questions.
    pub answer_labels: Vec<ChoiceLabel>,
    /// The answer as text: `B`, `A, C, E`, or free text.
    pub answer: String,
    /// Kind of question.
    pub task: Task,
    /// How the record was made.
    pub origin: Origin,
    /// What the record may be used for.
    pub split: Split,
    /// Name of the corpus it came from.
    pub source: String,
    /// Identifier inside the corpus.
    pub source_id: String,
    /// Records that share a case, a passage or an original share this; a group never crosses splits.
    pub group_id: String,
    /// SPDX identifier of the licence, or the corpus's own words.
    pub license: String,
    /// Where it came from and what was done to it.
    pub provenance: Provenance,
    /// Language of every text field.
    pub languages: Vec<FieldLanguage>,
    /// What the checks found.
    pub findings: Vec<Finding>,
}

impl Record {
    /// Identifier of the record's content: 32 hexadecimal digits of the SHA-256 of the canonical JSON array
    /// `[task, instruction, context, [[label, text]…], [answer labels…], answer]`.
    ///
    /// Equal content gives equal identifiers, whatever the source, split or provenance.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "strings and unit enums always serialise")]
    pub fn content_id(&self) -> String {
        let choices: Vec<_> = self.choices.iter().map(|choice| (choice.label, &choice.text)).collect();
        let content = (self.task, &self.instruction, &self.context, choices, &self.answer_labels, &self.answer);
        short_hash(&serde_json::to_vec(&content).expect("strings and enums always serialise"))
    }
}

/// An English record: input of translation and reference of its checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Original {
    /// Hash of source, source identifier and content, 32 hexadecimal digits.
    pub id: String,
    /// The question.
    pub question: String,
    /// Passage that the question is about; may be empty.
    pub context: String,
    /// The choices in order; empty for open questions.
    pub choices: Vec<Choice>,
    /// Labels of the correct choices, ascending.
    pub answer_labels: Vec<ChoiceLabel>,
    /// Kind of question.
    pub task: Task,
    /// Name of the corpus.
    pub source: String,
    /// Identifier inside the corpus.
    pub source_id: String,
    /// SPDX identifier of the licence, or the corpus's own words.
    pub license: String,
    /// Where it came from.
    pub provenance: RowProvenance,
}

/// A French seed text (clinical case, abstract): input of synthesis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Hash of source, source identifier and text, 32 hexadecimal digits.
    pub id: String,
    /// The text.
    pub text: String,
    /// Name of the corpus.
    pub source: String,
    /// Identifier inside the corpus.
    pub source_id: String,
    /// SPDX identifier of the licence, or the corpus's own words.
    pub license: String,
    /// Who wrote it, as the corpus names them.
    pub authors: Vec<String>,
    /// DOI or address where the text was published; may be empty.
    pub reference: String,
    /// Where it came from.
    pub provenance: RowProvenance,
}

/// First 32 hexadecimal digits of the SHA-256 of `bytes`.
#[must_use]
pub fn short_hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..16])
}

/// Lower-case hexadecimal digits of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut digits, byte| {
        digits.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for task in Task::ALL {
            assert_eq!(task.as_str().parse::<Task>().unwrap(), *task);
            assert_eq!(serde_json::to_string(task).unwrap(), format!("\"{task}\""));
        }
        assert_eq!(
            "gold".parse::<Origin>().unwrap_err(),
            "expected one of native, translated, synthetic, found \"gold\""
        );
    }
}
