//! Units of measurement that changed in translation.

use super::Pair;
use super::pair::Field;
use super::quantity::{Quantity, Unit};
use crate::record::{Finding, Reason};

/// An error for each number that is in the translation with another unit than all of those it has in the original.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for field in &pair.fields {
        for (index, found) in field.french_numbers.iter().enumerate() {
            if !found.unit.is_known() || field.french_numbers[..index].iter().any(|earlier| earlier.is_same(found)) {
                continue;
            }
            let stated = units(&field.english_numbers, found);
            let wrong = units(&field.french_numbers, found).into_iter().find(|unit| {
                if stated.is_empty() {
                    is_added(field, found, *unit)
                } else {
                    !stated.iter().any(|known| known.agrees(*unit))
                }
            });
            if let Some(wrong) = wrong {
                let number = &field.french_text[found.begin..found.end];
                let expected = stated.first().map_or_else(|| "no unit".to_owned(), |unit| unit.name());
                let detail =
                    format!("expected {number} with {expected} as in the original, found {number} {}", wrong.name());
                findings.push(Finding::error(Reason::UnitMismatch, &*field.name, detail));
            }
        }
    }
    findings
}

/// Whether a number that the original has bare got a unit that the original names nowhere.
fn is_added(field: &Field<'_>, number: &Quantity, unit: Unit) -> bool {
    number.in_digits
        && !unit.goes_without_saying()
        && field.english_numbers.iter().any(|other| other.in_digits && other.is_same(number))
        && !field.english_numbers.iter().any(|other| other.unit.agrees(unit))
        && !unit.is_among(field.english.iter())
        && (!unit.is_hours() || !is_clock(field.english_text))
}

/// Whether the text has a time of day, `9:00` or `9 a.m.`.
fn is_clock(text: &str) -> bool {
    let bytes = text.as_bytes();
    let colon = bytes.windows(3).any(|sign| sign[1] == b':' && sign[0].is_ascii_digit() && sign[2].is_ascii_digit());
    let lower = text.to_lowercase();
    colon || ["a.m", "p.m", " am", " pm", "o'clock", "o’clock", "noon"].iter().any(|mark| lower.contains(mark))
}

/// The units that the number has among `numbers`.
fn units(numbers: &[Quantity], number: &Quantity) -> Vec<Unit> {
    numbers.iter().filter(|other| other.is_same(number) && other.unit.is_known()).map(|other| other.unit).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::findings;
    use super::*;

    fn found(english: &str, french: &str) -> Vec<String> {
        findings(check, (english, &[]), (french, &[]))
    }

    #[test]
    fn another_unit_is_an_error() {
        assert_eq!(
            found("Give 25 mg daily.", "Donner 25 g par jour."),
            ["instruction: expected 25 with mg as in the original, found 25 g"]
        );
        assert_eq!(found("for 3 months", "pendant 3 ans").len(), 1);
        assert_eq!(found("between 45 and 55", "entre 45 et 55 mois").len(), 1);
        assert_eq!(found("over 65", "plus de 65 heures").len(), 1);
        assert_eq!(found("at 9:00 A.M.", "à 9 heures"), Vec::<String>::new());
    }

    #[test]
    fn a_translated_unit_is_none() {
        for (english, french) in [
            ("3 years", "trois ans"),
            ("5 mcg", "5 µg"),
            ("98.6°F", "98,6 °F"),
            ("10 IU", "10 UI"),
            ("age 50", "50 ans"),
        ] {
            assert_eq!(found(english, french), Vec::<String>::new());
        }
    }
}
