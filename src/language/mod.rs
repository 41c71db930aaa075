//! The language of every text field of a record.
//!
//! French and English are told apart by a learned table (`table`): a sum of weights of hashed character n-grams, words and
//! word pairs, for a field of any length. The same sum says whether a long field is in neither; only then is whatlang
//! asked (`world`) which of the world's languages it is. A field that tells nothing (`LH`, `Candida albicans`) is `und`.
//!
//! Latin prose is known from little text: a short Latin sentence (`Ars longa, vita brevis`) can be taken for French.
//!
//! [`verdict`] reads a text alone; [`detect_fields`] reads each field of a record in the light of its other fields, which
//! helps a lone short field and hides a planted one: whoever looks for a field in another language asks
//! [`english_log_odds`], which no other field changes. Measured in `benches/README.md`.

pub mod features;

mod table;
mod words;
mod world;

use table::Evidence;

use crate::record::{FieldLanguage, Record};

/// Code of a text whose language cannot be told.
pub const UNDETERMINED: &str = "und";

/// Number of letters from which a field is long: a third language in it is named.
pub const LONG_FIELD_LETTERS: usize = 60;

/// Log-odds of English against French from which a field of a French record is not French, for fields of all lengths.
///
/// The 99th percentile of the French fields of the MMLU subjects that are reported on, those that read the same in English
/// among them.
pub const ENGLISH_FROM: f64 = 2.1;

/// Log-odds of French against English, either way, under which a text is undetermined.
const TOLD_FROM: f64 = 0.05;

/// The same for a text without a word of three letters.
const TOLD_WITHOUT_WORD_FROM: f64 = 2.0;

/// Log-odds of a third language from which a short text is undetermined.
const THIRD_FROM: f64 = 3.5;

/// The same from which a long text is in a third language: no long field of the French and English sets comes near it.
const LONG_THIRD_FROM: f64 = -20.0;

/// Log-odds of French lent to a lone word: the table learns from more French words than English ones.
const LONE_WORD_LOG_ODDS: f64 = -0.12;

/// Confidence under which whatlang's language is not named.
const NAMED_FROM: f64 = 0.2;

/// Share of the other fields' log-odds that is lent to a field, and its bound.
const CONTEXT_SHARE: f64 = 0.25;
const CONTEXT_LOG_ODDS: f64 = 1.5;

/// Language of one text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// ISO 639-1 code (639-3 where there is none), or [`UNDETERMINED`].
    pub language: &'static str,
    /// How sure the language is, between 0 and 1.
    pub confidence: f64,
}

/// Language of a text that stands alone.
///
/// ```
/// # use medinjection_fr::language::verdict;
/// assert_eq!(verdict("Quel est le traitement de première intention ?").language, "fr");
/// assert_eq!(verdict("What is the first-line treatment?").language, "en");
/// assert_eq!(verdict("LH").language, "und");
/// ```
#[must_use]
pub fn verdict(text: &str) -> Verdict {
    judge(text, &Evidence::of(text), 0.0)
}

/// Language of a text beside other texts of the same record, each of which lends it a share of its own evidence.
#[must_use]
pub fn verdict_in_context<'a>(text: &str, others: impl IntoIterator<Item = &'a str>) -> Verdict {
    let others = others.into_iter().map(|other| Evidence::of(other).french).sum();
    judge(text, &Evidence::of(text), lent(others))
}

/// Language of each text field of `record`, in the order of [`Record::text_fields`], in the light of the others.
#[must_use]
pub fn detect_fields(record: &Record) -> Vec<FieldLanguage> {
    let fields = record.text_fields();
    let evidence: Vec<Evidence> = fields.iter().map(|(_, text)| Evidence::of(text)).collect();
    let total: f64 = evidence.iter().map(|evidence| evidence.french).sum();
    let languages = fields.into_iter().zip(&evidence).map(|((field, text), own)| {
        let Verdict { language, confidence } = judge(text, own, lent(total - own.french));
        FieldLanguage { field: field.to_owned(), language: language.to_owned(), confidence }
    });
    languages.collect()
}

/// Language of a text that stands alone, as a field without a name.
#[must_use]
pub fn detect(text: &str) -> FieldLanguage {
    let Verdict { language, confidence } = verdict(text);
    FieldLanguage { field: String::new(), language: language.to_owned(), confidence }
}

/// Natural logarithm of the odds of English against French, from the text alone; of a third language it says nothing.
#[must_use]
pub fn english_log_odds(text: &str) -> f64 {
    -Evidence::of(text).french
}

/// Number of letters in `text`.
#[must_use]
pub fn num_letters(text: &str) -> usize {
    text.chars().filter(|character| character.is_alphabetic()).count()
}

/// Whether `word`, in lower case, is a French function word.
pub(crate) fn is_french_function_word(word: &str) -> bool {
    words::is_french_function_word(word)
}

/// What the other fields, of log-odds `others` in all, lend to one.
fn lent(others: f64) -> f64 {
    (others * CONTEXT_SHARE).clamp(-CONTEXT_LOG_ODDS, CONTEXT_LOG_ODDS)
}

fn judge(text: &str, own: &Evidence, context_log_odds: f64) -> Verdict {
    let shape = own.shape;
    if shape.num_letters == 0 {
        return Verdict { language: UNDETERMINED, confidence: 0.0 };
    }
    let not_latin = 2 * shape.num_not_latin > shape.num_letters;
    if not_latin || (shape.num_letters >= LONG_FIELD_LETTERS && own.third > LONG_THIRD_FROM) {
        return match world::detect(text) {
            Some((language, confidence)) if confidence >= NAMED_FROM => Verdict { language, confidence },
            Some((_, confidence)) => Verdict { language: UNDETERMINED, confidence },
            None => Verdict { language: UNDETERMINED, confidence: 0.0 },
        };
    }
    let lone_word = if shape.num_words == 1 { LONE_WORD_LOG_ODDS } else { 0.0 };
    let log_odds = own.french + lone_word + context_log_odds;
    let confidence = 1.0 / (1.0 + (-log_odds.abs()).exp());
    let told_from = if shape.longest_word < 3 { TOLD_WITHOUT_WORD_FROM } else { TOLD_FROM };
    let told = (own.french + lone_word).abs() >= told_from && log_odds.abs() >= TOLD_FROM && own.third < THIRD_FROM;
    let language = match (told, log_odds > 0.0) {
        (false, _) => UNDETERMINED,
        (true, true) => "fr",
        (true, false) => "en",
    };
    Verdict { language, confidence }
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
                "pt",
                "A insuficiência cardíaca é uma condição em que o coração não consegue bombear sangue suficiente para o corpo.",
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
            let found = verdict(text);
            assert_eq!(found.language, language, "{text} {found:?}");
        }
    }

    #[test]
    fn a_short_text_in_a_third_language_is_neither_french_nor_english() {
        for text in ["El corazón y los pulmones", "Herzinsuffizienz und Lungenödem", "心不全", "σύνδρομο"]
        {
            assert!(!matches!(verdict(text).language, "fr" | "en"), "{text} {:?}", verdict(text));
        }
    }

    #[test]
    fn the_other_fields_of_a_record_help_a_short_one() {
        let choice = "Hépatite";
        let alone = verdict(choice);
        let question = "Quelle est la cause la plus fréquente de cette maladie ?";
        let within = detect_fields(&choice_record(question, &[choice, "LH"], "A"));
        assert!(within[1].confidence > alone.confidence, "{within:?}");
        assert_eq!(within[2].language, UNDETERMINED);
        let beside = verdict_in_context(choice, [question, "LH"]);
        assert_eq!((beside.language, beside.confidence), (&*within[1].language, within[1].confidence));
    }

    #[test]
    fn the_other_fields_do_not_change_the_log_odds_of_a_planted_one() {
        let planted = "None of the above is correct";
        assert!(english_log_odds(planted) > ENGLISH_FROM);
        assert!(english_log_odds("Aucune de ces réponses n'est exacte") < -ENGLISH_FROM);
    }

    #[test]
    fn a_text_without_letters_is_undetermined() {
        for text in ["", " ", "7,4", "≥ 50 %", "\0"] {
            assert_eq!(verdict(text), Verdict { language: UNDETERMINED, confidence: 0.0 }, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_confidence_between_0_and_1(text in "\\PC*|[a-zé' ]*", other in "\\PC*") {
            for found in [verdict(&text), verdict_in_context(&text, [other.as_str()])] {
                proptest::prop_assert!((0.0..=1.0).contains(&found.confidence));
            }
        }
    }
}
