//! A text that translates something else.

use super::Pair;
use super::lexicon::similarity;
use super::words::Word;
use crate::record::{Finding, Reason};

/// Content words that the original has at least, and those that are looked at.
const MIN_WORDS: usize = 6;
const MAX_WORDS: usize = 24;

/// Share of them under which a text is another's translation, and similarity from which a word is translated.
const CERTAIN_SHARE: f32 = 0.13;
const TRANSLATED: f32 = 0.2;

/// An error for a long enough field of whose English words hardly one is translated.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for field in &pair.fields {
        let content = || field.english.words().iter().filter(|word| word.len() > 3).take(MAX_WORDS);
        let num_words = content().count();
        if num_words < MIN_WORDS || field.french.len() == 0 {
            continue;
        }
        let translated = |word: &&Word| field.french.words().iter().any(|other| similarity(word, other) >= TRANSLATED);
        #[expect(clippy::cast_precision_loss, reason = "at most 24 words")]
        let enough = CERTAIN_SHARE * num_words as f32;
        let mut num_translated = 0_u8;
        let is_enough = content().any(|word| {
            num_translated += u8::from(translated(&word));
            f32::from(num_translated) > enough
        });
        if !is_enough {
            let detail = format!(
                "expected a translation of the original, found a text in which {num_translated} of its first {num_words} words of four letters or more are translated"
            );
            findings.push(Finding::error(Reason::Unrelated, &*field.name, detail));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::fixture::findings;
    use super::*;

    #[test]
    fn the_translation_of_another_text_is_an_error() {
        let english = "These viruses need an animal reservoir before they infect humans.";
        let other = "Rincer abondamment les mains à l’eau courante tiède.";
        let own = "Ces virus ont besoin d’un réservoir animal avant d’infecter les humains.";
        assert_eq!(findings(check, (english, &[]), (other, &[])).len(), 1);
        assert_eq!(findings(check, (english, &[]), (own, &[])), Vec::<String>::new());
    }
}
