//! A field, or a long part of one, left in the original's English.

use super::Pair;
use super::pair::Field;
use super::words::{Word, Words};
use crate::language::{ENGLISH_FROM, detect, english_log_odds};
use crate::record::{Finding, Reason};

/// Share of the translation's words that are the original's, in order, from which its language is asked for.
const COPIED_SHARE: f32 = 0.6;

/// Words from which a field that is only partly copied is looked at.
const MIN_WORDS: usize = 4;

/// Confidence in English from which a partial copy is an error.
const CONFIDENT: f64 = 0.8;

/// An error for a field that is its original's text, or nearly, and reads as English.
///
/// Names, Latin, acronyms and numbers are the same in both languages and are not reported.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for field in &pair.fields {
        let english = if is_copy(field) {
            is_english(field)
        } else {
            field.french.len() >= MIN_WORDS && copied_share(&field.english, &field.french) >= COPIED_SHARE && {
                let found = detect(field.french_text);
                found.language == "en" && found.confidence >= CONFIDENT
            }
        };
        if english {
            let detail = format!("expected French, found the original's {:?}", field.french_text);
            findings.push(Finding::error(Reason::CopiedEnglish, field.name.clone(), detail));
        }
    }
    findings
}

/// Whether both texts have the same words, accents included.
fn is_copy(field: &Field<'_>) -> bool {
    field.english.folded() == field.french.folded()
        && field.french_text.is_ascii() == field.english_text.is_ascii()
        && field.french.len() > 0
}

/// Share of the French words that are English words of the original, in the same order.
#[expect(clippy::cast_precision_loss, reason = "texts are far shorter than 2^23 words")]
fn copied_share(english: &Words, french: &Words) -> f32 {
    let mut rest = english.iter();
    let mut num_copied = 0;
    for word in french.iter() {
        if let Some(at) = rest.clone().take(6).position(|other| other == word) {
            num_copied += 1;
            rest.nth(at);
        }
    }
    num_copied as f32 / french.len().max(1) as f32
}

/// Whether a text that is the same in both languages is English: by the detector, or by a word that French has otherwise.
fn is_english(field: &Field<'_>) -> bool {
    let text = field.english_text;
    let is_word = text.split(|character: char| !character.is_alphabetic()).any(|word| word.chars().count() >= 3);
    let proper = is_name(text) || is_binomial(text);
    is_word && !proper && english_log_odds(field.french_text) >= ENGLISH_FROM
        || !is_name(text) && field.english.words().iter().any(|word| is_translated(field, word))
}

/// Whether French has another word: by the lexicon, or by an ending that French words lack.
fn is_translated(field: &Field<'_>, word: &Word) -> bool {
    let text = field.english.text(*word);
    let known = !word.known.is_empty() && word.known.iter().all(|(stem, _)| *stem != word.stem);
    let ending = text.len() > 5 && ENGLISH_ENDINGS.iter().any(|ending| text.ends_with(ending));
    // A species has two names, of which neither is English.
    text.len() > 2 && known || ending && !is_binomial(field.english_text)
}

/// Whether the text is a name: words of which each is capitalised.
fn is_name(text: &str) -> bool {
    let mut words = text.split_whitespace();
    text.contains(' ') && words.all(|word| word.starts_with(char::is_uppercase))
}

/// Endings of English words that are others in French (`-ite`, `-ose`, `-ique`, `-isme`, `-té`, `-ie`, `-eux`).
const ENGLISH_ENDINGS: &[&str] = &[
    "itis", "osis", "esis", "asis", "ic", "ics", "ism", "ity", "phy", "gy", "my", "thy", "omy", "ous", "ary", "ory",
    "ly", "ing", "ness", "ful", "less", "ship", "ency", "ancy", "ed", "oid", "eal", "ysis", "ium", "eum", "phage",
    "sia", "mia", "ria", "cian", "ist", "ism",
];

/// Whether the text is like `Candida albicans`: a capitalised Latin name and one in small letters.
fn is_binomial(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [genus, species] = words[..] else { return false };
    let latin = |word: &str| {
        ["a", "us", "um", "is", "es", "i", "ae", "ii", "ans", "ens"].iter().any(|ending| word.ends_with(ending))
    };
    genus.starts_with(char::is_uppercase) && species.starts_with(char::is_lowercase) && latin(genus) && latin(species)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::findings;
    use super::*;

    #[test]
    fn a_field_left_in_english_is_an_error() {
        let english = ("Which of these organs makes bile?", &["The liver", "Kidney"][..]);
        assert_eq!(findings(check, english, ("Which of these organs makes bile?", &["Le foie", "Kidney"])).len(), 2);
    }

    #[test]
    fn what_is_the_same_in_both_languages_is_none() {
        let english = ("Which?", &["Candida albicans", "12 mg", "LH", "Sigmund Freud", "John Money"][..]);
        assert_eq!(findings(check, english, ("Lequel ?", english.1)), Vec::<String>::new());
    }
}
