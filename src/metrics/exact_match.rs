//! Exact match.

use super::Answered;

/// 1 where the chosen labels are the gold labels, no more and no less; else 0.
#[must_use]
pub fn exact_match(answered: Answered) -> f64 {
    f64::from(u8::from(answered.gold == answered.predicted))
}
