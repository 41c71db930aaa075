//! The exponential function in f32, written so that the compiler vectorises the loops that call it.

/// `eˣ`, within 2 units in the last place; 0 below −87.3, and never above `e^88`.
///
/// # Source
/// Cody and Waite's reduction `x = n·ln 2 + r` with `ln 2` in two parts, and Cephes' polynomial for `eʳ` on `±½ ln 2`.
#[inline]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "n is a whole number from −126 to 127")]
pub(super) fn exp(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const ROUNDING: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.3, 88.0);
    // Adding a number of this size rounds to whole numbers, without a call on processors that have no instruction for it.
    let n = (clamped * std::f32::consts::LOG2_E + ROUNDING) - ROUNDING;
    let r = (clamped - n * LN_2_HIGH) - n * LN_2_LOW;
    let polynomial = [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5];
    let sum = polynomial.iter().fold(1.987_569_1e-4, |sum, coefficient| sum * r + coefficient);
    let power = f32::from_bits(((n as i32 + 127) as u32) << 23);
    let result = (sum * r * r + r + 1.0) * power;
    if x < -87.3 { 0.0 } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "the reference is rounded once")]
    fn it_is_the_exponential() {
        for step in -8730..=8800_i16 {
            let x = f32::from(step) / 100.0;
            let expected = f64::from(x).exp();
            let relative = ((f64::from(exp(x)) - expected) / expected).abs();
            assert!(relative < 2.4e-7, "e^{x} is {expected}, found {}", exp(x));
        }
        assert_eq!((exp(f32::NEG_INFINITY), exp(-1e30), exp(0.0)), (0.0, 0.0, 1.0));
        assert!(exp(f32::NAN).is_nan() && exp(1e9) > 1e38_f64 as f32);
    }
}
