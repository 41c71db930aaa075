//! Single-answer questions: the most probable letter.

use std::rc::Rc;

use super::answers::Branch;
use super::{Answer, Row, Step, arg_max, canonical, softmax_over};
use crate::Result;

/// A single-answer question whose letters are one token each.
pub(super) struct Letter {
    branches: Rc<[Branch]>,
    probabilities: Vec<f64>,
}

impl Letter {
    /// `None` if a letter has several tokens.
    pub(super) fn new(branches: Rc<[Branch]>) -> Option<Self> {
        let single = branches.iter().all(|branch| branch.tokens.len() == 1);
        single.then(|| Self { branches, probabilities: Vec::new() })
    }
}

impl Row for Letter {
    fn advance(&mut self, logits: &[f32]) -> Result<Step> {
        let tokens: Vec<i64> = self.branches.iter().map(|branch| branch.tokens[0]).collect();
        self.probabilities = softmax_over(logits, &tokens)?;
        Ok(Step::Done)
    }

    fn answer(&self) -> Result<Answer> {
        Ok(most_probable(&self.branches, &self.probabilities))
    }
}

/// The answer with the most probable of the letters.
pub(super) fn most_probable(branches: &[Branch], probabilities: &[f64]) -> Answer {
    let best = arg_max(probabilities.iter().copied()).and_then(|index| branches[index].label);
    let labels: Vec<_> = best.into_iter().collect();
    let with_label = |(branch, probability): (&Branch, &f64)| branch.label.map(|label| (label, *probability));
    Answer {
        text: canonical(&labels),
        probabilities: branches.iter().zip(probabilities).filter_map(with_label).collect(),
        labels: Some(labels),
    }
}
