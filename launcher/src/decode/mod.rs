//! Answers of a model, row by row, under the constraint that the task sets.
//!
//! A row is one question. Rows of a batch share the model's passes, and leave the batch when they are answered.

mod answers;
mod batch;
mod free;
mod letter;
mod walk;

use std::collections::BTreeMap;

use medinjection_fr::record::ChoiceLabel;

pub use batch::{Decoder, Question};

use crate::Result;
use crate::model::unknown_token;

/// How an answer is drawn from a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoding {
    /// Only canonical answers: one letter, or ascending letters joined by `, `; open questions as `Greedy`.
    Constrained,
    /// The most probable token at each step, until the turn ends.
    Greedy,
    /// As the study did: letters, separators and the end allowed at every step, in any order, one new token for a
    /// single-answer question and twice the number of choices for the others; open questions as `Greedy`.
    ///
    /// An empty answer is possible, and counts as wrong.
    Published,
}

impl Decoding {
    /// The word that names it on the command line and in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Constrained => "constrained",
            Self::Greedy => "greedy",
            Self::Published => "published",
        }
    }
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The answer as text.
    pub text: String,
    /// The labels that it names, ascending; `None` where it is no canonical answer.
    pub labels: Option<Vec<ChoiceLabel>>,
    /// Probability of each choice's label; empty for open questions.
    ///
    /// Constrained, single answer: softmax over the letters. Constrained, several answers: the largest probability, over the
    /// places of the walk where another letter could come, that this letter comes next. Otherwise: softmax over the letters at the first
    /// position, empty where two letters begin with the same token.
    pub probabilities: BTreeMap<ChoiceLabel, f64>,
}

/// What a row does with the logits of its next token.
enum Step {
    /// Reads these tokens, at least one, and wants the logits after them.
    Feed(Vec<i64>),
    /// Is answered.
    Done,
}

/// A row while it is decoded.
trait Row {
    /// Takes the logits of the next token, one a token of the vocabulary.
    fn advance(&mut self, logits: &[f32]) -> Result<Step>;

    /// The answer, once `advance` has said that it is done.
    fn answer(&self) -> Result<Answer>;
}

/// Probabilities of `tokens` among themselves.
fn softmax_over(logits: &[f32], tokens: &[i64]) -> Result<Vec<f64>> {
    let values = tokens.iter().map(|&token| logit(logits, token)).collect::<Result<Vec<_>>>()?;
    Ok(softmax(&values))
}

fn softmax(values: &[f64]) -> Vec<f64> {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = values.iter().map(|value| (value - largest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.iter().map(|value| value / sum).collect()
}

fn logit(logits: &[f32], token: i64) -> Result<f64> {
    let found = usize::try_from(token).ok().and_then(|index| logits.get(index));
    found.map(|value| f64::from(*value)).ok_or_else(|| {
        let size = i64::try_from(logits.len()).unwrap_or(i64::MAX);
        unknown_token(token, size)
    })
}

/// Index of the largest value, the first of several.
fn arg_max(values: impl IntoIterator<Item = f64>) -> Option<usize> {
    let better = |best: Option<(usize, f64)>, (index, value): (usize, f64)| match best {
        Some((_, largest)) if value <= largest || value.is_nan() => best,
        _ => Some((index, value)),
    };
    values.into_iter().enumerate().fold(None, better).map(|(index, _)| index)
}

/// Letters joined as in canonical answers.
fn canonical(labels: &[ChoiceLabel]) -> String {
    labels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_several_largest_values_wins() {
        assert_eq!(arg_max([1.0, 3.0, 3.0]), Some(1));
        assert_eq!(arg_max([1.0, f64::NAN, 2.0]), Some(2));
        assert_eq!(arg_max([]), None);
    }

    #[test]
    fn large_logits_do_not_overflow() {
        assert_eq!(softmax_over(&[1e30, 1e30, 0.0], &[0, 1]).unwrap(), [0.5, 0.5]);
        assert!(softmax_over(&[0.0], &[1]).unwrap_err().to_string().contains("token 1"));
    }
}
