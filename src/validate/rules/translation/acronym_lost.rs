//! An acronym of the original that its translation lacks.

use super::Pair;
use super::pair::Field;
use super::words::{Word, stem_hash};
use crate::record::{Finding, Reason};

/// A warning for each acronym that is neither in the translation nor translated there.
///
/// A translator may write an acronym out: no error.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for field in &pair.fields {
        for acronym in acronyms(field.english_text) {
            if !is_kept(field, acronym) {
                let detail = format!("expected the acronym {acronym:?} or its French form, found neither");
                findings.push(Finding::warning(Reason::AcronymLost, field.name.clone(), detail));
            }
        }
    }
    findings
}

/// Words of two to six capitals and digits, of a text that is not in capitals itself.
fn acronyms(text: &str) -> impl Iterator<Item = &str> {
    let shouted = !text.bytes().any(|byte| byte.is_ascii_lowercase());
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| {
        let bytes = word.as_bytes();
        (2..=6).contains(&bytes.len())
            && bytes.iter().filter(|byte| byte.is_ascii_uppercase()).count() >= 2
            && bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && !is_roman(word)
            && !is_word(word)
    });
    words.filter(move |_| !shouted)
}

fn is_roman(word: &str) -> bool {
    word.bytes().all(|byte| matches!(byte, b'I' | b'V' | b'X'))
}

/// Words that questions write in capitals.
fn is_word(word: &str) -> bool {
    matches!(
        word,
        "NOT"
            | "EXCEPT"
            | "LEAST"
            | "MOST"
            | "AND"
            | "OR"
            | "ALL"
            | "NO"
            | "BEST"
            | "ONE"
            | "ONLY"
            | "TRUE"
            | "FALSE"
            | "II"
            | "PM"
            | "AM"
            | "US"
    )
}

fn is_kept(field: &Field<'_>, acronym: &str) -> bool {
    let letters = |word: &str| {
        let mut letters: Vec<u8> =
            word.bytes().filter(u8::is_ascii_alphabetic).map(|byte| byte.to_ascii_uppercase()).collect();
        letters.sort_unstable();
        letters
    };
    let wanted = letters(acronym);
    let hash = stem_hash(&acronym.to_ascii_lowercase());
    let word = field.english.words().iter().find(|word| word.stem == hash);
    let is_translation = |found: &Word| word.is_some_and(|word| word.known.iter().any(|(stem, _)| *stem == found.stem));
    // French often has the same letters in another order: AIDS and SIDA, DNA and ADN.
    field
        .french
        .words()
        .iter()
        .any(|found| found.stem == hash || is_translation(found) || letters(field.french.text(*found)) == wanted)
        || field.french.folded().contains(&acronym.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::findings;
    use super::*;

    #[test]
    fn a_lost_acronym_is_found_and_a_french_one_is_none() {
        let found = |english: &str, french: &str| findings(check, (english, &[]), (french, &[])).len();
        assert_eq!(found("The role of GABA", "Le rôle du transmetteur"), 1);
        for (english, french) in [
            ("AIDS and HIV", "Le SIDA et le VIH"),
            ("DNA and mRNA", "L’ADN et l’ARNm"),
            ("COPD on CT and MRI", "La BPCO au scanner et à l’IRM"),
            ("Which is NOT true", "Laquelle est fausse"),
        ] {
            assert_eq!(found(english, french), 0, "{english}");
        }
    }
}
