//! How often each n-gram of two sequences stands in both: what BLEU and chrF count.

use std::collections::BTreeMap;

/// Numbers of n-grams of one order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Overlap {
    /// Of the hypothesis.
    pub(super) hypothesis: u64,
    /// Of the reference.
    pub(super) reference: u64,
    /// Of both, each as often as it stands in the one where it is rarer.
    pub(super) matched: u64,
}

impl Overlap {
    /// Counts the n-grams of `order` elements.
    pub(super) fn of<T: Ord>(hypothesis: &[T], reference: &[T], order: usize) -> Self {
        let mut counts: BTreeMap<&[T], [u64; 2]> = BTreeMap::new();
        for (side, sequence) in [hypothesis, reference].into_iter().enumerate() {
            for ngram in sequence.windows(order) {
                counts.entry(ngram).or_default()[side] += 1;
            }
        }
        let number = |sequence: &[T]| (sequence.len() + 1).saturating_sub(order) as u64;
        Self {
            hypothesis: number(hypothesis),
            reference: number(reference),
            matched: counts.values().map(|[in_hypothesis, in_reference]| in_hypothesis.min(in_reference)).sum(),
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.hypothesis += other.hypothesis;
        self.reference += other.reference;
        self.matched += other.matched;
    }
}

/// `part / whole`; 0 where there is no whole.
#[expect(clippy::cast_precision_loss, reason = "no file holds 2^52 n-grams")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Whether Python's `str.split` separates at `character`.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_n_gram_is_matched_as_often_as_it_stands_in_both() {
        let overlap = Overlap::of(b"aab", b"aaaab", 1);
        assert_eq!((overlap.hypothesis, overlap.reference, overlap.matched), (3, 5, 3));
        assert_eq!(Overlap::of(b"ab", b"", 3), Overlap::default());
    }
}
