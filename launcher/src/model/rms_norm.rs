//! Root-mean-square norm.

use tch::Tensor;

/// Divides by the root mean square of the last dimension and scales each feature.
///
/// # Source
/// Zhang and Sennrich, 2019, *Root Mean Square Layer Normalization*, eq. 4, <https://arxiv.org/abs/1910.07467>
#[derive(Debug)]
pub(super) struct RmsNorm {
    pub(super) weight: Tensor,
    pub(super) eps: f64,
}

impl RmsNorm {
    /// # Shapes
    /// `x: [.., features]` → the same; `weight: [features]`.
    pub(super) fn forward(&self, x: &Tensor) -> Tensor {
        x.rms_norm(self.weight.size(), Some(&self.weight), self.eps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normed_vector_has_the_root_mean_square_of_its_weight() {
        let norm = RmsNorm { weight: Tensor::from_slice(&[2.0_f32, 2.0]), eps: 0.0 };
        let y = Vec::<f32>::try_from(norm.forward(&Tensor::from_slice(&[3.0_f32, -4.0]))).unwrap();
        let rms = 12.5_f32.sqrt();
        assert!((y[0] - 6.0 / rms).abs() < 1e-6 && (y[1] + 8.0 / rms).abs() < 1e-6);
    }
}
