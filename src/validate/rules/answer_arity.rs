//! The number of choices and of correct choices for the kind of question.

use crate::record::{Finding, Reason, Record, Task};

/// An error unless MCQU has one correct choice, MCQ at least one, both at least two choices, and OEQ neither.
pub(super) fn check(record: &Record) -> Vec<Finding> {
    let (num_correct, num_choices) = (record.answer_labels.len(), record.choices.len());
    let (correct_valid, correct_expected) = match record.task {
        Task::Mcqu => (num_correct == 1, "one"),
        Task::Mcq => (num_correct >= 1, "at least one"),
        Task::Oeq => (num_correct == 0, "none"),
    };
    let (choices_valid, choices_expected) =
        if record.task.is_multiple_choice() { (num_choices >= 2, "at least two") } else { (num_choices == 0, "none") };
    let finding = |field, what, expected, found| {
        let detail = format!("expected {expected} {what} for {}, found {found}", record.task);
        Finding::error(Reason::AnswerArity, field, detail)
    };
    let mut findings = Vec::new();
    if !correct_valid {
        findings.push(finding("answer_labels", "correct choice", correct_expected, num_correct));
    }
    if !choices_valid {
        findings.push(finding("choices", "choice", choices_expected, num_choices));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::{choice_record, open_record};

    #[test]
    fn each_task_has_its_number() {
        let mut record = choice_record("Quels os ?", &["Tibia", "Ulna", "Foie"], "A, B");
        assert_eq!(check(&record), []);
        record.task = Task::Mcqu;
        assert_eq!(check(&record)[0].detail, "expected one correct choice for mcqu, found 2");
        record.task = Task::Oeq;
        assert_eq!(check(&record).len(), 2);
        assert_eq!(check(&open_record("Quel os ?", "Tibia")), []);
    }

    #[test]
    fn one_choice_is_no_question() {
        assert_eq!(check(&choice_record("Quel os ?", &["Tibia"], "A"))[0].field, "choices");
    }
}
