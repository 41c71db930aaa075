//! The gate of the feed-forward layer: `silu(gate) ⊙ up`.

use tch::Tensor;

use super::exp::exp;
use super::rows::{Rows, RowsMut, by_rows};
use super::{Affine, empty_rows, is_fused};

/// Writes `silu(gate) ⊙ up` into `output`, where `gate` and `up` are the halves of `affine(y)`.
///
/// # Shapes
/// `y: [tokens, 2 × inner]`, `output: [tokens, inner]`
/// # Source
/// Shazeer, 2020, *GLU Variants Improve Transformer*, eq. 6, <https://arxiv.org/abs/2002.05202>
pub(crate) fn swiglu(y: &Tensor, affine: Affine<'_>, output: &mut Tensor) {
    if !is_fused(y) {
        let halves = affine.apply(y).chunk(2, 1);
        output.copy_(&(halves[0].silu() * &halves[1]));
        return;
    }
    let (scale, shift, input) = (affine.scales(y), affine.shifts(y), Rows::of(y));
    by_rows!([RowsMut::of(output)], |index, [output]| {
        let ((gates, ups), (scales, shifts)) = (halves(input.row(index)), (halves(&scale), halves(&shift)));
        let gates = gates.iter().zip(scales.0).zip(shifts.0);
        let ups = ups.iter().zip(scales.1).zip(shifts.1);
        for (output, (((gate, gate_scale), gate_shift), ((up, up_scale), up_shift))) in
            output.iter_mut().zip(gates.zip(ups))
        {
            let (gate, up) = (gate * gate_scale + gate_shift, up * up_scale + up_shift);
            *output = gate / (1.0 + exp(-gate)) * up;
        }
    });
}

/// The gradient with regard to `affine(y)`, of which `grad_output` is that with regard to [`swiglu`]'s output.
///
/// # Shapes
/// `y: [tokens, 2 × inner]`, `grad_output: [tokens, inner]` → `[tokens, 2 × inner]`
pub(crate) fn swiglu_backward(y: &Tensor, affine: Affine<'_>, grad_output: &Tensor) -> Tensor {
    if !is_fused(y) {
        let halves = affine.apply(y).chunk(2, 1);
        let (gate, up) = (&halves[0], &halves[1]);
        return Tensor::cat(&[gate.silu_backward(&(grad_output * up)), grad_output * gate.silu()], 1);
    }
    let (scale, shift, input, grads) = (affine.scales(y), affine.shifts(y), Rows::of(y), Rows::of(grad_output));
    let mut output = empty_rows(y.size()[0], y.size()[1], y);
    by_rows!([RowsMut::of(&mut output)], |index, [output]| {
        let ((gates, ups), (scales, shifts)) = (halves(input.row(index)), (halves(&scale), halves(&shift)));
        let half = output.len() / 2;
        let (gate_grads, up_grads) = output.split_at_mut(half);
        let gates = gates.iter().zip(scales.0).zip(shifts.0);
        let ups = ups.iter().zip(scales.1).zip(shifts.1);
        let outputs = gate_grads.iter_mut().zip(up_grads).zip(grads.row(index));
        for (((gate_grad, up_grad), grad), (((gate, gate_scale), gate_shift), ((up, up_scale), up_shift))) in
            outputs.zip(gates.zip(ups))
        {
            let (gate, up) = (gate * gate_scale + gate_shift, up * up_scale + up_shift);
            let sigmoid = 1.0 / (1.0 + exp(-gate));
            *gate_grad = grad * up * sigmoid * (1.0 + gate * (1.0 - sigmoid));
            *up_grad = grad * gate * sigmoid;
        }
    });
    output
}

#[inline]
fn halves(values: &[f32]) -> (&[f32], &[f32]) {
    values.split_at(values.len() / 2)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{difference, random};
    use super::*;
    use tch::Kind;

    #[test]
    fn loops_operators_and_autograd_agree() {
        let (y, grad) = (random(1, [300, 140]) * 4.0, random(2, [300, 70]));
        let (scale, shift) = (random(3, [1, 140]).squeeze(), random(4, [1, 140]).squeeze());
        let affine = Affine { scale: Some(&scale), shift: Some(&shift) };
        let mut wide = Tensor::zeros([300, 80], (Kind::Float, y.device())).narrow(1, 0, 70);
        swiglu(&y, affine, &mut wide);
        let leaf = affine.apply(&y).set_requires_grad(true);
        let halves = leaf.chunk(2, 1);
        let output = halves[0].silu() * &halves[1];
        assert!(difference(&wide, &output) < 1e-6);
        (output * &grad).sum(Kind::Float).backward();
        assert!(difference(&swiglu_backward(&y, affine, &grad), &leaf.grad()) < 1e-6);
        let double = shift.to_kind(Kind::Double);
        let affine = Affine { scale: Some(&scale), shift: Some(&double) };
        let composed = swiglu_backward(&y.to_kind(Kind::Double), affine, &grad.to_kind(Kind::Double));
        assert!(difference(&composed, &leaf.grad()) < 1e-6);
    }
}
