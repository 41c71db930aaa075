//! An answer's text that says other than the answer's letters.

use crate::record::{Finding, Reason, Record, format_answer};

/// An error where the answer of a multiple-choice record is not its correct letters, ascending and joined by `, `.
pub(super) fn check(record: &Record) -> Vec<Finding> {
    let expected = format_answer(&record.answer_labels);
    if !record.task.is_multiple_choice() || record.answer == expected {
        return Vec::new();
    }
    let detail = format!("expected {expected:?}, as the correct letters are, found {:?}", record.answer);
    vec![Finding::error(Reason::AnswerMismatch, "answer", detail)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::{choice_record, open_record};

    #[test]
    fn text_and_letters_agree() {
        let mut record = choice_record("Quels os ?", &["Tibia", "Ulna"], "A, B");
        assert_eq!(check(&record), []);
        "A,B".clone_into(&mut record.answer);
        assert_eq!(check(&record)[0].reason, Reason::AnswerMismatch);
        assert_eq!(check(&open_record("Quel os ?", "Tibia")), []);
    }
}
