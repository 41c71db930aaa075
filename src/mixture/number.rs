//! Counts of records as numbers that can be multiplied by a ratio, and back.

/// The count as a number.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of records are far below 2^53; a larger one asked for is refused"
)]
pub(super) const fn to_number(count: u64) -> f64 {
    count as f64
}

/// The largest count that is not above `number`; 0 for what is negative or no number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "out of range, the nearest count is meant")]
pub(super) const fn to_count(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_survives_and_a_fraction_is_cut() {
        assert_eq!(to_count(to_number(571_436)), 571_436);
        assert_eq!([2.9, -1.0, f64::NAN, f64::INFINITY].map(to_count), [2, 0, 0, u64::MAX]);
    }
}
