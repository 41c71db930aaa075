//! Dropout whose mask is made again wherever it is needed, instead of being kept.

use tch::{Kind, Tensor};

use super::is_fused;
use super::rows::{Rows, RowsMut, by_rows};

/// Which features of a batch's tokens are kept.
///
/// Feature `i` of `n` is decided by 16 bits that are a function of the token's key and of `i mod ⌈n / 2⌉` alone: the lower 16 of its 32
/// bits for the first half of the features, the upper 16 for the second. The probability is rounded to a multiple of 2⁻¹⁶.
#[derive(Debug, Clone)]
pub struct DropoutMask {
    /// A feature is kept where its 16 bits are not below it.
    threshold: u16,
    /// One for each token.
    keys: Vec<u64>,
}

impl DropoutMask {
    /// A mask that drops each feature of the tokens that `keys` belong to with `probability`, in `[0, 1)`.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0..2¹⁶ after the clamp")]
    pub fn new(probability: f64, keys: Vec<u64>) -> Self {
        Self { threshold: (probability * 65_536.0).round().clamp(0.0, 65_535.0) as u16, keys }
    }

    /// What kept features are multiplied by.
    fn factor(&self) -> f64 {
        1.0 / (1.0 - f64::from(self.threshold) / 65_536.0)
    }

    /// `x` with the features that are dropped set to zero and the others scaled.
    ///
    /// # Shapes
    /// `x: [tokens, features]` → the same
    pub fn apply(&self, x: &Tensor) -> Tensor {
        if !is_fused(x) {
            return x * self.factors(x);
        }
        let (input, row_mask) = (Rows::of(x), self.row_mask());
        let mut output = Tensor::empty(x.size(), (x.kind(), x.device()));
        by_rows!([RowsMut::of(&mut output)], |index, [output]| {
            row_mask.visit(self.keys[index], output, input.row(index), |output, x, factor| *output = x * factor);
        });
        output
    }

    /// Adds to `sum` what [`DropoutMask::apply`] makes of `x`.
    pub(crate) fn add_applied(&self, sum: &mut Tensor, x: &Tensor) {
        if !is_fused(x) {
            *sum += x * self.factors(x);
            return;
        }
        let (input, row_mask) = (Rows::of(x), self.row_mask());
        by_rows!([RowsMut::of(sum)], |index, [sum]| {
            row_mask.visit(self.keys[index], sum, input.row(index), |sum, x, factor| *sum += x * factor);
        });
    }

    #[expect(clippy::cast_possible_truncation, reason = "a factor between 1 and 2¹⁶")]
    fn row_mask(&self) -> RowMask {
        RowMask { threshold: u32::from(self.threshold), factor: self.factor() as f32 }
    }

    /// What each feature of `x` is multiplied by, out of libtorch's operators on its device.
    #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "halves of a key as 32 bits")]
    fn factors(&self, x: &Tensor) -> Tensor {
        let (features, options) = (x.size()[1], (Kind::Int, x.device()));
        let half = |shift: u32| -> Tensor {
            let values: Vec<i32> = self.keys.iter().map(|key| (key >> shift) as u32 as i32).collect();
            Tensor::from_slice(&values).to_device(x.device()).unsqueeze(1)
        };
        let bits = draws(&Tensor::arange((features + 1) / 2, options), &half(0), &half(32));
        let kept = |bits: Tensor| bits.ge(i64::from(self.threshold));
        let both = Tensor::cat(&[kept(bits.bitwise_and(0xFFFF)), kept(logical_right_shift(&bits, 16))], 1);
        both.narrow(1, 0, features).to_kind(x.kind()) * self.factor()
    }
}

/// The mask of a row at a time.
#[derive(Debug, Clone, Copy)]
struct RowMask {
    threshold: u32,
    factor: f32,
}

impl RowMask {
    /// Calls `work` with each place of `output`, its value in `input` and its factor.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "halves of a key; fewer than 2³² features")]
    fn visit(self, key: u64, output: &mut [f32], input: &[f32], work: impl Fn(&mut f32, f32, f32)) {
        let (low, high, half) = (key as u32, (key >> 32) as u32, output.len().div_ceil(2));
        let (first, second) = output.split_at_mut(half);
        let inputs = input.split_at(half);
        let factor = |bits: u32| if bits >= self.threshold { self.factor } else { 0.0 };
        let num_pairs = second.len();
        let pairs = first.iter_mut().zip(second).zip(inputs.0.iter().zip(inputs.1));
        for (feature, ((first, second), (x, y))) in pairs.enumerate() {
            let bits = draw(low, high, feature as u32);
            work(first, *x, factor(bits & 0xFFFF));
            work(second, *y, factor(bits >> 16));
        }
        // The middle one of an odd number of features has no partner.
        if let (Some(last), Some(x)) = (first.get_mut(num_pairs), inputs.0.get(num_pairs)) {
            work(last, *x, factor(draw(low, high, num_pairs as u32) & 0xFFFF));
        }
    }
}

const FEATURE: u32 = 0x9E37_79B9;
const ROUNDS: [u32; 2] = [0x85EB_CA6B, 0xC2B2_AE35];

/// 32 bits of the (token, pair of features): `MurmurHash3`'s 32-bit finaliser with the token's key mixed in twice.
///
/// Only 32-bit multiplications, shifts and exclusive ors, so that the compiler vectorises the loop over features.
#[inline]
fn draw(low: u32, high: u32, feature: u32) -> u32 {
    let mut value = feature.wrapping_mul(FEATURE) ^ low;
    value = (value ^ (value >> 16)).wrapping_mul(ROUNDS[0]) ^ high;
    value = (value ^ (value >> 13)).wrapping_mul(ROUNDS[1]);
    value ^ (value >> 16)
}

/// [`draw`] of every token and pair of features.
///
/// # Shapes
/// `features: [pairs]`, `low`, `high`: `[tokens, 1]`, all i32 → `[tokens, pairs]`, i32
fn draws(features: &Tensor, low: &Tensor, high: &Tensor) -> Tensor {
    // Multiplication modulo 2³² is the same for signed numbers.
    let times = |value: Tensor, factor: u32| value * i64::from(factor.cast_signed());
    let value = times(features.unsqueeze(0), FEATURE).bitwise_xor_tensor(low);
    let value = times(value.bitwise_xor_tensor(&logical_right_shift(&value, 16)), ROUNDS[0]).bitwise_xor_tensor(high);
    let value = times(value.bitwise_xor_tensor(&logical_right_shift(&value, 13)), ROUNDS[1]);
    value.bitwise_xor_tensor(&logical_right_shift(&value, 16))
}

/// The bits of an i32 moved down by `places`, zeros coming after them.
fn logical_right_shift(value: &Tensor, places: i64) -> Tensor {
    value.bitwise_right_shift_tensor_scalar(places).bitwise_and((1_i64 << (32 - places)) - 1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::random;
    use super::*;
    use crate::random::key;
    use tch::Device;

    fn mask(num_tokens: u64) -> DropoutMask {
        DropoutMask::new(0.05, (0..num_tokens).map(|token| key(&[7, token])).collect())
    }

    #[test]
    fn loops_and_operators_drop_the_same_features() {
        for features in [64, 33, 1] {
            let x = random(1, [50, features]);
            let fused = mask(50).apply(&x);
            let composed = mask(50).apply(&x.to_kind(Kind::Double));
            assert_eq!(fused.ne(0.0), composed.ne(0.0));
            assert!((&fused - &composed).abs().max().double_value(&[]) < 1e-6);
            let mut sum = x.copy();
            mask(50).add_applied(&mut sum, &x);
            assert!((sum - (&x + &fused)).abs().max().double_value(&[]) < 1e-6);
        }
    }

    #[test]
    fn the_share_that_is_dropped_is_the_probability_in_rows_and_columns() {
        let dropped = mask(400).apply(&Tensor::ones([400, 512], (Kind::Float, Device::Cpu))).eq(0.0);
        let count = |counts: &Tensor| (counts.min().int64_value(&[]), counts.max().int64_value(&[]));
        // 5 standard deviations of a binomial: 204,800 draws, then 400 or 512 draws.
        let all = dropped.sum(Kind::Int64).int64_value(&[]);
        assert!((9_747..=10_733).contains(&all), "{all} of 204800");
        let (rows, columns) = (
            count(&dropped.sum_dim_intlist(1i64, false, Kind::Int64)),
            count(&dropped.sum_dim_intlist(0i64, false, Kind::Int64)),
        );
        assert!(rows.1 <= 51 && columns.1 <= 42, "{rows:?} of 512, {columns:?} of 400");
    }

    #[test]
    fn the_mean_is_kept() {
        let applied = mask(2_000).apply(&Tensor::ones([2_000, 512], (Kind::Float, Device::Cpu)));
        assert!((applied.mean(Kind::Double).double_value(&[]) - 1.0).abs() < 1e-3);
        assert!((mask(1).factor() - 1.0 / 0.95).abs() < 1e-5);
    }
}
