//! A field, or a long part of one, left in the original's English.

use super::Pair;
use super::pair::Field;
use super::quantity::is_unit;
use super::words::{Word, Words};
use crate::language::{ENGLISH_FROM, detect, english_log_odds, is_french_function_word};
use crate::record::{Finding, Reason, Severity};

/// Share of the translation's words that are the original's, in order, from which its language is asked for.
const COPIED_SHARE: f32 = 0.6;

/// Words from which a field that is only partly copied is looked at.
const MIN_WORDS: usize = 4;

/// Confidence in English from which a partial copy is an error.
const CONFIDENT: f64 = 0.8;

/// Log-odds of English from which a text that is the same in both languages is an error, and what each other choice of the
/// same question that is its original's too adds to it: where all are, they are names, enzymes or formulas.
const CERTAIN: f64 = 3.2;
const CERTAIN_FOR_EACH_COPY: f64 = 1.0;

/// An error for a field that is its original's text, or nearly, and reads as English; a warning where it may be a word of both
/// languages.
///
/// Names, Latin, acronyms, units and numbers are the same in both languages and are not reported.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let num_copies = pair.choices().iter().filter(|choice| is_copy(choice)).count();
    for field in &pair.fields {
        let severity = if is_copy(field) {
            let is_choice = field.name.starts_with("choices.");
            english_copy(field, num_copies.saturating_sub(usize::from(is_choice)))
        } else {
            is_partial_copy(field).then_some(Severity::Error)
        };
        if let Some(severity) = severity {
            let detail = format!("expected French, found the original's {:?}", field.french_text);
            findings.push(Finding { severity, ..Finding::error(Reason::CopiedEnglish, &*field.name, detail) });
        }
    }
    findings
}

/// Whether most words are the original's, in order, and the text is English all the same.
fn is_partial_copy(field: &Field<'_>) -> bool {
    field.french.len() >= MIN_WORDS && copied_share(&field.english, &field.french) >= COPIED_SHARE && {
        let found = detect(field.french_text);
        found.language == "en" && found.confidence >= CONFIDENT && !is_list_of_names(field.french_text)
    }
}

/// Whether every word but French function words is capitalised (`A. Hershey et M. Chase`).
fn is_list_of_names(text: &str) -> bool {
    let mut words = text.split(|character: char| !character.is_alphabetic()).filter(|word| word.chars().count() >= 2);
    words.all(|word| word.starts_with(char::is_uppercase) || is_french_function_word(word))
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

/// How bad it is that a text is the same in both languages: by the detector, or by a word that French has otherwise.
#[expect(clippy::cast_precision_loss, reason = "questions have few choices")]
fn english_copy(field: &Field<'_>, num_other_copies: usize) -> Option<Severity> {
    let text = field.english_text;
    if !is_name(text) && field.english.words().iter().any(|word| is_translated(field, word)) {
        return Some(Severity::Error);
    }
    if is_name(text) || is_binomial(text) || !text.split(|letter: char| !letter.is_alphabetic()).any(is_word) {
        return None;
    }
    let certain_from = CERTAIN + CERTAIN_FOR_EACH_COPY * num_other_copies as f64;
    match english_log_odds(field.french_text) {
        log_odds if log_odds >= certain_from => Some(Severity::Error),
        log_odds if log_odds >= ENGLISH_FROM => Some(Severity::Warning),
        _ => None,
    }
}

/// Whether a run of letters is a word of some language: neither an acronym nor a unit.
fn is_word(word: &str) -> bool {
    word.chars().count() >= 3 && word.contains(char::is_lowercase) && !is_unit(word)
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

/// Endings of English words that are others in French (`-ite`, `-ose`, `-ique`, `-isme`, `-té`, `-ie`, `-eux`). French has taken
/// many a word in `-ing` over.
const ENGLISH_ENDINGS: &[&str] = &[
    "itis", "osis", "esis", "asis", "ic", "ics", "ism", "ity", "phy", "gy", "my", "thy", "omy", "ous", "ary", "ory",
    "ly", "ness", "ful", "less", "ship", "ency", "ancy", "ed", "oid", "eal", "ysis", "ium", "eum", "phage", "sia",
    "mia", "ria", "cian", "ist", "ism",
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
        for choices in [
            &["Candida albicans", "12 mg", "LH", "Sigmund Freud", "John Money"][..],
            &["60-80 bpm.", "1 minute", "10 mmHg.", "5' GTT AGC 3'"],
        ] {
            assert_eq!(findings(check, ("Which?", choices), ("Lequel ?", choices)), Vec::<String>::new());
        }
        let (english, french) = ("Alfred Hershey and Martha Chase", "Alfred Hershey et Martha Chase");
        assert_eq!(findings(check, ("Who?", &[english]), ("Qui ?", &[french])), Vec::<String>::new());
    }

    #[test]
    fn a_copy_among_copies_is_less_certain() {
        let severities = |others: [&str; 2]| -> Vec<Severity> {
            let english = ("Which enzyme?", &["phosphofructokinase", "pyruvate kinase", "glucokinase"][..]);
            let french = ["phosphofructokinase", others[0], others[1]];
            let (record, original) = super::super::fixture::pair(english, ("Quelle enzyme ?", &french));
            let of_first = |finding: &Finding| finding.field == "choices.A";
            check(&Pair::new(&record, &original))
                .iter()
                .filter(|found| of_first(found))
                .map(|found| found.severity)
                .collect()
        };
        assert_eq!(severities(["la pyruvate kinase", "la glucokinase"]), [Severity::Error]);
        assert_eq!(severities(["pyruvate kinase", "glucokinase"]), [Severity::Warning]);
    }
}
