//! Forward and backward over one micro-batch.

use tch::Tensor;

use crate::adapter::{AdapterGradient, Dropout};
use crate::chat::TokenizedRow;
use crate::kernels::{cross_entropy, cross_entropy_backward, product};
use crate::model::{CHUNK_LOGITS, CausalLm, KeptActivations, PackedBatch};

/// How the loss of a micro-batch becomes gradients.
#[derive(Debug, Clone, Copy)]
pub struct Backward<'a> {
    /// The model whose adapter is trained.
    pub model: &'a CausalLm,
    /// Targets of the whole step, over all ranks and micro-steps: what the summed loss is divided by.
    pub num_targets: usize,
    /// What is kept from the forward to the backward pass.
    pub kept: KeptActivations,
}

impl Backward<'_> {
    /// Adds the gradients of `rows` to `gradient`, and returns the sum of their targets' losses.
    #[must_use]
    pub fn run(&self, rows: &[&TokenizedRow], dropout: Option<&Dropout<'_>>, gradient: &mut AdapterGradient) -> f64 {
        if rows.is_empty() {
            return 0.0;
        }
        let batch = packed(self.model, rows);
        self.model.backward((&batch, dropout), self.kept, |hidden| self.loss(hidden, rows), gradient)
    }

    /// The summed loss of all targets, and the gradient of the normalised loss with regard to `hidden`.
    fn loss(&self, hidden: &Tensor, rows: &[&TokenizedRow]) -> (f64, Tensor) {
        let mut sum = 0.0;
        let mut of_hidden = hidden.zeros_like();
        #[expect(clippy::cast_precision_loss, reason = "a number of tokens is exact in f64")]
        let scale = 1.0 / self.num_targets as f64;
        for (sources, targets) in chunks(self.model, rows) {
            let mut logits = self.model.logits(&hidden.index_select(0, &sources));
            sum += cross_entropy_backward(&mut logits, &targets, scale);
            let _ = of_hidden.index_copy_(0, &sources, &product(&logits, self.model.output_weight()));
        }
        (sum, of_hidden)
    }
}

/// The sum of the losses of the targets of `rows`, of which no gradient is wanted.
#[must_use]
pub(super) fn summed_loss(model: &CausalLm, rows: &[&TokenizedRow]) -> f64 {
    let _no_grad = tch::no_grad_guard();
    let hidden = model.hidden(&packed(model, rows), None);
    let loss = |(sources, targets): (Tensor, Vec<i64>)| {
        cross_entropy(&mut model.logits(&hidden.index_select(0, &sources)), &targets)
    };
    chunks(model, rows).into_iter().map(loss).sum()
}

fn packed(model: &CausalLm, rows: &[&TokenizedRow]) -> PackedBatch {
    let sequences: Vec<&[i64]> = rows.iter().map(|row| row.input_ids.as_slice()).collect();
    PackedBatch::new(&sequences, model.device())
}

/// The targets of `rows` in chunks whose logits fit into memory: the places whose hidden states predict them, and the targets.
fn chunks(model: &CausalLm, rows: &[&TokenizedRow]) -> Vec<(Tensor, Vec<i64>)> {
    let (sources, targets) = predictions(rows);
    let vocabulary = usize::try_from(model.output_weight().size()[0]).unwrap_or(usize::MAX);
    let length = (usize::try_from(CHUNK_LOGITS).unwrap_or(usize::MAX) / vocabulary).max(1);
    let chunks = sources.chunks(length).zip(targets.chunks(length));
    let place = |sources: &[i64]| Tensor::from_slice(sources).to_device(model.device());
    chunks.map(|(sources, targets)| (place(sources), targets.to_vec())).collect()
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
