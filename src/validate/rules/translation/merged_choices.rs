//! Two choices that became one in translation.

use super::Pair;
use crate::record::{Finding, Reason};

/// An error for each choice whose words are those of an earlier one, where the original's two differ.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let choices = pair.choices();
    let mut findings = Vec::new();
    for (index, choice) in choices.iter().enumerate() {
        let same = |earlier: &&super::pair::Field<'_>| {
            // Signs alone tell some choices apart (`+`, `-`): no word is no evidence.
            !choice.french.folded().is_empty()
                && earlier.french.folded() == choice.french.folded()
                && earlier.english.folded() != choice.english.folded()
                && same_signs(earlier.french_text, choice.french_text)
        };
        if let Some(earlier) = choices[..index].iter().find(same) {
            let detail = format!(
                "expected two choices, as {:?} and {:?} are in the original, found {:?} twice, here and in {}",
                earlier.english_text, choice.english_text, choice.french_text, earlier.name
            );
            findings.push(Finding::error(Reason::MergedChoices, &*choice.name, detail));
        }
    }
    findings
}

/// Whether the signs that carry meaning in a formula are the same.
fn same_signs(left: &str, right: &str) -> bool {
    let signs = |text: &str| -> Vec<char> {
        let meaningful =
            |character: &char| matches!(character, '+' | '-' | '−' | '<' | '>' | '=' | '≤' | '≥' | '/' | '*');
        text.chars().filter(meaningful).collect()
    };
    signs(left) == signs(right)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::findings;
    use super::*;

    #[test]
    fn two_choices_that_became_one_are_an_error() {
        let original = ("How does it act?", &["Heat shock", "Thermal shock"][..]);
        let found = findings(check, original, ("Comment agit-il ?", &["Choc thermique", "choc thermique."]));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("choices.B: expected two choices"), "{found:?}");
    }

    #[test]
    fn signs_tell_choices_apart_and_the_originals_own_repetition_is_kept() {
        assert_eq!(findings(check, ("Charge?", &["+1", "-1"]), ("Charge ?", &["+1", "-1"])), Vec::<String>::new());
        assert_eq!(
            findings(check, ("Which?", &["Both", "both"]), ("Lequel ?", &["Les deux", "les deux"])),
            Vec::<String>::new()
        );
    }
}
