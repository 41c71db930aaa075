//! One block: attention, then a gated feed-forward layer, each added to the residual stream.

use tch::Tensor;

use super::attention::{Attention, Pass};
use super::kv_cache::KvCache;
use super::linear::Linear;
use super::rms_norm::RmsNorm;

/// One block of a causal model.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) input_norm: RmsNorm,
    pub(super) attention: Attention,
    pub(super) post_attention_norm: RmsNorm,
    pub(super) gate_proj: Linear,
    pub(super) up_proj: Linear,
    pub(super) down_proj: Linear,
}

impl Block {
    /// # Shapes
    /// `x: [tokens, hidden]` → the same
    pub(super) fn forward(&self, x: &Tensor, pass: &Pass<'_>, cache: Option<(usize, &mut KvCache)>) -> Tensor {
        let x = x + self.attention.forward(&self.input_norm.forward(x), pass, cache);
        let normed = self.post_attention_norm.forward(&x);
        let gate = self.gate_proj.forward(&normed, pass.dropout).silu();
        let up = self.up_proj.forward(&normed, pass.dropout);
        x + self.down_proj.forward(&(gate * up), pass.dropout)
    }

    /// The seven projections in the order of the forward pass, each with its name inside the block.
    pub(super) fn linears(&self) -> [(&'static str, &Linear); 7] {
        let attention = &self.attention;
        [
            ("self_attn.q_proj", &attention.q_proj),
            ("self_attn.k_proj", &attention.k_proj),
            ("self_attn.v_proj", &attention.v_proj),
            ("self_attn.o_proj", &attention.o_proj),
            ("mlp.gate_proj", &self.gate_proj),
            ("mlp.up_proj", &self.up_proj),
            ("mlp.down_proj", &self.down_proj),
        ]
    }

    /// [`Block::linears`], to be changed.
    pub(super) fn linears_mut(&mut self) -> [(&'static str, &mut Linear); 7] {
        let attention = &mut self.attention;
        [
            ("self_attn.q_proj", &mut attention.q_proj),
            ("self_attn.k_proj", &mut attention.k_proj),
            ("self_attn.v_proj", &mut attention.v_proj),
            ("self_attn.o_proj", &mut attention.o_proj),
            ("mlp.gate_proj", &mut self.gate_proj),
            ("mlp.up_proj", &mut self.up_proj),
            ("mlp.down_proj", &mut self.down_proj),
        ]
    }
}
