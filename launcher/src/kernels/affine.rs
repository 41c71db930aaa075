//! What stands between a product with weights and the next operation: a factor and a summand for each feature.

use tch::{Kind, Tensor};

use super::is_fused;
use super::rows::{Rows, RowsMut, by_columns, by_rows};
use crate::ffi::floats;

/// Rows whose sum is formed before it is added to the total, so that long sums stay exact.
const ROWS_A_BLOCK: usize = 128;

/// `scale ⊙ y + shift`, of which either may be absent.
///
/// # Shapes
/// Both `[features]`; `scale` in f32, `shift` in the model's kind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Affine<'a> {
    /// The factor: `m / ‖V‖` of DoRA.
    pub(crate) scale: Option<&'a Tensor>,
    /// The summand: the layer's bias.
    pub(crate) shift: Option<&'a Tensor>,
}

impl Affine<'_> {
    /// # Shapes
    /// `y: [tokens, features]` → the same
    pub(crate) fn apply(&self, y: &Tensor) -> Tensor {
        if is_fused(y) {
            let (scale, shift, input) = (self.scales(y), self.shifts(y), Rows::of(y));
            let mut output = y.empty_like();
            by_rows!([RowsMut::of(&mut output)], |index, [output]| {
                let values = input.row(index).iter().zip(&scale).zip(&shift);
                output.iter_mut().zip(values).for_each(|(output, ((y, scale), shift))| *output = y * scale + shift);
            });
            return output;
        }
        let scaled = self.scale.map_or_else(|| y.shallow_clone(), |scale| y * scale.to_kind(y.kind()));
        self.shift.map_or_else(|| scaled.shallow_clone(), |shift| &scaled + shift)
    }

    /// The factors, where the loops run.
    pub(super) fn scales(&self, y: &Tensor) -> Vec<f32> {
        of_each_feature(self.scale, 1.0, y)
    }

    /// The summands, where the loops run.
    pub(super) fn shifts(&self, y: &Tensor) -> Vec<f32> {
        of_each_feature(self.shift, 0.0, y)
    }
}

fn of_each_feature(values: Option<&Tensor>, otherwise: f32, y: &Tensor) -> Vec<f32> {
    let features = usize::try_from(y.size()[1]).unwrap_or(0);
    values.map_or_else(|| vec![otherwise; features], row_vector)
}

/// The values of a vector.
pub(super) fn row_vector(values: &Tensor) -> Vec<f32> {
    floats(&values.unsqueeze(0)).to_vec()
}

/// Turns `grad`, the gradient with regard to `scale ⊙ y`, into that with regard to `y`, and returns the one with regard to `scale`.
///
/// # Shapes
/// `grad`, `y`: `[tokens, features]`, `scale: [features]` → `[features]`, f32
pub(crate) fn affine_backward(grad: &mut Tensor, y: &Tensor, scale: &Tensor) -> Tensor {
    if !is_fused(grad) {
        let sums = (&*grad * y).sum_dim_intlist(0i64, false, Kind::Float);
        *grad *= scale.to_kind(grad.kind());
        return sums;
    }
    let num_rows = usize::try_from(grad.size()[0]).unwrap_or(0);
    let mut sums = vec![0.0_f32; usize::try_from(grad.size()[1]).unwrap_or(0)];
    let inputs = (Rows::of(grad), Rows::of(y));
    by_columns!(&mut sums, num_rows, |range: std::ops::Range<usize>, sums: &mut [f32]| {
        let mut block = vec![0.0_f32; range.len()];
        for index in 0..num_rows {
            let values = inputs.0.row(index)[range.clone()].iter().zip(&inputs.1.row(index)[range.clone()]);
            block.iter_mut().zip(values).for_each(|(sum, (grad, y))| *sum += grad * y);
            if (index + 1) % ROWS_A_BLOCK == 0 || index + 1 == num_rows {
                sums.iter_mut().zip(&mut block).for_each(|(sum, block)| *sum += std::mem::take(block));
            }
        }
    });
    let scale = row_vector(scale);
    by_rows!([RowsMut::of(grad)], |_, [grad]| {
        grad.iter_mut().zip(&scale).for_each(|(grad, scale)| *grad *= scale);
    });
    Tensor::from_slice(&sums)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{difference, random};
    use super::*;

    #[test]
    fn loops_and_operators_agree() {
        let (y, grad) = (random(1, [300, 70]), random(2, [300, 70]));
        let (scale, shift) = (random(3, [1, 70]).squeeze(), random(4, [1, 70]).squeeze());
        let expected = (&y * &scale) + &shift;
        let affine = Affine { scale: Some(&scale), shift: Some(&shift) };
        assert!(difference(&affine.apply(&y), &expected) < 1e-6);
        assert_eq!(Affine::default().apply(&y), y);
        let mut fused = grad.copy();
        let sums = affine_backward(&mut fused, &y, &scale);
        assert!(difference(&sums, &(&grad * &y).sum_dim_intlist(0i64, false, Kind::Double)) < 1e-5);
        assert_eq!(fused, &grad * &scale);
        let mut composed = grad.to_kind(Kind::Double);
        let sums = affine_backward(&mut composed, &y.to_kind(Kind::Double), &scale);
        assert!(
            difference(&composed, &fused) < 1e-6
                && difference(&sums, &(&grad * &y).sum_dim_intlist(0i64, false, Kind::Double)) < 1e-5
        );
    }
}
