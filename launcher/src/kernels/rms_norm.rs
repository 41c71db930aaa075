//! Root-mean-square norm.

use tch::{Kind, Tensor};

use super::affine::row_vector;
use super::is_fused;
use super::rows::{Rows, RowsMut, by_rows, dot};

/// Divides by the root mean square of the last dimension and scales each feature.
///
/// # Source
/// Zhang and Sennrich, 2019, *Root Mean Square Layer Normalization*, eq. 4, <https://arxiv.org/abs/1910.07467>
#[derive(Debug)]
pub(crate) struct RmsNorm {
    /// `[features]`; holds no gradient.
    pub(crate) weight: Tensor,
    /// Added to the mean square.
    pub(crate) eps: f64,
}

impl RmsNorm {
    /// # Shapes
    /// `x: [.., features]` → the same
    pub(crate) fn forward(&self, x: &Tensor) -> Tensor {
        x.rms_norm(self.weight.size(), Some(&self.weight), self.eps)
    }

    /// [`RmsNorm::forward`], written into `output`.
    ///
    /// # Shapes
    /// `x`, `output`: `[tokens, features]`
    pub(crate) fn forward_into(&self, x: &Tensor, output: &mut Tensor) {
        if !is_fused(x) {
            output.copy_(&self.forward(x));
            return;
        }
        let (weight, input, eps) = (row_vector(&self.weight), Rows::of(x), self.eps_f32());
        by_rows!([RowsMut::of(output)], |index, [output]| {
            let x = input.row(index);
            let inverse = inverse_rms(x, eps);
            output
                .iter_mut()
                .zip(x.iter().zip(&weight))
                .for_each(|(output, (x, weight))| *output = x * inverse * weight);
        });
    }

    #[expect(clippy::cast_possible_truncation, reason = "models state eps as a decimal of one digit")]
    pub(super) fn eps_f32(&self) -> f32 {
        self.eps as f32
    }
}

/// `1 / √(mean x² + eps)`.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "a number of features is exact in f32")]
pub(super) fn inverse_rms(x: &[f32], eps: f32) -> f32 {
    (dot(x, x) / x.len() as f32 + eps).sqrt().recip()
}

/// Adds to `grad_x` the gradient with regard to `x` that `grad_output`, with regard to the norm's output, asks for.
///
/// With `r = 1 / √(mean x² + eps)` and `g = weight ⊙ grad_output` it is `r·g − x·r³·mean(g ⊙ x)`.
///
/// # Shapes
/// All `[tokens, features]`
pub(crate) fn add_rms_norm_backward(grad_x: &mut Tensor, norm: &RmsNorm, x: &Tensor, grad_output: &Tensor) {
    if !is_fused(x) {
        *grad_x += rms_norm_backward(norm, x, grad_output);
        return;
    }
    let (weight, input, eps) = (row_vector(&norm.weight), Rows::of(x), norm.eps_f32());
    let grad_output = Rows::of(grad_output);
    by_rows!([RowsMut::of(grad_x)], |index, [grad_x]| {
        let (x, grad) = (input.row(index), grad_output.row(index));
        let (inverse, share) = row_backward(x, grad, &weight, eps);
        let values = x.iter().zip(grad).zip(&weight);
        grad_x
            .iter_mut()
            .zip(values)
            .for_each(|(sum, ((x, grad), weight))| *sum += inverse * (grad * weight) - x * share);
    });
}

/// `r`, and the factor of `x`, of one row.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "a number of features is exact in f32")]
pub(super) fn row_backward(x: &[f32], grad: &[f32], weight: &[f32], eps: f32) -> (f32, f32) {
    let inverse = inverse_rms(x, eps);
    let sum = super::rows::dot3(x, grad, weight);
    (inverse, inverse * inverse * inverse * sum / x.len() as f32)
}

/// The gradient with regard to `x`, out of libtorch's operators.
///
/// # Shapes
/// `x`, `grad_output`: `[.., features]` → the same
pub(super) fn rms_norm_backward(norm: &RmsNorm, x: &Tensor, grad_output: &Tensor) -> Tensor {
    let kind = if x.kind() == Kind::Double { Kind::Double } else { Kind::Float };
    let (wide, scaled) = (x.to_kind(kind), (grad_output * &norm.weight).to_kind(kind));
    let inverse = (wide.square().mean_dim(-1i64, true, kind) + norm.eps).rsqrt();
    let share = (&scaled * &wide).mean_dim(-1i64, true, kind) * inverse.pow_tensor_scalar(3);
    (scaled * inverse - wide * share).to_kind(x.kind())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{difference, random};
    use super::*;

    #[test]
    fn a_normed_vector_has_the_root_mean_square_of_its_weight() {
        let norm = RmsNorm { weight: Tensor::from_slice(&[2.0_f32, 2.0]), eps: 0.0 };
        let y = Vec::<f32>::try_from(norm.forward(&Tensor::from_slice(&[3.0_f32, -4.0]))).unwrap();
        let rms = 12.5_f32.sqrt();
        assert!((y[0] - 6.0 / rms).abs() < 1e-6 && (y[1] + 8.0 / rms).abs() < 1e-6);
    }

    #[test]
    fn loops_operators_and_autograd_agree() {
        let norm = RmsNorm { weight: random(1, [1, 70]).squeeze(), eps: 1e-5 };
        let (x, grad, earlier) = (random(2, [300, 70]), random(3, [300, 70]), random(4, [300, 70]));
        let mut wide = Tensor::zeros([300, 80], (Kind::Float, x.device())).narrow(1, 0, 70);
        norm.forward_into(&x, &mut wide);
        let leaf = x.copy().set_requires_grad(true);
        let output = norm.forward(&leaf);
        assert!(difference(&wide, &output) < 1e-6);
        (output * &grad).sum(Kind::Float).backward();
        let mut fused = earlier.copy();
        add_rms_norm_backward(&mut fused, &norm, &x, &grad);
        assert!(difference(&fused, &(&earlier + leaf.grad())) < 1e-6);
        assert!(difference(&rms_norm_backward(&norm, &x, &grad), &leaf.grad()) < 1e-6);
    }
}
