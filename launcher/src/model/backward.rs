//! Forward and backward over a whole model, with the memory that there is.

use tch::Tensor;

use super::batch::PackedBatch;
use super::block::{BlockDropout, Kept, LINEARS_A_BLOCK};
use super::causal_lm::CausalLm;
use crate::adapter::{AdapterGradient, Dropout};
use crate::kernels::add_rms_norm_backward;

/// How many blocks keep what their backward pass needs; the others keep their input alone and are run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptActivations {
    /// All of them.
    All,
    /// The last so many.
    Last(usize),
}

impl KeptActivations {
    /// The first of `num_layers` blocks that keeps what it needs.
    fn first_layer(self, num_layers: usize) -> usize {
        match self {
            Self::All => 0,
            Self::Last(number) => num_layers.saturating_sub(number),
        }
    }
}

impl CausalLm {
    /// Adds the gradients of a loss to `gradient`, and returns what `loss` does.
    ///
    /// `loss` gets the hidden states after the last norm, `[tokens, hidden]`, and returns its value and its gradient with regard to them.
    /// What is kept of the blocks changes no bit of the result. `dropout` acts on the adapters alone.
    pub fn backward<L>(
        &self,
        (batch, dropout): (&PackedBatch, Option<&Dropout<'_>>),
        kept: KeptActivations,
        loss: impl FnOnce(&Tensor) -> (L, Tensor),
        gradient: &mut AdapterGradient,
    ) -> L {
        let _no_grad = tch::no_grad_guard();
        let rotation = self.rotation(batch);
        let pass = CausalLm::pass(batch, &rotation);
        let first_kept = kept.first_layer(self.num_layers());
        let mut traces: Vec<(Tensor, Option<Kept>)> = Vec::with_capacity(self.num_layers());
        let mut x = self.embed(batch);
        for (layer, block) in self.blocks().iter().enumerate() {
            let (output, kept) = block.forward(&x, pass, &BlockDropout::new(layer, dropout), None);
            traces.push((std::mem::replace(&mut x, output), (first_kept <= layer).then_some(kept)));
        }
        let (value, of_hidden) = loss(&self.last_norm(&x));
        let mut grad = x.zeros_like();
        add_rms_norm_backward(&mut grad, self.norm(), &x, &of_hidden);
        drop((x, of_hidden));
        for (layer, block) in self.blocks().iter().enumerate().rev() {
            let Some((input, kept)) = traces.pop() else { break };
            let block_dropout = BlockDropout::new(layer, dropout);
            let kept = kept.unwrap_or_else(|| block.forward(&input, pass, &block_dropout, None).1);
            let place = layer * LINEARS_A_BLOCK;
            let gradients = &mut gradient.layers_mut()[place..place + LINEARS_A_BLOCK];
            // Nothing below the first block is trained.
            block.backward(&mut grad, (&input, &kept, pass), &block_dropout, (gradients, 0 < layer));
        }
        value
    }
}
