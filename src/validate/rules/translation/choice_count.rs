//! More or fewer choices than the original has.

use super::Pair;
use crate::record::{Finding, Reason};

/// An error where the numbers of choices differ.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let (expected, found) = (pair.original.choices.len(), pair.record.choices.len());
    if expected == found {
        return Vec::new();
    }
    let detail = format!("expected the {expected} choices of the original, found {found}");
    vec![Finding::error(Reason::ChoiceCount, "choices", detail)]
}

#[cfg(test)]
mod tests {
    use super::super::fixture::findings;
    use super::*;

    #[test]
    fn a_dropped_choice_is_an_error() {
        let found = findings(check, ("Which bone?", &["Tibia", "Ulna"]), ("Quel os ?", &["Tibia"]));
        assert_eq!(found, ["choices: expected the 2 choices of the original, found 1"]);
    }

    #[test]
    fn as_many_choices_are_none() {
        assert_eq!(
            findings(check, ("Which bone?", &["Tibia", "Ulna"]), ("Quel os ?", &["Tibia", "Ulna"])),
            Vec::<String>::new()
        );
    }
}
