//! Attention out of libtorch's general operator, which chooses a kernel for the device and kind at hand.

use tch::{Kind, Tensor};

use super::sequences;
use crate::kernels::HeadLayout;

/// Writes what each token attends to into `attended`.
///
/// # Shapes
/// `packed: [tokens, (num_heads + 2 × num_kv_heads) × head_dim]`, `attended: [tokens, num_heads × head_dim]`
pub(super) fn forward(packed: &Tensor, heads: &HeadLayout<'_>, lengths: &[i64], attended: &mut Tensor) {
    let [q, k, v] = heads.split(packed);
    for (start, length) in sequences(lengths) {
        let part = |tensor: &Tensor| tensor.narrow(0, start, length).transpose(0, 1);
        let output = attend(&part(&q), &part(&k), &part(&v));
        attended.narrow(0, start, length).copy_(&output.transpose(0, 1).reshape([length, -1]));
    }
}

/// The gradient with regard to `packed` of `grad`, that with regard to [`forward`]'s output. The operator is run again, with autograd.
///
/// # Shapes
/// `grad: [tokens, num_heads × head_dim]` → as `packed`
pub(super) fn backward(packed: &Tensor, heads: &HeadLayout<'_>, lengths: &[i64], grad: &Tensor) -> Tensor {
    let leaf = packed.detach().set_requires_grad(true);
    tch::with_grad(|| {
        let [q, k, v] = heads.split(&leaf);
        let outputs = sequences(lengths).map(|(start, length)| {
            let part = |tensor: &Tensor| tensor.narrow(0, start, length).transpose(0, 1);
            attend(&part(&q), &part(&k), &part(&v)).transpose(0, 1).reshape([length, -1])
        });
        (Tensor::cat(&outputs.collect::<Vec<_>>(), 0) * grad).sum(Kind::Float).backward();
    });
    leaf.grad()
}

/// Attention of a sequence's last tokens to all its tokens, each to itself and those before.
///
/// # Shapes
/// `q: [heads, new, head_dim]`, `k` and `v`: `[kv_heads, past + new, head_dim]` → `[heads, new, head_dim]`
pub(super) fn attend(q: &Tensor, k: &Tensor, v: &Tensor) -> Tensor {
    let (new, total) = (q.size()[1], k.size()[1]);
    // libtorch aligns its causal mask with the first key, ours with the last: they agree where there is no past.
    let is_causal = new == total && 1 < new;
    let mask = (!is_causal && 1 < new).then(|| Tensor::ones([new, total], (Kind::Bool, q.device())).tril(total - new));
    let batched = |tensor: &Tensor| tensor.unsqueeze(0);
    let grouped = q.size()[0] != k.size()[0];
    Tensor::scaled_dot_product_attention(&batched(q), &batched(k), &batched(v), mask, 0.0, is_causal, None, grouped)
        .squeeze_dim(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn a_sequence_read_in_two_pieces_gives_the_same_as_read_whole() {
        tch::manual_seed(3);
        let random = |heads: i64| Tensor::randn([heads, 5, 8], (Kind::Float, Device::Cpu));
        let (q, k, v) = (random(4), random(2), random(2));
        let whole = attend(&q, &k, &v);
        let last = attend(&q.narrow(1, 2, 3), &k, &v);
        assert!((whole.narrow(1, 2, 3) - last).abs().max().double_value(&[]) < 1e-6);
    }
}
