//! The language of every text field of a record.
//!
//! [`detect_fields`] asks one detector for each field, by length: `world` (whatlang over all its languages) where a field
//! is long enough for its letter statistics to tell, and `evidence` (function words, elisions, endings and diacritics of
//! French and English) everywhere. A short field that tells something is read in the light of the record's other fields;
//! one that tells nothing (`LH`, `Candida albicans`) is `und`.
//!
//! Measured by `tests/real_quality.rs`. None of the 5,793 records of FrenchMedMCQA and MMLU-FR is taken for foreign as a
//! whole, and at least 99.5 % of the 2,638 English MMLU records are. On TICO-19, on which nothing was tuned, 5,164 of 5,172
//! long sentences and 967 of 970 shorter ones get their language; the other 11 are `und`, none gets the wrong one.

mod evidence;
mod world;

use evidence::Evidence;

use crate::record::{FieldLanguage, Record};

/// Code of a text whose language cannot be told.
pub const UNDETERMINED: &str = "und";

/// Number of letters from which a field is long: whatlang is asked about it.
pub const LONG_FIELD_LETTERS: usize = 60;

/// Confidence under which a language is not named.
const NAMED_FROM: f64 = 0.7;

/// Log-odds that the other fields of a record lend to one of its fields, at most.
const CONTEXT_LOG_ODDS: f64 = 1.5;

/// Language of each text field of `record`, in the order of [`Record::text_fields`].
///
/// ```
/// # use medinjection_fr::language::detect;
/// assert_eq!(detect("Quel est le traitement de première intention ?").language, "fr");
/// assert_eq!(detect("What is the first-line treatment?").language, "en");
/// assert_eq!(detect("Candida albicans").language, "und");
/// ```
#[must_use]
pub fn detect_fields(record: &Record) -> Vec<FieldLanguage> {
    let fields = record.text_fields();
    let evidence: Vec<Evidence> = fields.iter().map(|(_, text)| Evidence::of(text)).collect();
    let total: f64 = evidence.iter().map(Evidence::log_odds).sum();
    let languages = fields.into_iter().zip(&evidence).map(|((field, text), own)| {
        let others = (total - own.log_odds()) / 4.0;
        let verdict = verdict(text, own, others.clamp(-CONTEXT_LOG_ODDS, CONTEXT_LOG_ODDS));
        FieldLanguage { field, ..verdict }
    });
    languages.collect()
}

/// Language of a text that stands alone; its `field` is empty.
#[must_use]
pub fn detect(text: &str) -> FieldLanguage {
    verdict(text, &Evidence::of(text), 0.0)
}

/// Number of letters in `text`.
#[must_use]
pub fn num_letters(text: &str) -> usize {
    text.chars().filter(|character| character.is_alphabetic()).count()
}

/// Whether `word`, in lower case, is a French function word.
pub(crate) fn is_french_function_word(word: &str) -> bool {
    evidence::is_french_function_word(word)
}

fn verdict(text: &str, own: &Evidence, context_log_odds: f64) -> FieldLanguage {
    let named = |language: &str, confidence: f64| FieldLanguage {
        field: String::new(),
        language: language.to_owned(),
        confidence,
    };
    let world = if num_letters(text) >= LONG_FIELD_LETTERS { world::detect(text) } else { None };
    if let Some((language, confidence)) = world {
        let french_or_english = language == "fr" || language == "en";
        // Latin plant names or drug lists look Italian or Romanian by their letters; function words do not lie.
        if !french_or_english && !own.is_strong() {
            return if confidence >= NAMED_FROM {
                named(language, confidence)
            } else {
                named(UNDETERMINED, confidence)
            };
        }
    }
    let letters = match world {
        Some(("fr", confidence)) => 3.0 * confidence,
        Some(("en", confidence)) => -3.0 * confidence,
        _ => 0.0,
    };
    let log_odds = own.log_odds() + letters;
    if log_odds == 0.0 {
        return named(UNDETERMINED, 0.0);
    }
    let french = 1.0 / (1.0 + (-(log_odds + context_log_odds)).exp());
    let (language, confidence) = if french >= 0.5 { ("fr", french) } else { ("en", 1.0 - french) };
    if confidence < NAMED_FROM { named(UNDETERMINED, confidence) } else { named(language, confidence) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::choice_record;

    #[test]
    fn a_long_text_in_a_third_language_is_named() {
        for (language, text) in [
            (
                "es",
                "La insuficiencia cardíaca es un síndrome en el que el corazón no es capaz de bombear la sangre que necesita el cuerpo. Los síntomas son la fatiga, la hinchazón de las piernas y la dificultad para respirar.",
            ),
            (
                "de",
                "Die Herzinsuffizienz ist eine Erkrankung, bei der das Herz nicht mehr genügend Blut durch den Körper pumpen kann.",
            ),
            (
                "it",
                "Lo scompenso cardiaco è una sindrome in cui il cuore non riesce a pompare il sangue di cui il corpo ha bisogno.",
            ),
            (
                "ru",
                "Сердечная недостаточность — это состояние, при котором сердце не может перекачивать достаточное количество крови.",
            ),
        ] {
            let found = detect(text);
            assert_eq!((found.language.as_str(), found.confidence > 0.9), (language, true), "{text} {found:?}");
        }
    }

    #[test]
    fn the_other_fields_of_a_record_help_a_short_one() {
        let choice = "Hépatite";
        let alone = detect(choice);
        let question = "Quelle est la cause la plus fréquente de cette maladie ?";
        let within = detect_fields(&choice_record(question, &[choice, "LH"], "A"));
        assert!(within[1].confidence > alone.confidence, "{within:?}");
        assert_eq!(within[2].language, UNDETERMINED);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_confidence_between_0_and_1(text in "\\PC*|[a-zé' ]*") {
            let found = detect(&text);
            proptest::prop_assert!((0.0..=1.0).contains(&found.confidence));
        }
    }
}
