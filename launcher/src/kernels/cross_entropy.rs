//! The loss of a language model, and its gradient in the place of the logits.

use tch::{Kind, Reduction, Tensor};

use super::exp::exp;
use super::is_fused;
use super::rows::{RowsMut, by_rows, maximum};

/// The sum of `−log softmax(logits)[target]` over all rows; `logits` may be overwritten.
///
/// # Shapes
/// `logits: [n, vocab]`, one target each
pub(crate) fn cross_entropy(logits: &mut Tensor, targets: &[i64]) -> f64 {
    if is_fused(logits) { by_loops(logits, targets, 0.0) } else { operators(&logits.to_kind(Kind::Float), targets) }
}

/// [`cross_entropy`], with `scale` times its gradient left in the place of the logits.
pub(crate) fn cross_entropy_backward(logits: &mut Tensor, targets: &[i64], scale: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "the inverse of a number of targets")]
    if is_fused(logits) {
        return by_loops(logits, targets, scale as f32);
    }
    let kind = if logits.kind() == Kind::Double { Kind::Double } else { Kind::Float };
    let wide = logits.to_kind(kind);
    let loss = operators(&wide, targets);
    let places = Tensor::from_slice(targets).to_device(logits.device()).unsqueeze(1);
    let ones = Tensor::ones(places.size(), (kind, logits.device()));
    logits.copy_(&((wide.softmax(-1, kind) - wide.zeros_like().scatter_add(1, &places, &ones)) * scale));
    loss
}

fn operators(logits: &Tensor, targets: &[i64]) -> f64 {
    let targets = Tensor::from_slice(targets).to_device(logits.device());
    logits.cross_entropy_loss::<Tensor>(&targets, None, Reduction::Sum, -100, 0.0).double_value(&[])
}

fn by_loops(logits: &mut Tensor, targets: &[i64], scale: f32) -> f64 {
    let mut losses = Tensor::empty([logits.size()[0], 1], (Kind::Float, logits.device()));
    by_rows!([RowsMut::of(logits), RowsMut::of(&mut losses)], |index, [logits, loss]| {
        let target = usize::try_from(targets[index]).expect("ids were checked against the vocabulary");
        // A logit that is no number is no maximum, but makes the sum none.
        let (largest, at_target) = (maximum(logits), logits[target]);
        let sum = exponentials(logits, largest);
        loss[0] = sum.ln() + largest - at_target;
        let factor = scale / sum;
        for value in logits.iter_mut() {
            *value *= factor;
        }
        logits[target] -= scale;
    });
    losses.sum(Kind::Double).double_value(&[])
}

/// Puts `e^(value − largest)` in each value's place and returns their sum, formed in blocks: a plain sum of 150,000 terms in f32
/// would be off by 10⁻⁴.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the sum is rounded once")]
fn exponentials(values: &mut [f32], largest: f32) -> f32 {
    let mut total = 0.0_f64;
    for block in values.chunks_mut(1024) {
        let mut sums = [0.0_f32; 16];
        let (chunks, rest) = block.as_chunks_mut::<16>();
        for chunk in chunks {
            for (sum, value) in sums.iter_mut().zip(chunk) {
                *value = exp(*value - largest);
                *sum += *value;
            }
        }
        for value in rest {
            *value = exp(*value - largest);
            sums[0] += *value;
        }
        total += f64::from(sums.iter().sum::<f32>());
    }
    total as f32
}

#[cfg(test)]
mod tests {
    use super::super::testing::{difference, random};
    use super::*;

    #[test]
    fn loops_operators_and_autograd_agree() {
        for vocab in [50_000, 37, 5] {
            let logits = random(1, [9, vocab]) * 5.0;
            let targets: Vec<i64> = (0..9).map(|row| (row * 7) % vocab).collect();
            let leaf = logits.to_kind(Kind::Double).set_requires_grad(true);
            let loss =
                leaf.cross_entropy_loss::<Tensor>(&Tensor::from_slice(&targets), None, Reduction::Sum, -100, 0.0);
            (&loss * 0.25).backward();
            let expected = loss.double_value(&[]);
            let close = |found: f64| ((found - expected) / expected).abs() < 1e-6;
            assert!(close(cross_entropy(&mut logits.copy(), &targets)));
            let mut fused = logits.copy();
            assert!(close(cross_entropy_backward(&mut fused, &targets, 0.25)));
            assert!(difference(&fused, &leaf.grad()) < 1e-6);
            let mut composed = logits.to_kind(Kind::Double);
            assert!(close(cross_entropy_backward(&mut composed, &targets, 0.25)));
            assert!(difference(&composed, &leaf.grad()) < 1e-6);
        }
    }

    #[test]
    fn a_logit_that_is_no_number_makes_the_loss_none() {
        let mut logits = Tensor::from_slice(&[1.0_f32, f32::NAN, 2.0]).unsqueeze(0);
        assert!(cross_entropy(&mut logits, &[0]).is_nan());
    }
}
