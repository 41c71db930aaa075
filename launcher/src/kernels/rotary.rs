//! From the product with the query, key and value weights to what attention reads: norms of the heads where a model has them, and
//! the rotary position embedding.

use tch::Tensor;

use super::rms_norm::{inverse_rms, rms_norm_backward, row_backward};
use super::rows::{Rows, RowsMut, by_rows};
use super::{Affine, RmsNorm, affine::row_vector, empty_rows, is_fused};

/// The heads of a block's queries, keys and values, which lie side by side in that order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadLayout<'a> {
    pub(crate) num_heads: i64,
    pub(crate) num_kv_heads: i64,
    pub(crate) head_dim: i64,
    /// Norms of queries and keys, over each head's features (Qwen3).
    pub(crate) norms: Option<[&'a RmsNorm; 2]>,
    /// Cosines of the tokens' angles, `[tokens, head_dim / 2]`.
    pub(crate) cos: &'a Tensor,
    /// Their sines.
    pub(crate) sin: &'a Tensor,
}

impl HeadLayout<'_> {
    /// Queries, keys and values as they lie in `packed`.
    ///
    /// # Shapes
    /// `packed: [tokens, (num_heads + 2 × num_kv_heads) × head_dim]` → `[tokens, heads, head_dim]` each
    pub(crate) fn split(&self, packed: &Tensor) -> [Tensor; 3] {
        let (q, kv, d) = (self.num_heads, self.num_kv_heads, self.head_dim);
        let heads = packed.view([packed.size()[0], q + 2 * kv, d]);
        [heads.narrow(1, 0, q), heads.narrow(1, q, kv), heads.narrow(1, q + kv, kv)]
    }
}

/// Queries and keys of `affine(y)`, normed and turned by their tokens' angles, and its values as they are.
///
/// Each pair `(i, i + head_dim / 2)` of a head's features is turned.
///
/// # Shapes
/// `y: [tokens, (num_heads + 2 × num_kv_heads) × head_dim]` → the same
/// # Source
/// Su et al., 2021, *`RoFormer`*, §3.2, <https://arxiv.org/abs/2104.09864>
pub(crate) fn rotate(y: &Tensor, affine: Affine<'_>, heads: &HeadLayout<'_>) -> Tensor {
    if is_fused(y) {
        return rotate_by_loops(y, affine, heads);
    }
    let packed = affine.apply(y);
    let [q, k, v] = heads.split(&packed);
    let normed =
        |x: Tensor, index: usize| heads.norms.map_or_else(|| x.shallow_clone(), |norms| norms[index].forward(&x));
    let turned = [turn(&normed(q, 0), heads, 1.0), turn(&normed(k, 1), heads, 1.0), v];
    Tensor::cat(&turned, 1).view_as(y)
}

/// Turns `grad`, the gradient with regard to [`rotate`]'s output, into that with regard to `affine(y)`.
///
/// # Shapes
/// All `[tokens, (num_heads + 2 × num_kv_heads) × head_dim]`
pub(crate) fn rotate_backward(grad: &mut Tensor, y: &Tensor, affine: Affine<'_>, heads: &HeadLayout<'_>) {
    if is_fused(y) {
        rotate_backward_by_loops(grad, y, affine, heads);
        return;
    }
    let packed = affine.apply(y);
    let [q, k, _] = heads.split(&packed);
    let [q_grad, k_grad, _] = heads.split(grad);
    for (index, (x, mut grad)) in [(q, q_grad), (k, k_grad)].into_iter().enumerate() {
        let turned = turn(&grad, heads, -1.0);
        let turned =
            heads.norms.map_or_else(|| turned.shallow_clone(), |norms| rms_norm_backward(norms[index], &x, &turned));
        grad.copy_(&turned);
    }
}

/// Each head turned by its token's angle, or back where `direction` is −1.
///
/// # Shapes
/// `x: [tokens, heads, head_dim]` → the same
fn turn(x: &Tensor, heads: &HeadLayout<'_>, direction: f64) -> Tensor {
    let (cos, sin) = (heads.cos.unsqueeze(1).to_kind(x.kind()), heads.sin.unsqueeze(1).to_kind(x.kind()) * direction);
    let halves = x.chunk(2, -1);
    Tensor::cat(&[&halves[0] * &cos - &halves[1] * &sin, &halves[1] * &cos + &halves[0] * &sin], -1)
}

/// What the loops need of each head: its norm's weight and eps, where it is turned.
struct HeadLoop {
    head_dim: usize,
    num_turned: usize,
    num_queries: usize,
    norms: Option<[(Vec<f32>, f32); 2]>,
}

impl HeadLoop {
    fn of(heads: &HeadLayout<'_>) -> Self {
        let whole = |number: i64| usize::try_from(number).expect("a number of heads is not negative");
        Self {
            head_dim: whole(heads.head_dim),
            num_turned: whole(heads.num_heads + heads.num_kv_heads),
            num_queries: whole(heads.num_heads),
            norms: heads.norms.map(|norms| norms.map(|norm| (row_vector(&norm.weight), norm.eps_f32()))),
        }
    }

    #[inline]
    fn norm(&self, head: usize) -> Option<&(Vec<f32>, f32)> {
        self.norms.as_ref().map(|norms| &norms[usize::from(self.num_queries <= head)])
    }
}

fn rotate_by_loops(y: &Tensor, affine: Affine<'_>, heads: &HeadLayout<'_>) -> Tensor {
    let (scale, shift, input, head_loop) = (affine.scales(y), affine.shifts(y), Rows::of(y), HeadLoop::of(heads));
    let (cos, sin) = (Rows::of(heads.cos), Rows::of(heads.sin));
    let mut output = empty_rows(y.size()[0], y.size()[1], y);
    by_rows!([RowsMut::of(&mut output)], |index, [output]| {
        let values = input.row(index).iter().zip(&scale).zip(&shift);
        output.iter_mut().zip(values).for_each(|(output, ((y, scale), shift))| *output = y * scale + shift);
        for (head, x) in output.chunks_exact_mut(head_loop.head_dim).take(head_loop.num_turned).enumerate() {
            if let Some((weight, eps)) = head_loop.norm(head) {
                let inverse = inverse_rms(x, *eps);
                x.iter_mut().zip(weight).for_each(|(x, weight)| *x = *x * inverse * weight);
            }
            turn_row(x, cos.row(index), sin.row(index), 1.0);
        }
    });
    output
}

fn rotate_backward_by_loops(grad: &mut Tensor, y: &Tensor, affine: Affine<'_>, heads: &HeadLayout<'_>) {
    let (scale, shift, input, head_loop) = (affine.scales(y), affine.shifts(y), Rows::of(y), HeadLoop::of(heads));
    let (cos, sin) = (Rows::of(heads.cos), Rows::of(heads.sin));
    by_rows!([RowsMut::of(grad)], |index, [grad]| {
        let mut x = vec![0.0_f32; if head_loop.norms.is_some() { head_loop.head_dim } else { 0 }];
        for (head, grad) in grad.chunks_exact_mut(head_loop.head_dim).take(head_loop.num_turned).enumerate() {
            turn_row(grad, cos.row(index), sin.row(index), -1.0);
            let Some((weight, eps)) = head_loop.norm(head) else { continue };
            let place = head * head_loop.head_dim..(head + 1) * head_loop.head_dim;
            let values = input.row(index)[place.clone()].iter().zip(&scale[place.clone()]).zip(&shift[place]);
            x.iter_mut().zip(values).for_each(|(x, ((y, scale), shift))| *x = y * scale + shift);
            let (inverse, share) = row_backward(&x, grad, weight, *eps);
            grad.iter_mut()
                .zip(x.iter().zip(weight))
                .for_each(|(grad, (x, weight))| *grad = inverse * (*grad * weight) - x * share);
        }
    });
}

#[inline]
fn turn_row(x: &mut [f32], cos: &[f32], sin: &[f32], direction: f32) {
    let (first, second) = x.split_at_mut(cos.len());
    for ((first, second), (cos, sin)) in first.iter_mut().zip(second).zip(cos.iter().zip(sin)) {
        let (a, b) = (*first, *second);
        *first = a * cos - b * sin * direction;
        *second = b * cos + a * sin * direction;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{difference, random};
    use super::*;
    use tch::Kind;

    #[test]
    fn loops_operators_and_autograd_agree() {
        let (num_tokens, head_dim) = (90, 16);
        let width = (4 + 2 * 2) * head_dim;
        let angles = random(1, [num_tokens, head_dim / 2]);
        let (cos, sin) = (angles.cos(), angles.sin());
        let norms = [2, 3].map(|seed| RmsNorm { weight: random(seed, [1, head_dim]).squeeze(), eps: 1e-6 });
        let (y, grad) = (random(4, [num_tokens, width]), random(5, [num_tokens, width]));
        let (scale, shift) = (random(6, [1, width]).squeeze(), random(7, [1, width]).squeeze());
        for norms in [None, Some([&norms[0], &norms[1]])] {
            let heads = HeadLayout { num_heads: 4, num_kv_heads: 2, head_dim, norms, cos: &cos, sin: &sin };
            let affine = Affine { scale: Some(&scale), shift: Some(&shift) };
            let leaf = affine.apply(&y).set_requires_grad(true);
            let [q, k, v] = heads.split(&leaf);
            let normed =
                |x: &Tensor, index: usize| norms.map_or_else(|| x.shallow_clone(), |norms| norms[index].forward(x));
            let parts = [turn(&normed(&q, 0), &heads, 1.0), turn(&normed(&k, 1), &heads, 1.0), v];
            let expected = Tensor::cat(&parts, 1).view_as(&y);
            assert!(difference(&rotate(&y, affine, &heads), &expected) < 1e-6);
            (expected * &grad).sum(Kind::Float).backward();
            let mut fused = grad.copy();
            rotate_backward(&mut fused, &y, affine, &heads);
            assert!(difference(&fused, &leaf.grad()) < 1e-6);
            let double = shift.to_kind(Kind::Double);
            let mut composed = grad.to_kind(Kind::Double);
            rotate_backward(
                &mut composed,
                &y.to_kind(Kind::Double),
                Affine { scale: Some(&scale), shift: Some(&double) },
                &heads,
            );
            assert!(difference(&composed, &leaf.grad()) < 1e-6);
        }
    }
}
