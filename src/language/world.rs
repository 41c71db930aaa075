//! Which of the world's languages a text that is neither French nor English is in, by whatlang's trigrams and alphabets.

use std::sync::LazyLock;

use whatlang::{Detector, Lang};

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| Detector::with_denylist(vec![Lang::Fra, Lang::Eng]));

/// ISO 639-1 code (639-3 where there is none) and confidence between 0 and 1; `None` for a text without letters.
pub(super) fn detect(text: &str) -> Option<(&'static str, f64)> {
    DETECTOR.detect(text).map(|info| (code(info.lang()), info.confidence().clamp(0.0, 1.0)))
}

/// Two-letter codes of the languages that European medical text is found in; the rest keep whatlang's three letters.
fn code(language: Lang) -> &'static str {
    match language {
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Deu => "de",
        Lang::Nld => "nl",
        Lang::Cat => "ca",
        Lang::Ron => "ro",
        Lang::Lat => "la",
        Lang::Pol => "pl",
        Lang::Ces => "cs",
        Lang::Slk => "sk",
        Lang::Hun => "hu",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "nb",
        Lang::Fin => "fi",
        Lang::Ell => "el",
        Lang::Rus => "ru",
        Lang::Ukr => "uk",
        Lang::Tur => "tr",
        Lang::Ara => "ar",
        Lang::Cmn => "zh",
        Lang::Jpn => "ja",
        Lang::Kor => "ko",
        Lang::Vie => "vi",
        Lang::Epo => "eo",
        other => other.code(),
    }
}
