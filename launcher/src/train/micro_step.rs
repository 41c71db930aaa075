//! Forward and backward over one micro-batch.

use tch::{Kind, Reduction, Tensor};

use crate::adapter::Dropout;
use crate::chat::TokenizedRow;
use crate::model::{CausalLm, PackedBatch};

/// Logits that are in memory at once, so that a long batch over a large vocabulary fits.
const CHUNK_LOGITS: usize = 1 << 24;

/// How the loss of a micro-batch becomes gradients.
#[derive(Debug, Clone, Copy)]
pub struct Backward<'a> {
    /// The model whose adapter is trained.
    pub model: &'a CausalLm,
    /// Targets of the whole step, over all ranks and micro-steps: what the summed loss is divided by.
    pub num_targets: usize,
    /// Whether each block's activations are computed again instead of kept.
    pub checkpointing: bool,
}

impl Backward<'_> {
    /// Adds the gradients of `rows` to the adapter's, and returns the sum of their targets' losses.
    #[must_use]
    pub fn run(&self, rows: &[&TokenizedRow], dropout: Option<&Dropout<'_>>) -> f64 {
        if rows.is_empty() {
            return 0.0;
        }
        let sequences: Vec<&[i64]> = rows.iter().map(|row| row.input_ids.as_slice()).collect();
        let batch = PackedBatch::new(&sequences, self.model.device());
        if self.checkpointing {
            self.recomputing(&batch, rows, dropout)
        } else {
            let hidden = self.model.hidden(&batch, None, dropout);
            let (loss, gradient) = self.loss(&hidden, rows);
            backward(&hidden, &gradient);
            loss
        }
    }

    /// Keeps the input of each block only, and runs the block again when its gradient is due.
    fn recomputing(&self, batch: &PackedBatch, rows: &[&TokenizedRow], dropout: Option<&Dropout<'_>>) -> f64 {
        let context = self.model.context(batch, dropout);
        let mut inputs = vec![self.model.embed(batch)];
        tch::no_grad(|| {
            for layer in 0..self.model.num_layers() {
                inputs.push(self.model.block(layer, &inputs[layer], &context));
            }
        });
        let (mut loss, mut gradient) = (0.0, Tensor::new());
        for (layer, input) in inputs.into_iter().enumerate().rev() {
            // Nothing below the first block is trained.
            let input = input.detach().set_requires_grad(0 < layer);
            if layer == self.model.num_layers() {
                let hidden = self.model.last_norm(&input);
                let (sum, last) = self.loss(&hidden, rows);
                loss = sum;
                backward(&hidden, &last);
            } else {
                backward(&self.model.block(layer, &input, &context), &gradient);
            }
            gradient = input.grad();
        }
        loss
    }

    /// The summed loss of all targets, and the gradient of the normalised loss with regard to `hidden`.
    fn loss(&self, hidden: &Tensor, rows: &[&TokenizedRow]) -> (f64, Tensor) {
        let hidden = hidden.detach().set_requires_grad(true);
        let mut sum = 0.0;
        for chunk in chunks(self.model, rows) {
            let loss = chunk_loss(self.model, &hidden, &chunk);
            sum += loss.double_value(&[]);
            #[expect(clippy::cast_precision_loss, reason = "a number of tokens is exact in f64")]
            (loss / self.num_targets as f64).backward();
        }
        (sum, hidden.grad())
    }
}

/// The sum of the losses of the targets of `rows`, of which no gradient is wanted.
#[must_use]
pub(super) fn summed_loss(model: &CausalLm, rows: &[&TokenizedRow]) -> f64 {
    let _no_grad = tch::no_grad_guard();
    let sequences: Vec<&[i64]> = rows.iter().map(|row| row.input_ids.as_slice()).collect();
    let hidden = model.hidden(&PackedBatch::new(&sequences, model.device()), None, None);
    chunks(model, rows).iter().map(|chunk| chunk_loss(model, &hidden, chunk).double_value(&[])).sum()
}

/// Places whose hidden states predict a target, and the targets.
type Chunk = (Tensor, Tensor);

/// The targets of `rows` in chunks whose logits fit into memory.
fn chunks(model: &CausalLm, rows: &[&TokenizedRow]) -> Vec<Chunk> {
    let (sources, targets) = predictions(rows);
    let vocabulary = usize::try_from(model.output_weight().size()[0]).unwrap_or(usize::MAX);
    let length = (CHUNK_LOGITS / vocabulary).max(1);
    let tensor = |values: &[i64]| Tensor::from_slice(values).to_device(model.device());
    let chunks = sources.chunks(length).zip(targets.chunks(length));
    chunks.map(|(sources, targets)| (tensor(sources), tensor(targets))).collect()
}

/// The summed loss of a chunk.
fn chunk_loss(model: &CausalLm, hidden: &Tensor, (sources, targets): &Chunk) -> Tensor {
    let logits = model.logits(&hidden.index_select(0, sources)).to_kind(Kind::Float);
    logits.cross_entropy_loss::<Tensor>(targets, None, Reduction::Sum, -100, 0.0)
}

/// For each target: the place whose hidden state predicts it, and its id.
fn predictions(rows: &[&TokenizedRow]) -> (Vec<i64>, Vec<i64>) {
    let (mut sources, mut targets, mut start) = (Vec::new(), Vec::new(), 0);
    for row in rows {
        let predicted = row.loss_mask.iter().zip(&row.input_ids).zip(start..).skip(1);
        for ((_, id), place) in predicted.filter(|((is_target, _), _)| **is_target) {
            sources.push(place - 1);
            targets.push(*id);
        }
        start += i64::try_from(row.input_ids.len()).expect("a row is shorter than 2⁶³");
    }
    (sources, targets)
}

/// Sends `gradient`, the gradient of a loss with regard to `output`, back through what made `output`.
fn backward(output: &Tensor, gradient: &Tensor) {
    (output * gradient).sum(Kind::Float).backward();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_predicted_from_the_token_before_it_in_its_own_row() {
        let row = |ids: &[i64], mask: &[bool]| TokenizedRow { input_ids: ids.to_vec(), loss_mask: mask.to_vec() };
        let (first, second) = (row(&[7, 8, 9], &[false, true, true]), row(&[5, 6, 4], &[false, false, true]));
        assert_eq!(predictions(&[&first, &second]), (vec![0, 1, 4], vec![8, 9, 4]));
    }
}
