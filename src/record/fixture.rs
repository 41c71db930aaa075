//! Small French records for unit tests.

use super::{Choice, ChoiceLabel, Origin, Provenance, Record, Split, Task, format_answer};

/// A multiple-choice record whose correct choices are the letters of `answer`: `A`, `A, C`, …
pub(crate) fn choice_record(instruction: &str, choices: &[&str], answer: &str) -> Record {
    let labels: Vec<ChoiceLabel> = answer.split(", ").map(|letter| letter.parse().unwrap()).collect();
    let choices = choices
        .iter()
        .enumerate()
        .map(|(index, text)| Choice { label: ChoiceLabel::from_index(index).unwrap(), text: (*text).to_owned() });
    let mut record = Record {
        id: String::new(),
        instruction: instruction.to_owned(),
        context: String::new(),
        choices: choices.collect(),
        answer: format_answer(&labels),
        task: if labels.len() == 1 { Task::Mcqu } else { Task::Mcq },
        answer_labels: labels,
        origin: Origin::Native,
        split: Split::Train,
        source: "fixture".to_owned(),
        source_id: "1".to_owned(),
        group_id: instruction.to_owned(),
        license: "MIT".to_owned(),
        provenance: Provenance::default(),
        languages: Vec::new(),
        findings: Vec::new(),
    };
    record.id = record.content_id();
    record
}

/// An open question.
pub(crate) fn open_record(instruction: &str, answer: &str) -> Record {
    let mut record = choice_record(instruction, &[], "A");
    (record.task, record.answer, record.answer_labels) = (Task::Oeq, answer.to_owned(), Vec::new());
    record.id = record.content_id();
    record
}
