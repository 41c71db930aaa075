//! A question without text, or an open question without an answer.

use crate::record::{Finding, Reason, Record, Task};

/// An error for each required text that is empty or white space.
pub(super) fn check(record: &Record) -> Vec<Finding> {
    let answer = (record.task == Task::Oeq).then_some(("answer", &record.answer));
    let required = std::iter::once(("instruction", &record.instruction)).chain(answer);
    let empty = required.filter(|(_, text)| text.trim().is_empty());
    empty.map(|(field, _)| Finding::error(Reason::EmptyField, field, "expected text, found none")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::{choice_record, open_record};

    #[test]
    fn white_space_is_no_text() {
        assert_eq!(check(&choice_record(" \u{a0}\n", &["Tibia", "Ulna"], "A"))[0].field, "instruction");
        assert_eq!(check(&open_record("Quel os ?", ""))[0].field, "answer");
        assert_eq!(check(&open_record("Quel os ?", "Tibia")), []);
    }
}
