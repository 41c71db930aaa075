//! Other correct choices than the original has.

use super::Pair;
use crate::record::{Finding, Reason, format_answer};

/// An error where the labels of the correct choices differ; their order does not count.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let [expected, found] = [&pair.original.answer_labels, &pair.record.answer_labels];
    if expected == found {
        return Vec::new();
    }
    let [expected, found] = [expected, found].map(|labels| format_answer(labels));
    if expected == found {
        return Vec::new();
    }
    let detail = format!("expected the original's {expected:?}, found {found:?}");
    vec![Finding::error(Reason::GoldMismatch, "answer_labels", detail)]
}

#[cfg(test)]
mod tests {
    use super::super::fixture::pair;
    use super::*;

    #[test]
    fn a_shifted_letter_is_an_error_and_another_order_is_none() {
        let (mut record, mut original) =
            pair(("Which?", &["one", "two", "three"]), ("Lequel ?", &["un", "deux", "trois"]));
        let labels = |letters: &str| letters.chars().map(|letter| letter.try_into().unwrap()).collect::<Vec<_>>();
        (record.answer_labels, original.answer_labels) = (labels("CA"), labels("AC"));
        assert_eq!(check(&Pair::new(&record, &original)), []);
        record.answer_labels = labels("AB");
        let found = check(&Pair::new(&record, &original));
        assert_eq!(found[0].detail, "expected the original's \"A, C\", found \"A, B\"");
    }
}
