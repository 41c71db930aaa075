//! Causal self-attention with grouped query heads.

use tch::Tensor;

use super::kv_cache::KvCache;
use super::linear::Linear;
use super::rms_norm::RmsNorm;
use super::rope::Rotation;
use crate::adapter::Dropout;

/// Attention of one block.
#[derive(Debug)]
pub(super) struct Attention {
    pub(super) q_proj: Linear,
    pub(super) k_proj: Linear,
    pub(super) v_proj: Linear,
    pub(super) o_proj: Linear,
    /// Norms of queries and keys, over each head's features (Qwen3).
    pub(super) q_norm: Option<RmsNorm>,
    pub(super) k_norm: Option<RmsNorm>,
    pub(super) num_heads: i64,
    pub(super) num_kv_heads: i64,
    pub(super) head_dim: i64,
}

/// What the blocks of one forward pass share.
pub(super) struct Pass<'a> {
    pub(super) lengths: &'a [i64],
    pub(super) rotation: &'a Rotation,
    pub(super) dropout: Option<&'a Dropout<'a>>,
}

impl Attention {
    /// # Shapes
    /// `x: [tokens, hidden]` → the same
    pub(super) fn forward(&self, x: &Tensor, pass: &Pass<'_>, mut cache: Option<(usize, &mut KvCache)>) -> Tensor {
        let q = self.heads(&self.q_proj, x, self.num_heads, pass);
        let k = self.heads(&self.k_proj, x, self.num_kv_heads, pass);
        let v = self.heads(&self.v_proj, x, self.num_kv_heads, pass);
        let q = pass.rotation.apply(&self.q_norm.as_ref().map_or(q.shallow_clone(), |norm| norm.forward(&q)));
        let k = pass.rotation.apply(&self.k_norm.as_ref().map_or(k.shallow_clone(), |norm| norm.forward(&k)));
        let mut start = 0;
        let mut outputs = Vec::with_capacity(pass.lengths.len());
        for (sequence, &length) in pass.lengths.iter().enumerate() {
            let part = |tensor: &Tensor| tensor.narrow(0, start, length).transpose(0, 1);
            let (mut keys, mut values) = (part(&k), part(&v));
            if let Some((layer, cache)) = &mut cache {
                (keys, values) = cache.extend((*layer, sequence), &keys, &values);
            }
            let output = attend(&part(&q), &keys, &values);
            outputs.push(output.transpose(0, 1).reshape([length, self.num_heads * self.head_dim]));
            start += length;
        }
        self.o_proj.forward(&Tensor::cat(&outputs, 0), pass.dropout)
    }

    fn heads(&self, projection: &Linear, x: &Tensor, num_heads: i64, pass: &Pass<'_>) -> Tensor {
        projection.forward(x, pass.dropout).view([-1, num_heads, self.head_dim])
    }
}

/// Attention of a sequence's last tokens to all its tokens, each to itself and those before.
///
/// # Shapes
/// `q: [heads, new, head_dim]`, `k` and `v`: `[kv_heads, past + new, head_dim]` → `[heads, new, head_dim]`
fn attend(q: &Tensor, k: &Tensor, v: &Tensor) -> Tensor {
    let (new, total) = (q.size()[1], k.size()[1]);
    // libtorch aligns its causal mask with the first key, ours with the last: they agree where there is no past.
    let is_causal = new == total && 1 < new;
    let mask =
        (!is_causal && 1 < new).then(|| Tensor::ones([new, total], (tch::Kind::Bool, q.device())).tril(total - new));
    let batched = |tensor: &Tensor| tensor.unsqueeze(0);
    let grouped = q.size()[0] != k.size()[0];
    Tensor::scaled_dot_product_attention(&batched(q), &batched(k), &batched(v), mask, 0.0, is_causal, None, grouped)
        .squeeze_dim(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

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
