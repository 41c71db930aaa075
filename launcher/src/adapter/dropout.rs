//! Dropout whose masks do not depend on how the rows of a step are spread over ranks and micro-steps.

use crate::config::DropoutScope;
use crate::kernels::DropoutMask;
use crate::random;

/// The dropout of one micro-batch.
///
/// Whether a feature is kept is a function of (seed, step, row of the global batch, module, position in the row,
/// feature) alone: ranks, micro-batches, packing and recomputation draw the same masks. Layers that read the same input share a mask:
/// the module is the first of them.
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

/// The dropout of one input of adapted layers.
#[derive(Debug, Clone)]
pub struct InputDropout {
    /// Which features are kept.
    pub mask: DropoutMask,
    /// What dropout acts on.
    pub scope: DropoutScope,
}

impl Dropout<'_> {
    /// The dropout of the input of the layer at `module_index` among the model's linear layers; `None` where nothing is dropped.
    #[must_use]
    pub fn of_input(&self, module_index: u64) -> Option<InputDropout> {
        let key = |row: u64, position: u64| random::key(&[self.seed, self.step, row, module_index, position]);
        let rows = self.rows.iter().zip(self.lengths);
        let keys = rows.flat_map(|(&row, &length)| (0..length.unsigned_abs()).map(move |position| key(row, position)));
        (self.probability > 0.0)
            .then(|| InputDropout { mask: DropoutMask::new(self.probability, keys.collect()), scope: self.scope })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, Tensor};

    fn dropped(rows: &[u64], lengths: &[i64], (step, module_index): (u64, u64)) -> Tensor {
        let dropout = Dropout { probability: 0.05, scope: DropoutScope::Adapter, seed: 1, step, rows, lengths };
        let ones = Tensor::ones([lengths.iter().sum(), 64], (Kind::Float, Device::Cpu));
        dropout.of_input(module_index).unwrap().mask.apply(&ones)
    }

    #[test]
    fn packing_does_not_change_a_rows_mask() {
        let alone = [dropped(&[9], &[3], (2, 5)), dropped(&[4], &[7], (2, 5))];
        assert_eq!(dropped(&[9, 4], &[3, 7], (2, 5)), Tensor::cat(&alone, 0));
    }

    #[test]
    fn masks_of_other_modules_steps_and_rows_differ() {
        let base = dropped(&[0], &[16], (2, 0));
        for other in [dropped(&[0], &[16], (2, 1)), dropped(&[1], &[16], (2, 0)), dropped(&[0], &[16], (3, 0))] {
            assert_ne!(other, base);
        }
    }

    #[test]
    fn nothing_is_dropped_at_probability_zero() {
        let dropout =
            Dropout { probability: 0.0, scope: DropoutScope::Peft, seed: 1, step: 1, rows: &[0], lengths: &[2] };
        assert!(dropout.of_input(0).is_none());
    }
}
