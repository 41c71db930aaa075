//! Two choices that say the same.

use crate::record::{Choice, Finding, Reason, Record};
use crate::text::composed;

/// An error where a correct choice is repeated as a wrong one, so that the question has no answer; else a warning.
///
/// Choices that differ in a sign or in case alone are not the same: real ones are `A Rh-` and `A Rh+`, `bb × bb` and
/// `Bb × Bb`. White space, Unicode form, a final stop and the case of a first letter of a word do not count.
pub(super) fn check(record: &Record) -> Vec<Finding> {
    let texts: Vec<String> = record.choices.iter().map(|choice| canonical(&choice.text)).collect();
    let mut findings = Vec::new();
    for (index, choice) in record.choices.iter().enumerate() {
        let first = texts[..index].iter().position(|text| *text == texts[index] && !text.is_empty());
        findings.extend(first.map(|first| finding(record, &record.choices[first], choice)));
    }
    findings
}

fn finding(record: &Record, first: &Choice, second: &Choice) -> Finding {
    let correct = |choice: &Choice| record.answer_labels.contains(&choice.label);
    let field = format!("choices.{}", second.label);
    let detail = format!("expected another text than that of choice {}, found {:?}", first.label, second.text);
    if correct(first) == correct(second) {
        Finding::warning(Reason::DuplicateChoice, field, detail)
    } else {
        Finding::error(Reason::DuplicateChoice, field, format!("{detail}, one marked correct and the other not"))
    }
}

fn canonical(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !spaced.is_empty() {
            spaced.push(' ');
        }
        spaced.push_str(word);
    }
    let text = composed(spaced.trim_end_matches(['.', ' ']));
    let first_word = text.split(' ').next().unwrap_or_default();
    // A capital that opens a word is typography; in `Bb`, `pH` or `RH` it is the meaning.
    if first_word.chars().count() < 4 || first_word.chars().skip(1).any(|character| !character.is_lowercase()) {
        return text.into_owned();
    }
    let mut characters = text.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_lowercase).collect();
    first + characters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Severity, fixture::choice_record};

    #[test]
    fn a_repeated_correct_choice_is_an_error_and_a_repeated_wrong_one_a_warning() {
        let severity = |answer| {
            check(&choice_record("Quel style ?", &["Autoritaire", "Laxiste", "autoritaire."], answer))[0].severity
        };
        assert_eq!(severity("A"), Severity::Error);
        assert_eq!(severity("A, C"), Severity::Warning);
        assert_eq!(severity("B"), Severity::Warning);
    }

    #[test]
    fn signs_and_the_case_of_symbols_tell_choices_apart() {
        assert_eq!(check(&choice_record("Groupe ?", &["A Rh-", "A Rh+", "bb × bb", "Bb × bb", "BB × Bb"], "A")), []);
    }
}
