//! A record, or a long field of one, that is not in French.

use crate::language::{ENGLISH_FROM, LONG_FIELD_LETTERS, UNDETERMINED, detect_fields, english_log_odds, num_letters};
use crate::record::{FieldLanguage, Finding, Reason, Record};
use crate::source::parallel::{INTO_ENGLISH, INTO_FRENCH};

/// Share of the letters of determined language from which the record as a whole is not French.
const WHOLE_SHARE: f64 = 0.85;

/// Confidence that one field at least must have for the record to be foreign.
const CONFIDENT: f64 = 0.9;

/// An error where the record as a whole is confidently in another language; else a warning for each field that is in
/// English by its own words, whatever its length and its neighbours, and for each long field in a third language.
///
/// Latin names are no language of their own here: a field in Latin is not reported. Nor is the English that an order to
/// translate is about, or asks for.
pub(super) fn check(record: &Record) -> Vec<Finding> {
    let detected;
    let languages = if record.languages.is_empty() {
        detected = detect_fields(record);
        &detected
    } else {
        &record.languages
    };
    let english = english_by_order(record);
    let text_fields: Vec<(&str, &str)> =
        record.text_fields().into_iter().filter(|(field, _)| Some(*field) != english).collect();
    let fields: Vec<(&FieldLanguage, usize)> = text_fields
        .iter()
        .filter_map(|(field, text)| Some((languages.iter().find(|found| found.field == *field)?, num_letters(text))))
        .collect();
    if let Some((language, confidence)) = whole_language(&fields) {
        let detail = format!("expected a record in French, found {language} (confidence {confidence:.2})");
        return vec![Finding::error(Reason::NotFrench, "instruction", detail)];
    }
    text_fields.iter().filter_map(|(field, text)| foreign_field(field, text, languages)).collect()
}

/// The field that is in English where the record orders a translation.
fn english_by_order(record: &Record) -> Option<&'static str> {
    match record.instruction.as_str() {
        INTO_FRENCH => Some("context"),
        INTO_ENGLISH => Some("answer"),
        _ => None,
    }
}

fn foreign_field(field: &str, text: &str, languages: &[FieldLanguage]) -> Option<Finding> {
    let found = languages.iter().find(|found| found.field == field)?;
    let num_letters = num_letters(text);
    let third = is_foreign(found) && found.language != "en";
    let detail = if third && num_letters >= LONG_FIELD_LETTERS {
        format!("expected a field in French, found {} (confidence {:.2})", found.language, found.confidence)
    } else if found.language == "fr" {
        // What other fields lend is less than the least log-odds of English: where it is French with them, it is not
        // English without them.
        return None;
    } else {
        let log_odds = english_log_odds(text);
        if third || log_odds < ENGLISH_FROM || !has_word(text) || is_latin_name(text) {
            return None;
        }
        format!("expected a field in French, found en (confidence {:.2})", 1.0 / (1.0 + (-log_odds).exp()))
    };
    Some(Finding::warning(Reason::NotFrench, field, detail))
}

/// Whether some word has three letters: what has none (`LH`, `pH 7`) is in no language.
fn has_word(text: &str) -> bool {
    text.split(|character: char| !character.is_alphabetic()).any(|word| word.chars().count() >= 3)
}

/// Whether the field is in a language that is neither French nor the Latin of names.
fn is_foreign(found: &FieldLanguage) -> bool {
    !matches!(found.language.as_str(), "fr" | "la" | UNDETERMINED)
}

/// Whether the text is a genus and a species by their endings, as French and English write them alike.
fn is_latin_name(text: &str) -> bool {
    let words: Vec<&str> = text.trim_end_matches('.').split_whitespace().collect();
    let [genus, species] = words.as_slice() else { return false };
    let ends = |word: &str, endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
    ends(genus, &["a", "us", "um", "is", "on", "es"]) && ends(species, &["us", "um", "is", "ae", "ans", "ens", "ii"])
}

/// The most certain foreign language of a record whose question is not French and whose letters of known language nearly
/// all are foreign.
fn whole_language<'a>(fields: &[(&'a FieldLanguage, usize)]) -> Option<(&'a str, f64)> {
    if fields.first().is_none_or(|(instruction, _)| instruction.language == "fr") {
        return None;
    }
    let num_letters = |wanted: fn(&FieldLanguage) -> bool| -> usize {
        fields.iter().filter(|(found, _)| wanted(found)).map(|(_, num_letters)| num_letters).sum()
    };
    let num_foreign = num_letters(is_foreign);
    let num_known = num_letters(|found| found.language != UNDETERMINED);
    let foreign = fields.iter().map(|(found, _)| *found).filter(|found| is_foreign(found));
    let surest = foreign.max_by(|left, right| left.confidence.total_cmp(&right.confidence))?;
    let whole = surest.confidence >= CONFIDENT && share(num_foreign, num_known) >= WHOLE_SHARE;
    whole.then_some((surest.language.as_str(), surest.confidence))
}

#[expect(clippy::cast_precision_loss, reason = "lengths of texts are far below 2^53")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Severity;
    use crate::record::fixture::{choice_record, open_record};

    #[test]
    fn an_english_record_is_an_error() {
        let record = choice_record(
            "Which of the following is the most likely cause of this patient's fever?",
            &["Influenza", "A bacterial infection of the lung", "Malaria"],
            "B",
        );
        let findings = check(&record);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].severity, Severity::Error);
    }

    #[test]
    fn one_long_english_choice_is_a_warning() {
        let record = choice_record(
            "Quelle est la cause la plus probable de la fièvre de ce patient ?",
            &["Une grippe", "A bacterial infection of the lung that has not been treated with the right antibiotics"],
            "B",
        );
        let findings = check(&record);
        assert_eq!((findings.len(), findings[0].severity), (1, Severity::Warning));
        assert_eq!(findings[0].field, "choices.B");
    }

    #[test]
    fn one_short_english_choice_is_a_warning() {
        let record = choice_record(
            "Quelle est la cause la plus probable de la fièvre de ce patient ?",
            &["Une grippe", "None of the above", "Le paludisme"],
            "A",
        );
        let findings = check(&record);
        assert_eq!((findings.len(), findings[0].severity), (1, Severity::Warning));
        assert_eq!(findings[0].field, "choices.B");
    }

    #[test]
    fn an_order_to_translate_has_english_in_its_place_only() {
        let english = "about how long have these symptoms been going on?";
        let french = "depuis combien de temps ressentez-vous ces symptômes ?";
        let findings = |order: &str, context: &str, answer: &str| {
            let mut record = open_record(order, answer);
            record.context = context.to_owned();
            check(&record)
        };
        assert_eq!(findings(INTO_FRENCH, english, french), []);
        assert_eq!(findings(INTO_ENGLISH, french, english), []);
        let left = findings(INTO_FRENCH, english, english);
        assert_eq!((left.len(), left[0].severity, left[0].field.as_str()), (1, Severity::Warning, "answer"));
    }

    #[test]
    fn latin_names_and_abbreviations_are_no_foreign_language() {
        let record = choice_record(
            "Quel champignon est anthropophile ?",
            &["Trichophyton rubrum", "Candida albicans", "LH", "Aspergillus fumigatus"],
            "A",
        );
        assert_eq!(check(&record), []);
    }
}
