//! The sum of the residual stream and a layer's output.

use tch::Tensor;

use super::rows::{Rows, RowsMut, by_rows};
use super::{Affine, is_fused};

/// `x + affine(y)`.
///
/// # Shapes
/// `x`, `y`: `[tokens, hidden]` → the same
pub(crate) fn add_affine(x: &Tensor, y: &Tensor, affine: Affine<'_>) -> Tensor {
    if !is_fused(x) {
        return x + affine.apply(y);
    }
    let (scale, shift, stream, added) = (affine.scales(y), affine.shifts(y), Rows::of(x), Rows::of(y));
    let mut output = x.empty_like();
    by_rows!([RowsMut::of(&mut output)], |index, [output]| {
        let factors = scale.iter().zip(&shift);
        let values = stream.row(index).iter().zip(added.row(index)).zip(factors);
        output.iter_mut().zip(values).for_each(|(output, ((x, y), (scale, shift)))| *output = x + (y * scale + shift));
    });
    output
}

#[cfg(test)]
mod tests {
    use super::super::testing::{difference, random};
    use super::*;
    use tch::Kind;

    #[test]
    fn loops_and_operators_agree() {
        let (x, y) = (random(1, [200, 96]), random(2, [200, 96]));
        let (scale, shift) = (random(3, [1, 96]).squeeze(), random(4, [1, 96]).squeeze());
        let affine = Affine { scale: Some(&scale), shift: Some(&shift) };
        let double = shift.to_kind(Kind::Double);
        let composed = add_affine(
            &x.to_kind(Kind::Double),
            &y.to_kind(Kind::Double),
            Affine { scale: Some(&scale), shift: Some(&double) },
        );
        assert!(difference(&add_affine(&x, &y, affine), &composed) < 1e-6);
        assert_eq!(add_affine(&x, &y, Affine::default()), &x + &y);
    }
}
