//! Several sequences side by side, without padding.

use tch::{Device, Tensor};

/// Sequences laid end to end.
///
/// Attention runs sequence by sequence, so that what a sequence yields does not depend on its neighbours.
#[derive(Debug)]
pub struct PackedBatch {
    /// `[tokens]`, i64.
    pub input_ids: Tensor,
    /// `[tokens]`, i64: index of each token inside its sequence.
    pub positions: Tensor,
    /// Number of tokens of each sequence; they add up to `tokens`.
    pub lengths: Vec<i64>,
}

impl PackedBatch {
    /// A batch of whole sequences.
    #[must_use]
    pub fn new(sequences: &[&[i64]], device: Device) -> Self {
        Self::continuing(sequences, &vec![0; sequences.len()], device)
    }

    /// A batch of continuations: sequence `i` already has `past[i]` tokens in a cache.
    #[must_use]
    #[expect(clippy::cast_possible_wrap, reason = "no sequence has 2^63 tokens")]
    pub fn continuing(sequences: &[&[i64]], past: &[i64], device: Device) -> Self {
        let lengths: Vec<i64> = sequences.iter().map(|ids| ids.len() as i64).collect();
        let positions: Vec<i64> = past.iter().zip(&lengths).flat_map(|(past, length)| *past..past + length).collect();
        Self {
            input_ids: Tensor::from_slice(&sequences.concat()).to_device(device),
            positions: Tensor::from_slice(&positions).to_device(device),
            lengths,
        }
    }

    /// Index, among the batch's tokens, of the last token of each sequence.
    #[must_use]
    pub fn last_indices(&self) -> Vec<i64> {
        self.lengths
            .iter()
            .scan(0, |end, length| {
                *end += length;
                Some(*end - 1)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_start_again_with_each_sequence_and_after_its_past() {
        let batch = PackedBatch::continuing(&[&[7, 8], &[9]], &[0, 4], Device::Cpu);
        assert_eq!(Vec::<i64>::try_from(&batch.positions).unwrap(), [0, 1, 4]);
        assert_eq!(Vec::<i64>::try_from(&batch.input_ids).unwrap(), [7, 8, 9]);
        assert_eq!(batch.last_indices(), [1, 2]);
    }
}
