//! A choice without text.

use crate::record::{Finding, Reason, Record};

/// An error for each choice that is empty or white space. A sign (`+`, `-`) is text.
pub(super) fn check(record: &Record) -> Vec<Finding> {
    let empty = record.choices.iter().filter(|choice| choice.text.trim().is_empty());
    let finding = |label| Finding::error(Reason::EmptyChoice, format!("choices.{label}"), "expected text, found none");
    empty.map(|choice| finding(choice.label)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::choice_record;

    #[test]
    fn a_sign_is_text_and_a_space_is_not() {
        let findings = check(&choice_record("Signe ?", &["+", "-", "\u{202f}"], "A"));
        assert_eq!(findings.iter().map(|finding| finding.field.as_str()).collect::<Vec<_>>(), ["choices.C"]);
    }
}
