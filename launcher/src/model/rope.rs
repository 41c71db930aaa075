//! Rotary position embedding: queries and keys turned by an angle that grows with their position.

use tch::{Device, Kind, Tensor};

/// How fast each pair of features turns with the position.
///
/// # Source
/// Su et al., 2021, *`RoFormer`*, §3.2, <https://arxiv.org/abs/2104.09864>
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rope {
    /// Pair `i` of `d / 2` turns by `theta^(−2i / d)` a position.
    Default {
        /// Base of the wavelengths.
        theta: f64,
    },
    /// The same, with long wavelengths stretched, as Llama 3.1 and later do.
    Llama3 {
        /// Base of the wavelengths.
        theta: f64,
        /// How much the longest wavelengths are stretched.
        factor: f64,
        /// Wavelengths above `original_max_positions / low_freq_factor` are stretched whole.
        low_freq_factor: f64,
        /// Wavelengths below `original_max_positions / high_freq_factor` stay as they are.
        high_freq_factor: f64,
        /// Context length before the stretching.
        original_max_positions: f64,
    },
}

impl Rope {
    /// Angle per position of each pair of features, in f32.
    ///
    /// # Shapes
    /// `[head_dim / 2]`
    pub fn frequencies(&self, head_dim: i64, device: Device) -> Tensor {
        let steps = Tensor::arange_start_step(0, head_dim, 2, (Kind::Float, device));
        let exponents = steps / head_dim;
        match *self {
            Self::Default { theta } => Tensor::pow_scalar(theta, &exponents).reciprocal(),
            Self::Llama3 { theta, factor, low_freq_factor, high_freq_factor, original_max_positions } => {
                let frequencies = Tensor::pow_scalar(theta, &exponents).reciprocal();
                let wavelengths = frequencies.reciprocal() * (2.0 * std::f64::consts::PI);
                // 0 where the wavelength is long, 1 where it is short, and linear in its inverse between.
                let share = (wavelengths.reciprocal() * original_max_positions - low_freq_factor)
                    / (high_freq_factor - low_freq_factor);
                let share = share.clamp(0.0, 1.0);
                &share * &frequencies + (1.0 - &share) * &frequencies / factor
            }
        }
    }
}

/// Cosines and sines of a batch's angles, shared by all its blocks.
///
/// # Shapes
/// Both `[tokens, head_dim / 2]`
#[derive(Debug)]
pub(super) struct Rotation {
    pub(super) cos: Tensor,
    pub(super) sin: Tensor,
}

impl Rotation {
    /// The rotation of tokens at `positions`; angles are computed in f32 and the result is rounded to `kind`.
    ///
    /// # Shapes
    /// `positions: [tokens]`, `frequencies: [head_dim / 2]`
    pub(super) fn new(positions: &Tensor, frequencies: &Tensor, kind: Kind) -> Self {
        let angles = positions.to_kind(Kind::Float).unsqueeze(1) * frequencies.unsqueeze(0);
        Self { cos: angles.cos().to_kind(kind), sin: angles.sin().to_kind(kind) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_position_is_not_turned() {
        let frequencies = Rope::Default { theta: 10_000.0 }.frequencies(8, Device::Cpu);
        let rotation = Rotation::new(&Tensor::from_slice(&[0_i64, 5]), &frequencies, Kind::Float);
        assert_eq!(rotation.cos.get(0), Tensor::ones([4], (Kind::Float, Device::Cpu)));
        assert!((rotation.sin.double_value(&[1, 0]) - 5.0_f64.sin()).abs() < 1e-6);
    }

    #[test]
    fn llama3_stretches_the_long_wavelengths_as_transformers_does() {
        let rope = Rope::Llama3 {
            theta: 500_000.0,
            factor: 32.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_positions: 8192.0,
        };
        let found = Vec::<f32>::try_from(rope.frequencies(64, Device::Cpu)).unwrap();
        // transformers 5.24.0, ROPE_INIT_FUNCTIONS["llama3"], entries 0, 14, 16, 18 and 31.
        let expected = [(0, 1.0_f32), (14, 3.211_446e-3), (16, 4.295_567e-4), (18, 1.946_164e-5), (31, 9.418_306e-8)];
        for (index, value) in expected {
            let relative = (found[index] - value).abs() / value;
            assert!(relative < 1e-5, "entry {index}: {} instead of {value}", found[index]);
        }
    }
}
