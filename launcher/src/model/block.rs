//! One block: attention, then a gated feed-forward layer, each added to the residual stream.

use tch::Tensor;

use super::attention::{Attention, KeptAttention, Pass};
use super::kv_cache::KvCache;
use super::linear::Linear;
use super::projection::{Product, Projection};
use crate::Result;
use crate::adapter::{Dropout, InputDropout, LayerGradient};
use crate::kernels::{RmsNorm, add_affine, add_rms_norm_backward, swiglu, swiglu_backward};

/// Linear layers of a block.
pub(super) const LINEARS_A_BLOCK: usize = 7;

/// One block of a causal model.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) input_norm: RmsNorm,
    pub(super) attention: Attention,
    pub(super) post_attention_norm: RmsNorm,
    /// The gate, and what it lets through.
    pub(super) gate_up: Projection,
    pub(super) down_proj: Projection,
}

/// What a block leaves for its backward pass.
#[derive(Debug)]
pub(super) struct Kept {
    attention: KeptAttention,
    /// The residual stream between the two layers, `[tokens, hidden]`.
    middle: Tensor,
    gate_up: Product,
    down: Product,
}

/// Dropout of the four inputs of a block's linear layers.
#[derive(Debug, Default)]
pub(super) struct BlockDropout {
    inputs: [Option<InputDropout>; 4],
}

impl BlockDropout {
    /// The dropout of the block at index `layer`; `None` is evaluation.
    pub(super) fn new(layer: usize, dropout: Option<&Dropout<'_>>) -> Self {
        // The first layers that read each input: q_proj, o_proj, gate_proj, down_proj.
        let of_input = |module: usize| dropout?.of_input((layer * LINEARS_A_BLOCK + module) as u64);
        Self { inputs: [0, 3, 4, 6].map(of_input) }
    }

    fn attention(&self) -> [Option<&InputDropout>; 2] {
        [self.inputs[0].as_ref(), self.inputs[1].as_ref()]
    }
}

impl Block {
    /// The residual stream after the block, and what its backward pass needs.
    ///
    /// # Shapes
    /// `x: [tokens, hidden]` → the same
    pub(super) fn forward(
        &self,
        x: &Tensor,
        pass: Pass<'_>,
        dropout: &BlockDropout,
        cache: Option<(usize, &mut KvCache)>,
    ) -> (Tensor, Kept) {
        let attention = {
            let input = normed(&self.attention.qkv, &self.input_norm, x);
            self.attention.forward(&input, pass, dropout.attention(), cache)
        };
        let (y, affine) = self.attention.o_proj.output(&attention.output);
        let middle = add_affine(x, &y, affine);
        let gate_up = {
            let input = normed(&self.gate_up, &self.post_attention_norm, &middle);
            self.gate_up.forward(&input, dropout.inputs[2].as_ref())
        };
        let down = {
            let input = self.gated(&gate_up);
            self.down_proj.forward(&input, dropout.inputs[3].as_ref())
        };
        let (y, affine) = self.down_proj.output(&down);
        let output = add_affine(&middle, &y, affine);
        (output, Kept { attention, middle, gate_up, down })
    }

    /// Turns `grad`, the gradient with regard to the block's output, into that with regard to its input `x`, and adds those of the
    /// adapters to `gradients`. Where `wants_input` is false, `grad` is left as it comes.
    ///
    /// # Shapes
    /// `grad`, `x`: `[tokens, hidden]`
    pub(super) fn backward(
        &self,
        grad: &mut Tensor,
        (x, kept, pass): (&Tensor, &Kept, Pass<'_>),
        dropout: &BlockDropout,
        (gradients, wants_input): (&mut [Option<LayerGradient>], bool),
    ) {
        let (of_attention, of_rest) = gradients.split_at_mut(4);
        let (of_gate_up, of_down) = of_rest.split_at_mut(2);
        let of_gated = {
            let features = self.down_proj.features(&self.gated(&kept.gate_up));
            let trace = (&kept.down, &features, dropout.inputs[3].as_ref());
            self.down_proj.backward(grad.copy(), trace, of_down, true)
        };
        let (y, affine) = self.gate_up.output(&kept.gate_up);
        let of_gate_up_output = of_gated.map(|of_gated| swiglu_backward(&y, affine, &of_gated));
        if let Some(of_output) = of_gate_up_output {
            let features = self.gate_up.features(&normed(&self.gate_up, &self.post_attention_norm, &kept.middle));
            let trace = (&kept.gate_up, &features, dropout.inputs[2].as_ref());
            if let Some(of_normed) = self.gate_up.backward(of_output, trace, of_gate_up, true) {
                add_rms_norm_backward(grad, &self.post_attention_norm, &kept.middle, &of_normed);
            }
        }
        let features = self.attention.qkv.features(&normed(&self.attention.qkv, &self.input_norm, x));
        let trace = (&kept.attention, &features, grad.copy());
        let of_normed = self.attention.backward(trace, pass, dropout.attention(), (of_attention, wants_input));
        if let Some(of_normed) = of_normed {
            add_rms_norm_backward(grad, &self.input_norm, x, &of_normed);
        }
    }

    /// The input of the last layer.
    fn gated(&self, gate_up: &Product) -> Tensor {
        let (y, affine) = self.gate_up.output(gate_up);
        let input = self.down_proj.empty_input(y.size()[0]);
        swiglu(&y, affine, &mut self.down_proj.features(&input));
        input
    }

    /// The seven layers in the order of the forward pass, each with its name inside the block.
    pub(super) fn linears(&self) -> impl Iterator<Item = (&'static str, &Linear)> {
        let projections = [&self.attention.qkv, &self.attention.o_proj, &self.gate_up, &self.down_proj];
        NAMES.into_iter().zip(projections.into_iter().flat_map(Projection::linears))
    }

    /// [`Block::linears`], to be changed; [`Block::refresh`] has to follow.
    pub(super) fn linears_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Linear)> {
        NAMES.into_iter().zip(self.projections_mut().into_iter().flat_map(Projection::linears_mut))
    }

    /// Takes in what the adapters of the layers are now.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch) if there is no memory for it.
    pub(super) fn refresh(&mut self) -> Result<()> {
        self.projections_mut().into_iter().try_for_each(Projection::refresh)
    }

    /// Lays the weights out for products of a few tokens.
    pub(super) fn lay_out_by_columns(&mut self) {
        self.projections_mut().into_iter().for_each(Projection::lay_out_by_columns);
    }

    fn projections_mut(&mut self) -> [&mut Projection; 4] {
        [&mut self.attention.qkv, &mut self.attention.o_proj, &mut self.gate_up, &mut self.down_proj]
    }
}

/// The input of `projection`: `x` after `norm`.
fn normed(projection: &Projection, norm: &RmsNorm, x: &Tensor) -> Tensor {
    let input = projection.empty_input(x.size()[0]);
    norm.forward_into(x, &mut projection.features(&input));
    input
}

const NAMES: [&str; LINEARS_A_BLOCK] = [
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
];
