//! Causal attention of packed sequences on the CPU, which never holds all scores of a sequence.
//!
//! Each sequence and key head is one task for one thread. Scores are computed for a block of queries at a time and only up to the last key
//! that the block may read; the backward pass computes them again from their log-sum-exp.

use tch::{Kind, Tensor};

use super::HeadLayout;
use super::exp::exp;
use super::rows::{Rows, RowsMut, dot, maximum, run_each, sum, with_wide_registers};
use crate::ffi::multiply;

/// Queries whose scores are in memory at once.
const BLOCK: i64 = 128;

/// Writes what each token attends to into `attended`, and returns the log-sum-exp of each query's scores, `[tokens, num_heads]`.
///
/// # Shapes
/// `packed: [tokens, (num_heads + 2 × num_kv_heads) × head_dim]`, `attended: [tokens, num_heads × head_dim]`
/// # Source
/// Dao, 2023, *FlashAttention-2*, §2.3 and §3.1, <https://arxiv.org/abs/2307.08691>
pub(crate) fn causal_attention(packed: &Tensor, heads: &HeadLayout<'_>, lengths: &[i64], attended: &Tensor) -> Tensor {
    let log_sums = Tensor::empty([packed.size()[0], heads.num_heads], (Kind::Float, packed.device()));
    let [q, k, v] = heads.split(packed);
    let output = attended.unflatten(1, [heads.num_heads, heads.head_dim]);
    let tasks = tasks(heads, lengths, |place| Forward {
        queries: place.queries(&[&q, &output]),
        k: place.keys(&k),
        v: place.keys(&v),
        log_sums: place.query_heads().map(|head| place.rows(&log_sums).narrow(1, head, 1)).collect(),
    });
    run_each(tasks, &Forward::run);
    log_sums
}

/// The gradient with regard to `packed` of `grad`, that with regard to `attended`.
///
/// # Shapes
/// As of [`causal_attention`]; `grad` as `attended` → as `packed`
pub(crate) fn causal_attention_backward(
    packed: &Tensor,
    heads: &HeadLayout<'_>,
    lengths: &[i64],
    (attended, log_sums, grad): (&Tensor, &Tensor, &Tensor),
) -> Tensor {
    let result = Tensor::zeros(packed.size(), (packed.kind(), packed.device()));
    let ([q, k, v], [q_grad, k_grad, v_grad]) = (heads.split(packed), heads.split(&result));
    let by_head = |tensor: &Tensor| tensor.unflatten(1, [heads.num_heads, heads.head_dim]);
    let (output, grad) = (by_head(attended), by_head(grad));
    let tasks = tasks(heads, lengths, |place| Backward {
        queries: place.queries(&[&q, &output, &grad, &q_grad]),
        k: place.keys(&k),
        v: place.keys(&v),
        log_sums: place.query_heads().map(|head| place.rows(log_sums).narrow(1, head, 1)).collect(),
        k_grad: place.keys(&k_grad),
        v_grad: place.keys(&v_grad),
        scale: scale(heads.head_dim),
    });
    run_each(tasks, &Backward::run);
    result
}

/// One sequence and one key head.
#[derive(Clone, Copy)]
struct Place {
    start: i64,
    length: i64,
    kv_head: i64,
    group: i64,
}

impl Place {
    fn rows(self, tensor: &Tensor) -> Tensor {
        tensor.narrow(0, self.start, self.length)
    }

    /// `[tokens, num_kv_heads, head_dim]` → `[length, head_dim]`
    fn keys(self, tensor: &Tensor) -> Tensor {
        self.rows(tensor).select(1, self.kv_head)
    }

    fn query_heads(self) -> impl Iterator<Item = i64> {
        self.kv_head * self.group..(self.kv_head + 1) * self.group
    }

    /// Of each query head that reads the key head, its part of each tensor, `[length, head_dim]`.
    fn queries<const N: usize>(self, tensors: &[&Tensor; N]) -> Vec<[Tensor; N]> {
        self.query_heads().map(|head| tensors.map(|tensor| self.rows(tensor).select(1, head))).collect()
    }
}

/// What is made of each sequence and key head, the longest sequences first, so that no thread is left with one at the end.
fn tasks<T>(heads: &HeadLayout<'_>, lengths: &[i64], make: impl Fn(Place) -> T) -> Vec<T> {
    let starts = lengths.iter().scan(0, |start, &length| {
        *start += length;
        Some(*start - length)
    });
    let mut sequences: Vec<(i64, i64)> = starts.zip(lengths.iter().copied()).collect();
    sequences.sort_by_key(|(start, length)| (-length, *start));
    let group = heads.num_heads / heads.num_kv_heads;
    let of_sequence =
        |(start, length)| (0..heads.num_kv_heads).map(move |kv_head| Place { start, length, kv_head, group });
    sequences.into_iter().flat_map(of_sequence).map(make).collect()
}

/// `1 / √head_dim`.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a small whole number")]
fn scale(head_dim: i64) -> f32 {
    (head_dim as f64).sqrt().recip() as f32
}

/// Blocks of queries: the first, their number, and the number of keys up to the last that they read.
fn blocks(length: i64) -> impl Iterator<Item = (i64, i64, i64)> {
    (0..length).step_by(usize::try_from(BLOCK).unwrap_or(1)).map(move |start| {
        let number = BLOCK.min(length - start);
        (start, number, start + number)
    })
}

/// The forward pass of one key head: queries and outputs of the heads that read it.
struct Forward {
    queries: Vec<[Tensor; 2]>,
    k: Tensor,
    v: Tensor,
    log_sums: Vec<Tensor>,
}

impl Forward {
    fn run(self) {
        let (length, head_dim) = self.k.size2().expect("keys of one head");
        let buffer = Tensor::empty([BLOCK.min(length), length], (Kind::Float, self.k.device()));
        for ([q, output], log_sums) in self.queries.iter().zip(&self.log_sums) {
            for (start, number, num_keys) in blocks(length) {
                let mut scores = buffer.narrow(0, 0, number).narrow(1, 0, num_keys);
                multiply(&mut scores, &q.narrow(0, start, number), &self.k.narrow(0, 0, num_keys).tr(), false);
                softmax(&mut scores, &mut log_sums.narrow(0, start, number), scale(head_dim));
                multiply(&mut output.narrow(0, start, number), &scores, &self.v.narrow(0, 0, num_keys), false);
            }
        }
    }
}

/// Turns the scores of a block of queries, of which the last reads the last key, into probabilities.
fn softmax(scores: &mut Tensor, log_sums: &mut Tensor, scale: f32) {
    let (mut scores, mut log_sums) = (RowsMut::of(scores), RowsMut::of(log_sums));
    with_wide_registers!({
        for index in 0..scores.num_rows() {
            let (visible, hidden) = visible_part(&mut scores, index);
            let largest = maximum(visible) * scale;
            for score in visible.iter_mut() {
                *score = exp(*score * scale - largest);
            }
            let sum = sum(visible);
            for score in visible {
                *score /= sum;
            }
            hidden.fill(0.0);
            log_sums.row(index)[0] = largest + sum.ln();
        }
    });
}

/// The scores of the keys that a query of the block may read, and the others.
#[inline]
fn visible_part<'a>(scores: &'a mut RowsMut<'_>, index: usize) -> (&'a mut [f32], &'a mut [f32]) {
    let num_rows = scores.num_rows();
    let row = scores.row(index);
    let num_visible = row.len() - (num_rows - 1 - index);
    row.split_at_mut(num_visible)
}

/// The backward pass of one key head: queries, outputs, and the gradients of outputs and queries, of the heads that read it.
struct Backward {
    queries: Vec<[Tensor; 4]>,
    k: Tensor,
    v: Tensor,
    log_sums: Vec<Tensor>,
    k_grad: Tensor,
    v_grad: Tensor,
    scale: f32,
}

impl Backward {
    fn run(self) {
        let length = self.k.size()[0];
        let buffer = || Tensor::empty([BLOCK.min(length), length], (Kind::Float, self.k.device()));
        let (scores_buffer, grads_buffer) = (buffer(), buffer());
        for (queries, log_sums) in self.queries.iter().zip(&self.log_sums) {
            for (start, number, num_keys) in blocks(length) {
                let [q, output, grad, q_grad] = queries.each_ref().map(|tensor| tensor.narrow(0, start, number));
                let mut q_grad = q_grad;
                let [k, v] = [&self.k, &self.v].map(|tensor| tensor.narrow(0, 0, num_keys));
                let place = |buffer: &Tensor| buffer.narrow(0, 0, number).narrow(1, 0, num_keys);
                let (mut scores, mut grads) = (place(&scores_buffer), place(&grads_buffer));
                multiply(&mut scores, &q, &k.tr(), false);
                multiply(&mut grads, &grad, &v.tr(), false);
                probabilities(&mut scores, &log_sums.narrow(0, start, number), self.scale);
                multiply(&mut self.v_grad.narrow(0, 0, num_keys), &scores.tr(), &grad, true);
                score_gradients(&mut grads, &scores, (&output, &grad), self.scale);
                multiply(&mut q_grad, &grads, &k, false);
                multiply(&mut self.k_grad.narrow(0, 0, num_keys), &grads.tr(), &q, true);
            }
        }
    }
}

/// Turns scores into probabilities where their log-sum-exp is known.
fn probabilities(scores: &mut Tensor, log_sums: &Tensor, scale: f32) {
    let (mut scores, log_sums) = (RowsMut::of(scores), Rows::of(log_sums));
    with_wide_registers!({
        for index in 0..scores.num_rows() {
            let log_sum = log_sums.row(index)[0];
            let (visible, hidden) = visible_part(&mut scores, index);
            for score in visible {
                *score = exp(*score * scale - log_sum);
            }
            hidden.fill(0.0);
        }
    });
}

/// Turns the gradients of probabilities into those of scores: `scale · P ⊙ (dP − Σ dO ⊙ O)`.
fn score_gradients(grads: &mut Tensor, probabilities: &Tensor, (output, grad): (&Tensor, &Tensor), scale: f32) {
    let (mut grads, probabilities) = (RowsMut::of(grads), Rows::of(probabilities));
    let (output, grad) = (Rows::of(output), Rows::of(grad));
    with_wide_registers!({
        for index in 0..grads.num_rows() {
            let shared = dot(output.row(index), grad.row(index));
            let pairs = grads.row(index).iter_mut().zip(probabilities.row(index));
            pairs.for_each(|(grad, probability)| *grad = scale * probability * (*grad - shared));
        }
    });
}
