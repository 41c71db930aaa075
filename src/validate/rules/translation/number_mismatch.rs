//! Numbers that changed or went missing in translation.

use super::Pair;
use super::quantity::{Decimal, Quantity};
use crate::record::{Finding, Reason};

/// An error where a number in digits is missing and another stands in its place, a warning where one is missing or added.
///
/// `3.5` may become `3,5`, `1,500` be grouped by any space, and small numbers be written in words or Roman numerals.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for field in &pair.fields {
        let (english, french) = (&field.english_numbers, &field.french_numbers);
        if english.is_empty() && french.is_empty() {
            continue;
        }
        let missing = unmatched(english, french);
        let added = unmatched(french, english);
        let quote = |text: &str, found: &Quantity| text[found.begin..found.end].to_owned();
        match (missing.first(), added.first()) {
            (Some(missing), Some(added)) => {
                let expected = quote(field.english_text, missing);
                let detail =
                    format!("expected the original's number {expected:?}, found {:?}", quote(field.french_text, added));
                findings.push(Finding::error(Reason::NumberMismatch, &*field.name, detail));
            }
            (Some(missing), None) => {
                let detail =
                    format!("expected the original's number {:?}, found none", quote(field.english_text, missing));
                findings.push(Finding::warning(Reason::NumberMismatch, &*field.name, detail));
            }
            (None, Some(added)) => {
                let detail =
                    format!("expected no number that the original lacks, found {:?}", quote(field.french_text, added));
                findings.push(Finding::warning(Reason::NumberMismatch, &*field.name, detail));
            }
            (None, None) => {}
        }
    }
    findings
}

/// The numbers in digits of `wanted` for which `offered` has no equal left; words and numerals serve any number of times.
fn unmatched<'a>(wanted: &'a [Quantity], offered: &[Quantity]) -> Vec<&'a Quantity> {
    let mut taken = vec![false; offered.len()];
    let mut missing: Vec<&Quantity> = Vec::new();
    for number in wanted.iter().filter(|number| number.in_digits) {
        let equal = |(index, found): &(usize, &Quantity)| !taken[*index] && found.in_digits && found.is_same(number);
        if let Some((index, _)) = offered.iter().enumerate().find(equal) {
            taken[index] = true;
        } else if !is_said_otherwise(number, wanted, offered) {
            missing.push(number);
        }
    }
    missing
}

/// Whether a number that is not there in the same digits is there in words, in its parts, or as a part.
fn is_said_otherwise(number: &Quantity, wanted: &[Quantity], offered: &[Quantity]) -> bool {
    let has = |value: Decimal| offered.iter().any(|found| found.in_digits && found.value == value);
    let halves = number.value.parts().is_some_and(|parts| parts.into_iter().all(has));
    let half = |found: &Quantity| found.value.parts().is_some_and(|parts| parts.contains(&number.value));
    let is_wanted = |value: Decimal| wanted.iter().any(|found| found.in_digits && found.value == value);
    let part_of =
        |found: &Quantity| half(found) && found.value.parts().is_some_and(|parts| parts.into_iter().all(is_wanted));
    offered.iter().any(|found| !found.in_digits && found.is_same(number) || found.value.is_year_of(number.value))
        || halves
        || offered.iter().any(part_of)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::findings;
    use super::*;

    fn found(english: &str, french: &str) -> Vec<String> {
        findings(check, (english, &[]), (french, &[]))
    }

    #[test]
    fn a_changed_number_and_a_lost_comma_are_found() {
        assert_eq!(
            found("Give 25 mg.", "Donner 35 mg."),
            ["instruction: expected the original's number \"25\", found \"35\""]
        );
        assert_eq!(found("Give 2.5 mg.", "Donner 25 mg.").len(), 1);
    }

    #[test]
    fn each_language_may_write_its_numbers() {
        for (english, french) in [
            ("1,500.5 mL", "1\u{a0}500,5 mL"),
            ("2,000 cells", "2000 cellules"),
            ("in 3 weeks", "en trois semaines"),
            ("six weeks", "6 semaines"),
            ("type 2 diabetes", "diabète de type II"),
            ("1,25-dihydroxyvitamin", "1,25-dihydroxyvitamine"),
            ("50%", "50 %"),
            ("in the 1930s", "dans les années 30"),
            ("p < .05", "p < 0,05"),
            ("42.000 cases", "42\u{a0}000 cas"),
        ] {
            assert_eq!(found(english, french), Vec::<String>::new());
        }
    }
}
