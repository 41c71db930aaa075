//! Hamming score over the choices.

use super::Answered;

/// Share of the choices that were rightly chosen or rightly left: `1 − |G Δ P| / choices`, in [0, 1].
///
/// `None` where the number of choices is not known. A chosen label that is no choice counts as an error.
#[must_use]
pub fn hamming_score(answered: Answered) -> Option<f64> {
    let errors = f64::from(answered.gold.symmetric_difference(answered.predicted).len());
    answered.num_choices.map(|num_choices| (1.0 - errors / f64::from(num_choices)).max(0.0))
}
