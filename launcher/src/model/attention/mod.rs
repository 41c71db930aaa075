//! Causal self-attention with grouped query heads, forward and backward.

mod composed;

use tch::Tensor;

use super::kv_cache::KvCache;
use super::projection::{Product, Projection};
use super::rope::Rotation;
use crate::adapter::{InputDropout, LayerGradient};
use crate::kernels::{
    HeadLayout, RmsNorm, causal_attention, causal_attention_backward, is_fused, rotate, rotate_backward,
};

/// Attention of one block.
#[derive(Debug)]
pub(super) struct Attention {
    /// Queries, keys and values.
    pub(super) qkv: Projection,
    pub(super) o_proj: Projection,
    /// Norms of queries and keys, over each head's features (Qwen3).
    pub(super) norms: Option<[RmsNorm; 2]>,
    pub(super) num_heads: i64,
    pub(super) num_kv_heads: i64,
    pub(super) head_dim: i64,
}

/// What the blocks of one forward pass share.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) lengths: &'a [i64],
    pub(super) rotation: &'a Rotation,
}

/// What attention leaves for its backward pass.
#[derive(Debug)]
pub(super) struct KeptAttention {
    qkv: Product,
    /// What `o_proj` reads, `[tokens, num_heads × head_dim]`.
    attended: Tensor,
    /// Log-sum-exp of each query's scores, `[tokens, num_heads]`, where our own loops have computed it.
    log_sums: Option<Tensor>,
    pub(super) output: Product,
}

/// Dropout of the inputs of the query, key and value layers, and of `o_proj`.
pub(super) type AttentionDropout<'a> = [Option<&'a InputDropout>; 2];

impl Attention {
    /// The product of `o_proj`, of an input that [`Projection::empty_input`] of `qkv` has made.
    pub(super) fn forward(
        &self,
        input: &Tensor,
        pass: Pass<'_>,
        dropout: AttentionDropout<'_>,
        cache: Option<(usize, &mut KvCache)>,
    ) -> KeptAttention {
        let qkv = self.qkv.forward(input, dropout[0]);
        let (y, affine) = self.qkv.output(&qkv);
        let heads = self.heads(pass.rotation);
        let packed = rotate(&y, affine, &heads);
        let wide = self.o_proj.empty_input(input.size()[0]);
        let mut attended = self.o_proj.features(&wide);
        let mut log_sums = None;
        match cache {
            Some((layer, cache)) => with_cache(&packed, &heads, (pass.lengths, &mut attended), (layer, cache)),
            None if is_fused(&packed) => {
                log_sums = Some(causal_attention(&packed, &heads, pass.lengths, &attended));
            }
            None => composed::forward(&packed, &heads, pass.lengths, &mut attended),
        }
        let output = self.o_proj.forward(&wide, dropout[1]);
        KeptAttention { qkv, attended, log_sums, output }
    }

    /// The gradient with regard to the input's features, of which `grad` is that with regard to the output of `o_proj`.
    ///
    /// # Shapes
    /// `features`, `grad`: `[tokens, hidden]` → `[tokens, hidden]`, or `None` where it is not wanted
    pub(super) fn backward(
        &self,
        (kept, features, grad): (&KeptAttention, &Tensor, Tensor),
        pass: Pass<'_>,
        dropout: AttentionDropout<'_>,
        (gradients, wants_input): (&mut [Option<LayerGradient>], bool),
    ) -> Option<Tensor> {
        let (of_qkv, of_output) = gradients.split_at_mut(3);
        let grad = self.o_proj.backward(grad, (&kept.output, &kept.attended, dropout[1]), of_output, true)?;
        let (y, affine) = self.qkv.output(&kept.qkv);
        let heads = self.heads(pass.rotation);
        let packed = rotate(&y, affine, &heads);
        let mut grad = match &kept.log_sums {
            Some(log_sums) => {
                causal_attention_backward(&packed, &heads, pass.lengths, (&kept.attended, log_sums, &grad))
            }
            None => composed::backward(&packed, &heads, pass.lengths, &grad),
        };
        rotate_backward(&mut grad, &y, affine, &heads);
        self.qkv.backward(grad, (&kept.qkv, features, dropout[0]), of_qkv, wants_input)
    }

    fn heads<'a>(&'a self, rotation: &'a Rotation) -> HeadLayout<'a> {
        HeadLayout {
            num_heads: self.num_heads,
            num_kv_heads: self.num_kv_heads,
            head_dim: self.head_dim,
            norms: self.norms.as_ref().map(|[q, k]| [q, k]),
            cos: &rotation.cos,
            sin: &rotation.sin,
        }
    }
}

/// Attention of new tokens to those of a cache and to themselves.
fn with_cache(
    packed: &Tensor,
    heads: &HeadLayout<'_>,
    (lengths, attended): (&[i64], &mut Tensor),
    (layer, cache): (usize, &mut KvCache),
) {
    let [q, k, v] = heads.split(packed);
    for (sequence, (start, length)) in sequences(lengths).enumerate() {
        let part = |tensor: &Tensor| tensor.narrow(0, start, length).transpose(0, 1);
        let (keys, values) = cache.extend((layer, sequence), &part(&k), &part(&v));
        let output = composed::attend(&part(&q), &keys, &values);
        attended.narrow(0, start, length).copy_(&output.transpose(0, 1).reshape([length, -1]));
    }
}

/// First token and number of tokens of each sequence.
fn sequences(lengths: &[i64]) -> impl Iterator<Item = (i64, i64)> {
    lengths.iter().scan(0, |start, &length| {
        let place = (*start, length);
        *start += length;
        Some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    #[test]
    fn both_ways_agree_forward_and_backward() {
        tch::manual_seed(3);
        let (lengths, num_tokens) = ([5, 1, 40, 300], 346);
        let options = (Kind::Float, tch::Device::Cpu);
        let (cos, sin) = (Tensor::ones([num_tokens, 4], options), Tensor::zeros([num_tokens, 4], options));
        let heads = HeadLayout { num_heads: 6, num_kv_heads: 2, head_dim: 8, norms: None, cos: &cos, sin: &sin };
        let (packed, grad) = (Tensor::randn([num_tokens, 80], options), Tensor::randn([num_tokens, 48], options));
        let (fused, mut composed) =
            (Tensor::zeros([num_tokens, 48], options), Tensor::zeros([num_tokens, 48], options));
        let log_sums = causal_attention(&packed, &heads, &lengths, &fused);
        composed::forward(&packed, &heads, &lengths, &mut composed);
        let close = |left: &Tensor, right: &Tensor| {
            let difference = (left - right).abs().max().double_value(&[]);
            assert!(difference < 1e-5, "{difference}");
        };
        close(&fused, &composed);
        let fused = causal_attention_backward(&packed, &heads, &lengths, (&fused, &log_sums, &grad));
        close(&fused, &composed::backward(&packed, &heads, &lengths, &grad));
    }
}
