//! A record as MedInjection-FR was published: five texts.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::Record;

/// The line under which the choices stand.
pub const CHOICES_HEADER: &str = "Choix de réponses :";

/// A record as MedInjection-FR was published: five texts, the choices inside of the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishedRecord {
    /// The question, then the choices where there are any.
    pub instruction: String,
    /// Passage that the question is about; may be empty.
    pub context: String,
    /// The answer as text: `B`, `A, C, E`, or free text.
    pub answer: String,
    /// Kind of question: `mcqu`, `mcq`, `oeq`.
    pub r#type: String,
    /// How the record was made: `native`, `translated`, `synthetic`.
    pub origin: String,
}

impl From<&Record> for PublishedRecord {
    /// What has no place in five texts is left out: provenance, languages, findings.
    fn from(record: &Record) -> Self {
        let mut instruction = record.instruction.clone();
        if !record.choices.is_empty() {
            instruction.push('\n');
            instruction.push_str(CHOICES_HEADER);
        }
        for choice in &record.choices {
            // Writing into a text does not fail.
            let _ = write!(instruction, "\n({}) {}", choice.label, choice.text);
        }
        Self {
            instruction,
            context: record.context.clone(),
            answer: record.answer.clone(),
            r#type: record.task.to_string(),
            origin: record.origin.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::{choice_record, open_record};

    #[test]
    fn choices_stand_at_the_end_of_the_instruction() {
        let published = PublishedRecord::from(&choice_record("Quels os ?", &["Tibia", "Ulna", "Foie"], "A, B"));
        assert_eq!(published.instruction, "Quels os ?\nChoix de réponses :\n(A) Tibia\n(B) Ulna\n(C) Foie");
        assert_eq!((published.answer.as_str(), published.r#type.as_str()), ("A, B", "mcq"));
        assert_eq!(PublishedRecord::from(&open_record("Quel os ?", "Le tibia.")).instruction, "Quel os ?");
    }
}
