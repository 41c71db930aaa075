//! Choices that are not lettered A, B, C… in order, correct letters that are not ascending or stand twice.

use crate::record::{ChoiceLabel, Finding, Reason, Record};

/// An error where the letters of the choices skip, repeat or turn back, and where those of the answer are not ascending.
pub(super) fn check(record: &Record) -> Vec<Finding> {
    let mut findings = Vec::new();
    let expected = |index| ChoiceLabel::from_index(index);
    if let Some((index, choice)) =
        record.choices.iter().enumerate().find(|(index, choice)| expected(*index) != Some(choice.label))
    {
        let expected = expected(index).map_or("at most 26 choices".to_owned(), |label| format!("letter {label}"));
        let detail = format!("expected {expected} on choice {}, found {}", index + 1, choice.label);
        findings.push(Finding::error(Reason::LabelOrder, "choices", detail));
    }
    let mut pairs = record.answer_labels.iter().zip(record.answer_labels.iter().skip(1));
    if let Some((left, right)) = pairs.find(|(left, right)| left >= right) {
        let detail = if left == right {
            format!("expected letters that differ, found {left} twice")
        } else {
            format!("expected ascending letters, found {left} before {right}")
        };
        findings.push(Finding::error(Reason::LabelOrder, "answer_labels", detail));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::choice_record;

    #[test]
    fn letters_ascend_without_gap_or_repetition() {
        let mut record = choice_record("Quels os ?", &["Tibia", "Ulna", "Foie"], "A, B");
        assert_eq!(check(&record), []);
        record.choices.swap(0, 1);
        record.answer_labels.reverse();
        let fields: Vec<String> = check(&record).into_iter().map(|finding| finding.field).collect();
        assert_eq!(fields, ["choices", "answer_labels"]);
        record.answer_labels[1] = record.answer_labels[0];
        assert_eq!(check(&record)[1].detail, "expected letters that differ, found B twice");
    }
}
