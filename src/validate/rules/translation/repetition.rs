//! Words repeated in a translation and not in its original.

use super::Pair;
use super::words::{Word, Words};
use crate::record::{Finding, Reason};

/// Words that a repeated passage has at least to be looked at.
const MIN_WORDS: usize = 4;

/// Words from which a repeated passage is an error, wherever its two copies stand.
const CERTAIN_WORDS: usize = 8;

/// Share of the original's letters that a translation has at least.
const WHOLE_SHARE: f32 = 0.9;

/// A passage of a text that stands in it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Repeated {
    first: usize,
    second: usize,
    num_words: usize,
}

/// An error where a long passage, or one that follows itself, is repeated and the original repeats nothing as long; a
/// warning for a shorter one.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for field in &pair.fields {
        let Some(found) = longest(&field.french) else { continue };
        let in_original = longest(&field.english).map_or(0, |found| found.num_words);
        let tandem = found.second == found.first + found.num_words || ends_field(&field.french, found);
        // A long original repeats itself by chance in one language and not in the other.
        if in_original + 2 >= found.num_words {
            continue;
        }
        // What was said twice is too much: without it the text is still as long as a translation.
        let without = letters(&field.french, ..) - letters(&field.french, found.second..found.second + found.num_words);
        #[expect(clippy::cast_precision_loss, reason = "texts are far shorter than 2^23 letters")]
        let too_much = without as f32 >= WHOLE_SHARE * letters(&field.english, ..) as f32;
        let passage: Vec<&str> = field.french.iter().skip(found.first).take(found.num_words).collect();
        let detail = format!("expected no repetition, as in the original, found {:?} twice", passage.join(" "));
        let certain = too_much && (tandem || found.num_words >= CERTAIN_WORDS);
        let finding = if certain { Finding::error } else { Finding::warning };
        findings.push(finding(Reason::Repetition, (*field.name).to_owned(), detail));
    }
    findings
}

/// Number of bytes of some of the words.
fn letters(words: &Words, range: impl std::slice::SliceIndex<[Word], Output = [Word]>) -> u32 {
    words.words()[range].iter().map(|word| word.len()).sum()
}

/// Whether the second copy ends the text and the first begins it or a sentence's worth before.
fn ends_field(words: &Words, found: Repeated) -> bool {
    found.second + found.num_words == words.len() && found.first == 0
}

/// The longest passage that stands twice without overlap.
fn longest(words: &Words) -> Option<Repeated> {
    let stems = words.words();
    if stems.len() < 2 * MIN_WORDS {
        return None;
    }
    let hash = |at: usize| {
        stems[at..at + MIN_WORDS]
            .iter()
            .fold(0_u64, |hash, word| hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (u64::from(word.stem) + (hash >> 29)))
    };
    let mut places: Vec<(u64, usize)> = (0..=stems.len() - MIN_WORDS).map(|at| (hash(at), at)).collect();
    places.sort_unstable();
    let mut best: Option<Repeated> = None;
    for pair in places.windows(2) {
        let [(left, first), (right, second)] = *pair else { continue };
        if left != right {
            continue;
        }
        let same = |length: &usize| words.text(stems[first + length]) == words.text(stems[second + length]);
        let limit = (second - first).min(stems.len() - second);
        let num_words = (0..limit).take_while(same).count();
        if num_words >= MIN_WORDS && best.is_none_or(|best| best.num_words < num_words) {
            best = Some(Repeated { first, second, num_words });
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, pair};
    use super::*;
    use crate::record::Severity;

    fn severities(english: &str, french: &str) -> Vec<Severity> {
        let (record, original) = pair((english, &[]), (french, &[]));
        check(&Pair::new(&record, &original)).iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn a_repeated_sentence_is_an_error() {
        let french = "Quel os est dans la jambe ? Quel os est dans la jambe ?";
        assert_eq!(severities("Which bone is in the leg?", french), [Severity::Error]);
    }

    #[test]
    fn what_the_original_says_in_other_words_is_a_warning() {
        let english =
            "Spindle fibres form during prophase, in mitosis the fibres of the spindle form during metaphase.";
        let french = "Les fibres du fuseau se forment pendant la prophase, dans la mitose les fibres du fuseau se forment pendant la métaphase.";
        assert_eq!(severities(english, french), [Severity::Warning]);
    }

    #[test]
    fn what_the_original_repeats_is_kept() {
        let english = "The rate of change of A is the rate of change of B.";
        let french = "Le taux de variation de A est le taux de variation de B.";
        assert_eq!(findings(check, (english, &[]), (french, &[])), Vec::<String>::new());
    }
}
