//! Dropout whose masks do not depend on how the rows of a step are spread over ranks and micro-steps.

use tch::Tensor;

use crate::config::DropoutScope;
use crate::random;

/// The dropout of one micro-batch.
///
/// Whether a feature is kept is a function of (seed, step, row of the global batch, module, position in the row,
/// feature) alone: ranks, micro-batches, packing and recomputation draw the same masks.
#[derive(Debug, Clone, Copy)]
pub struct Dropout<'a> {
    /// Probability that a feature is dropped, in `[0, 1)`.
    pub probability: f64,
    /// What dropout acts on.
    pub scope: DropoutScope,
    /// Seed of the run.
    pub seed: u64,
    /// Optimizer step.
    pub step: u64,
    /// Row in the global batch of each sequence.
    pub rows: &'a [u64],
    /// Tokens of each sequence, in the order of packing.
    pub lengths: &'a [i64],
}

impl Dropout<'_> {
    /// `x` with features of it set to zero and the others scaled by `1 / (1 - probability)`.
    ///
    /// # Shapes
    /// `x: [tokens, in]` → `[tokens, in]`, where `tokens` is the sum of `lengths`.
    pub fn apply(&self, x: &Tensor, module_index: u64) -> Tensor {
        if self.probability == 0.0 {
            return x.shallow_clone();
        }
        let features = usize::try_from(x.size()[1]).expect("a size is not negative");
        let kept = Tensor::from_slice(&self.kept(features, module_index)).view([-1, x.size()[1]]);
        // A mask of bytes is all that the backward pass has to keep.
        x * kept.to_device(x.device()) * (1.0 / (1.0 - self.probability))
    }

    /// 1 for each feature that is kept, 0 for each that is dropped, `[tokens × features]` in row-major order.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "halves of a key; in 0..2³²")]
    fn kept(&self, features: usize, module_index: u64) -> Vec<u8> {
        let threshold = (self.probability * f64::from(u32::MAX)) as u32;
        let num_tokens = self.lengths.iter().sum::<i64>();
        let mut kept = Vec::with_capacity(usize::try_from(num_tokens).expect("a length is not negative") * features);
        for (&row, &length) in self.rows.iter().zip(self.lengths) {
            for position in 0..length.unsigned_abs() {
                let token = random::key(&[self.seed, self.step, row, module_index, position]);
                let (low, high) = (token as u32, (token >> 32) as u32);
                kept.extend((0..features as u32).map(|feature| u8::from(draw(low, high, feature) >= threshold)));
            }
        }
        kept
    }
}

/// 32 bits of the (token, feature) pair: `MurmurHash3`'s 32-bit finaliser with the token's key mixed in twice.
///
/// Only 32-bit multiplications, shifts and exclusive ors, so that the compiler vectorises the loop over features.
fn draw(low: u32, high: u32, feature: u32) -> u32 {
    let mut value = feature.wrapping_mul(0x9E37_79B9) ^ low;
    value = (value ^ (value >> 16)).wrapping_mul(0x85EB_CA6B) ^ high;
    value = (value ^ (value >> 13)).wrapping_mul(0xC2B2_AE35);
    value ^ (value >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropout<'a>(rows: &'a [u64], lengths: &'a [i64]) -> Dropout<'a> {
        Dropout { probability: 0.05, scope: DropoutScope::Adapter, seed: 1, step: 2, rows, lengths }
    }

    #[test]
    fn packing_does_not_change_a_rows_mask() {
        let (alone_a, alone_b) = (dropout(&[4], &[7]).kept(33, 5), dropout(&[9], &[3]).kept(33, 5));
        assert_eq!(dropout(&[9, 4], &[3, 7]).kept(33, 5), [alone_b, alone_a].concat());
    }

    #[test]
    fn masks_of_other_modules_steps_and_rows_differ() {
        let base = dropout(&[0], &[16]).kept(64, 0);
        assert_ne!(dropout(&[0], &[16]).kept(64, 1), base);
        assert_ne!(dropout(&[1], &[16]).kept(64, 0), base);
        assert_ne!(Dropout { step: 3, ..dropout(&[0], &[16]) }.kept(64, 0), base);
    }

    #[test]
    fn the_share_that_is_dropped_is_the_probability_in_rows_and_columns() {
        let (tokens, features) = (400, 512);
        let kept = dropout(&[3], &[400]).kept(features, 2);
        let dropped = |values: &mut dyn Iterator<Item = &u8>| values.filter(|kept| **kept == 0).count();
        let all = dropped(&mut kept.iter());
        // 5 standard deviations of a binomial: 204,800 draws, then 400 or 512 draws.
        assert!((9_747..=10_733).contains(&all), "{all} of 204800");
        for token in 0..tokens {
            let count = dropped(&mut kept[token * features..(token + 1) * features].iter());
            assert!(count <= 51, "token {token}: {count} of 512");
        }
        for feature in 0..features {
            let count = dropped(&mut kept.iter().skip(feature).step_by(features));
            assert!(count <= 42, "feature {feature}: {count} of 400");
        }
    }
}
