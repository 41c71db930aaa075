//! A correct letter that names no choice.

use crate::record::{Finding, Reason, Record, format_answer};

/// An error for each correct letter that is not among the choices.
pub(super) fn check(record: &Record) -> Vec<Finding> {
    let letters: Vec<_> = record.choices.iter().map(|choice| choice.label).collect();
    let outside = record.answer_labels.iter().filter(|label| !letters.contains(label));
    let detail = |label| format!("expected one of {}, found {label}", format_answer(&letters));
    outside.map(|label| Finding::error(Reason::LabelOutOfRange, "answer_labels", detail(label))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::choice_record;

    #[test]
    fn the_letter_must_name_a_choice() {
        assert_eq!(check(&choice_record("Quel os ?", &["Foie", "Ulna"], "B")), []);
        assert_eq!(
            check(&choice_record("Quel os ?", &["Foie", "Ulna"], "E"))[0].detail,
            "expected one of A, B, found E"
        );
    }
}
