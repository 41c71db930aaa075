//! Sets of choice labels.

use crate::record::ChoiceLabel;

/// A set of choice labels, one bit a letter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelSet(u32);

impl LabelSet {
    /// Number of labels.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there is no label.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `label` is one of them.
    #[must_use]
    pub fn contains(self, label: ChoiceLabel) -> bool {
        self.0 & (1 << label.index()) != 0
    }

    /// The labels of both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The labels of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The labels of exactly one of the two.
    #[must_use]
    pub const fn symmetric_difference(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }

    /// The labels of `self` that `other` lacks.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The labels, ascending.
    pub fn iter(self) -> impl Iterator<Item = ChoiceLabel> {
        (0..26).filter_map(ChoiceLabel::from_index).filter(move |label| self.contains(*label))
    }
}

impl FromIterator<ChoiceLabel> for LabelSet {
    fn from_iter<I: IntoIterator<Item = ChoiceLabel>>(labels: I) -> Self {
        Self(labels.into_iter().fold(0, |bits, label| bits | 1 << label.index()))
    }
}

impl std::fmt::Display for LabelSet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&crate::record::format_answer(&self.iter().collect::<Vec<_>>()))
    }
}

/// A multiple-choice question with its gold labels and those that were chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// Labels of the correct choices. Invariant: not empty.
    pub gold: LabelSet,
    /// Labels that were chosen; empty where the answer named none.
    pub predicted: LabelSet,
    /// Number of choices, where the file says it. Invariant: at least the number of gold labels.
    pub num_choices: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_set_holds_what_was_put_in(indices in proptest::collection::btree_set(0_usize..26, 0..26)) {
            let labels: Vec<_> = indices.iter().filter_map(|index| ChoiceLabel::from_index(*index)).collect();
            let set: LabelSet = labels.iter().copied().collect();
            proptest::prop_assert_eq!(set.len() as usize, labels.len());
            proptest::prop_assert_eq!(set.iter().collect::<Vec<_>>(), labels);
        }
    }
}
