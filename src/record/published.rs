//! A record as MedInjection-FR was published: five texts.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::{Choice, ChoiceLabel, Origin, Provenance, Record, Split, Task, format_answer, short_hash};

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

impl TryFrom<PublishedRecord> for Record {
    type Error = String;

    /// The record, of no source and of the split `train`; its group is its question.
    ///
    /// # Errors
    /// A text that names the column, what was expected and what was found.
    fn try_from(published: PublishedRecord) -> Result<Self, String> {
        let PublishedRecord { instruction, context, answer, r#type, origin } = published;
        let task: Task = r#type.trim().to_lowercase().parse().map_err(|message| format!("type: {message}"))?;
        let origin: Origin = origin.trim().to_lowercase().parse().map_err(|message| format!("origin: {message}"))?;
        let (instruction, choices, answer_labels, answer) = if task.is_multiple_choice() {
            let (question, choices) = split_choices(&instruction).ok_or_else(|| {
                format!("instruction: expected choices, (A) first, under {CHOICES_HEADER:?}, found {instruction:?}")
            })?;
            let labels = labels(&answer).map_err(|message| format!("answer: {message}"))?;
            let answer = format_answer(&labels);
            (question, choices, labels, answer)
        } else {
            (instruction, Vec::new(), Vec::new(), answer)
        };
        let mut record = Self {
            id: String::new(),
            group_id: short_hash(instruction.as_bytes()),
            instruction,
            context,
            choices,
            answer_labels,
            answer,
            task,
            origin,
            split: Split::Train,
            source: String::new(),
            source_id: String::new(),
            license: String::new(),
            provenance: Provenance::default(),
            languages: Vec::new(),
            findings: Vec::new(),
        };
        record.id = record.content_id();
        Ok(record)
    }
}

/// The question and the choices under the last header; `None` where no choice A follows it.
///
/// A line that does not begin with the next letter belongs to the choice before it.
fn split_choices(instruction: &str) -> Option<(String, Vec<Choice>)> {
    let (question, lines) = instruction.rsplit_once(CHOICES_HEADER)?;
    let mut choices: Vec<Choice> = Vec::new();
    for line in lines.strip_prefix('\n').unwrap_or(lines).split('\n') {
        match (lettered(line, choices.len()), choices.last_mut()) {
            (Some(choice), _) => choices.push(choice),
            (None, Some(last)) => {
                last.text.push('\n');
                last.text.push_str(line);
            }
            (None, None) if line.trim().is_empty() => {}
            (None, None) => return None,
        }
    }
    let question = question.strip_suffix('\n').unwrap_or(question).to_owned();
    (!choices.is_empty()).then_some((question, choices))
}

/// The choice of a line that begins with the letter at `index`, as in `(B) Ulna`.
fn lettered(line: &str, index: usize) -> Option<Choice> {
    let label = ChoiceLabel::from_index(index)?;
    let text = line.strip_prefix(&format!("({label})"))?;
    Some(Choice { label, text: text.strip_prefix(' ').unwrap_or(text).to_owned() })
}

/// The letters of `A, C, E`, in order.
fn labels(answer: &str) -> Result<Vec<ChoiceLabel>, String> {
    let letters = answer.split([',', ';', ' ', '\n']).filter(|letter| !letter.is_empty());
    let mut labels = letters.map(str::parse).collect::<Result<Vec<ChoiceLabel>, String>>()?;
    labels.sort_unstable();
    labels.dedup();
    Ok(labels)
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

    #[test]
    fn what_was_written_is_read_back() {
        let several = choice_record("Quels os ?\nPlusieurs réponses.", &["Tibia\nou fibula", "", "(A) Foie"], "A, C");
        for record in [several, open_record("Quel os ?\nChoix de réponses :\n(A) x", "Le tibia.\n")] {
            let read = Record::try_from(PublishedRecord::from(&record)).unwrap();
            assert_eq!(read.id, record.id, "{read:?}");
            assert_eq!((read.choices, read.origin), (record.choices, record.origin));
        }
    }

    #[test]
    fn names_are_read_in_either_case_and_what_is_wrong_is_said_by_column() {
        let published = |instruction: &str, answer: &str, kind: &str| PublishedRecord {
            instruction: instruction.to_owned(),
            context: String::new(),
            answer: answer.to_owned(),
            r#type: kind.to_owned(),
            origin: "Native".to_owned(),
        };
        let question = "Quel os ?\nChoix de réponses :\n(A) Tibia\n(B) Foie";
        assert_eq!(Record::try_from(published(question, "b", "MCQU")).unwrap().answer, "B");
        for (record, message) in [
            (published("Quel os ?", "A", "mcqu"), "instruction: expected choices"),
            (published("Quel os ?\nChoix de réponses :\n(B) Foie", "B", "mcqu"), "instruction: expected choices"),
            (published(question, "é", "mcqu"), "answer: expected a letter from A to Z"),
            (published(question, "A", "qcm"), "type: expected one of mcqu, mcq, oeq, found \"qcm\""),
            (PublishedRecord { origin: "x".to_owned(), ..published(question, "A", "mcq") }, "origin: expected one of"),
        ] {
            let refusal = Record::try_from(record).unwrap_err();
            assert!(refusal.contains(message), "{refusal}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_record_round_trips(
            question in "[^\\n:]{0,20}",
            choices in proptest::collection::vec("[^\\n:]{0,10}", 1..=26),
            right in 0_usize..26,
        ) {
            let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
            let label = ChoiceLabel::from_index(right % choices.len()).unwrap();
            let record = choice_record(&question, &choices, &label.to_string());
            proptest::prop_assert_eq!(Record::try_from(PublishedRecord::from(&record)).unwrap().id, record.id);
        }

        #[test]
        fn any_texts_are_answered(instruction in "(\\PC|\n|Choix de réponses :|\\([A-C]\\)){0,40}", answer in "\\PC{0,8}") {
            let (context, r#type, origin) = (String::new(), "mcq".to_owned(), "native".to_owned());
            let _ = Record::try_from(PublishedRecord { instruction, context, answer, r#type, origin });
        }
    }
}
