//! chrF: F-score of the character n-grams of a text against one reference, recall counting twice; chrF++ counts words too.
//!
//! Equal to sacreBLEU's `CHRF()` (chrF2: up to six characters, without spaces) and `CHRF(word_order=2)` (chrF++), case
//! kept, of a corpus and of a sentence. In [0, 100], as it is reported everywhere.

use super::ngrams::{Overlap, is_space, share};

/// Longest n-gram of characters, and of words in chrF++.
const CHARACTER_ORDER: usize = 6;
const WORD_ORDER: usize = 2;

/// Weight of recall against precision, squared.
const BETA_SQUARED: f64 = 4.0;

/// What chrF and chrF++ count in one text, or in many: scores of many are made of summed counts, not of scores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChrfCounts {
    characters: [Overlap; CHARACTER_ORDER],
    words: [Overlap; WORD_ORDER],
}

impl ChrfCounts {
    /// Counts in a text and its reference.
    #[must_use]
    pub fn of(hypothesis: &str, reference: &str) -> Self {
        let [hypothesis_characters, reference_characters] = [hypothesis, reference]
            .map(|text| text.chars().filter(|character| !is_space(*character)).collect::<Vec<char>>());
        let [hypothesis_words, reference_words] = [hypothesis, reference].map(words);
        Self {
            characters: std::array::from_fn(|index| compared(&hypothesis_characters, &reference_characters, index + 1)),
            words: std::array::from_fn(|index| compared(&hypothesis_words, &reference_words, index + 1)),
        }
    }

    /// Adds the counts of other texts.
    pub fn add(&mut self, other: &Self) {
        let own = self.characters.iter_mut().chain(&mut self.words);
        for (overlap, other) in own.zip(other.characters.iter().chain(&other.words)) {
            overlap.add(*other);
        }
    }

    /// chrF of everything that was counted.
    ///
    /// # Source
    /// Popović, 2015, <https://aclanthology.org/W15-3049>
    #[must_use]
    pub fn chrf(&self) -> f64 {
        f_score(&self.characters)
    }

    /// chrF++ of everything that was counted.
    ///
    /// # Source
    /// Popović, 2017, <https://aclanthology.org/W17-4770>
    #[must_use]
    pub fn chrf_plus_plus(&self) -> f64 {
        f_score(self.characters.iter().chain(&self.words))
    }
}

/// Counts n-grams; where the reference is too short to have any, those of the hypothesis do not count either.
fn compared<T: Ord>(hypothesis: &[T], reference: &[T], order: usize) -> Overlap {
    let overlap = Overlap::of(hypothesis, reference, order);
    if overlap.reference == 0 { Overlap::default() } else { overlap }
}

/// chrF of a corpus of texts, each with its reference.
///
/// ```
/// # use medinjection_fr::metrics::chrf;
/// assert!((chrf([("Le foie", "Le foie")]) - 100.0).abs() < 1e-9);
/// ```
#[must_use]
pub fn chrf<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> f64 {
    let mut counts = ChrfCounts::default();
    for (hypothesis, reference) in pairs {
        counts.add(&ChrfCounts::of(hypothesis, reference));
    }
    counts.chrf()
}

/// The F-score of mean precision and mean recall over the orders that both texts have.
fn f_score<'a>(overlaps: impl IntoIterator<Item = &'a Overlap>) -> f64 {
    let (mut precision, mut recall, mut num_orders) = (0.0, 0.0, 0.0);
    for overlap in overlaps {
        if overlap.hypothesis > 0 && overlap.reference > 0 {
            precision += share(overlap.matched, overlap.hypothesis);
            recall += share(overlap.matched, overlap.reference);
            num_orders += 1.0;
        }
    }
    if precision + recall == 0.0 {
        return 0.0;
    }
    let (precision, recall) = (precision / num_orders, recall / num_orders);
    100.0 * (1.0 + BETA_SQUARED) * precision * recall / (BETA_SQUARED * precision + recall)
}

/// The words, each parted from an ASCII sign at its end, else from one at its beginning.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for word in text.split(is_space).filter(|word| !word.is_empty()) {
        let mut characters = word.char_indices();
        let (first, last) = (characters.next(), characters.next_back());
        match (first, last) {
            (_, Some((at, last))) if last.is_ascii_punctuation() => words.extend([&word[..at], &word[at..]]),
            (Some((_, first)), Some(_)) if first.is_ascii_punctuation() => words.extend([&word[..1], &word[1..]]),
            _ => words.push(word),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_parted_from_one_sign() {
        assert_eq!(words("(le foie) «le rein», ? a."), ["(", "le", "foie", ")", "«le", "rein»", ",", "?", "a", "."]);
    }

    #[test]
    fn nothing_in_common_is_0() {
        let counts = ChrfCounts::of("foie", "du");
        assert!(counts.chrf().abs() < f64::EPSILON && counts.chrf_plus_plus().abs() < f64::EPSILON);
        assert!(chrf([("", ""), ("", "rein")]).abs() < f64::EPSILON);
    }
}
