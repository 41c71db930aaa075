//! Choices of a translation in another order than in its original.

use super::Pair;
use super::lexicon::similarity;
use super::pair::Field;
use super::quantity::Quantity;
use super::words::{Word, Words};
use crate::record::{Finding, Reason};

/// Evidence, in nats, from which exchanged choices are an error.
const CERTAIN: f32 = 2.5;

/// Evidence from which they are a warning.
const SUSPECT: f32 = 1.0;

/// Probability of a word without counterpart.
const UNMATCHED: f32 = 0.06;

/// Choices from which alignments are not tried: no examination has as many.
const MAX_CHOICES: usize = 26;

/// An error where the exchange of two choices makes them translate their originals better by far, a warning where it does
/// by little.
///
/// The evidence is shared numbers, translated words, words spelled alike and lengths.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let choices = pair.choices();
    if !(2..=MAX_CHOICES).contains(&choices.len()) {
        return Vec::new();
    }
    let Some((gain, first, second)) = best_exchange(choices) else { return Vec::new() };
    if gain < SUSPECT {
        return Vec::new();
    }
    let (left, right) = (&choices[first], &choices[second]);
    let detail = format!(
        "expected translations of {:?} and {:?}, found {:?} and {:?}, which fit in the other order (evidence {gain:.1})",
        left.english_text, right.english_text, left.french_text, right.french_text
    );
    let finding = if gain >= CERTAIN { Finding::error } else { Finding::warning };
    vec![finding(Reason::ChoiceOrder, left.name.clone(), detail)]
}

/// The pair of choices whose exchange gains most, and how much.
fn best_exchange(choices: &[Field<'_>]) -> Option<(f32, usize, usize)> {
    let scores = scores(choices);
    let n = choices.len();
    let mut best: Option<(f32, usize, usize)> = None;
    for first in 0..n {
        for second in first + 1..n {
            let gain = scores[first * n + second] + scores[second * n + first]
                - scores[first * n + first]
                - scores[second * n + second];
            if best.is_none_or(|(most, ..)| gain > most) {
                best = Some((gain, first, second));
            }
        }
    }
    best
}

/// How well each French choice translates each English one: rows are English.
fn scores(choices: &[Field<'_>]) -> Vec<f32> {
    let english: Vec<f32> = choices.iter().map(|choice| length(choice.english_text)).collect();
    let french: Vec<f32> = choices.iter().map(|choice| length(choice.french_text)).collect();
    let ratio = french.iter().sum::<f32>() / english.iter().sum::<f32>();
    let matrix = Similarities::new(choices);
    let mut scores = Vec::with_capacity(choices.len() * choices.len());
    for (row, original) in choices.iter().enumerate() {
        for (column, translation) in choices.iter().enumerate() {
            scores.push(
                matrix.score(row, column)
                    + numbers_score(&original.english_numbers, &translation.french_numbers)
                    + length_score(ratio * english[row], french[column]),
            );
        }
    }
    scores
}

#[expect(clippy::cast_precision_loss, reason = "texts are far shorter than 2^23 letters")]
fn length(text: &str) -> f32 {
    (text.chars().count() + 2) as f32
}

/// Log-probability of a length, up to a constant: the logarithm of the ratio is normal, with less spread in longer texts.
fn length_score(expected: f32, found: f32) -> f32 {
    let deviation = (found / expected).ln();
    let variance = 0.02 + 1.0 / expected.max(4.0);
    (-deviation * deviation / (2.0 * variance)).max(-6.0)
}

/// How well every word of the French choices translates every word of the English ones; equal words count once.
struct Similarities {
    /// For each choice the places of its words in the matrix, and their weights.
    english: Vec<Vec<(usize, f32)>>,
    french: Vec<Vec<(usize, f32)>>,
    /// Rows are English words.
    matrix: Vec<f32>,
    num_french: usize,
}

impl Similarities {
    fn new(choices: &[Field<'_>]) -> Self {
        let (english_words, english) = distinct(choices.iter().map(|choice| &choice.english));
        let (french_words, french) = distinct(choices.iter().map(|choice| &choice.french));
        let mut matrix = Vec::with_capacity(english_words.len() * french_words.len());
        for left in &english_words {
            matrix.extend(french_words.iter().map(|right| similarity(left, right)));
        }
        Self { english, french, matrix, num_french: french_words.len() }
    }

    /// Log-probability that the words of a French choice translate those of an English one, and the other way round.
    fn score(&self, english: usize, french: usize) -> f32 {
        let (english, french) = (&self.english[english], &self.french[french]);
        let at = |row: usize, column: usize| self.matrix[row * self.num_french + column];
        let forward = english.iter().map(|(row, weight)| {
            weight * (UNMATCHED + french.iter().map(|(column, _)| at(*row, *column)).fold(0.0, f32::max)).ln()
        });
        let backward = french.iter().map(|(column, weight)| {
            weight * (UNMATCHED + english.iter().map(|(row, _)| at(*row, *column)).fold(0.0, f32::max)).ln()
        });
        f32::midpoint(forward.sum(), backward.sum())
    }
}

/// The distinct words of texts, and for each text the places of its words among them with their weights.
fn distinct<'a>(texts: impl Iterator<Item = &'a Words>) -> (Vec<Word>, Vec<Vec<(usize, f32)>>) {
    let mut words: Vec<Word> = Vec::new();
    let mut places = Vec::new();
    for text in texts.map(Words::words) {
        let mut place = |word: &Word| {
            let known = words.iter().position(|known| known.same_as(*word));
            let index = known.unwrap_or_else(|| {
                words.push(*word);
                words.len() - 1
            });
            (index, if word.len() < 4 { 0.25 } else { 1.0 })
        };
        places.push(text.iter().map(&mut place).collect());
    }
    (words, places)
}

/// Evidence of shared numbers.
fn numbers_score(english: &[Quantity], french: &[Quantity]) -> f32 {
    let missing = |wanted: &[Quantity], offered: &[Quantity]| {
        wanted.iter().filter(|number| number.in_digits && !offered.iter().any(|other| other.is_same(number))).count()
    };
    let num_missing = missing(english, french) + missing(french, english);
    #[expect(clippy::cast_precision_loss, reason = "texts hold few numbers")]
    let score = -1.5 * num_missing.min(8) as f32;
    score
}

#[cfg(test)]
mod tests {
    use super::super::fixture::findings;
    use super::*;

    #[test]
    fn exchanged_choices_are_an_error() {
        let english = ("Which organ?", &["The heart", "The blood vessels", "An infection of the skin"][..]);
        let french = ("Quel organe ?", &["Le cœur", "Une infection de la peau", "Les vaisseaux sanguins"][..]);
        assert_eq!(findings(check, english, french).len(), 1);
        let numbers = ("How many?", &["12", "23", "46"][..]);
        assert_eq!(findings(check, numbers, ("Combien ?", &["23", "12", "46"])).len(), 1);
    }

    #[test]
    fn choices_in_order_are_none() {
        let english = ("Which organ?", &["The heart", "The blood vessels", "An infection of the skin"][..]);
        let french = ("Quel organe ?", &["Le cœur", "Les vaisseaux sanguins", "Une infection de la peau"][..]);
        assert_eq!(findings(check, english, french), Vec::<String>::new());
    }
}
