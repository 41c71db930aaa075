//! Jaccard index, which the study and the field call "Hamming".

use super::Answered;

/// Share of the labels gold or chosen that are both: `|G ∩ P| / |G ∪ P|`, in [0, 1].
///
/// # Source
/// Labrak et al., 2022, *FrenchMedMCQA* (there "Hamming score"), <https://arxiv.org/abs/2304.04280>
#[must_use]
pub fn jaccard(answered: Answered) -> f64 {
    let Answered { gold, predicted, .. } = answered;
    f64::from(gold.intersection(predicted).len()) / f64::from(gold.union(predicted).len())
}
