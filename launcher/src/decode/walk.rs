//! Questions with several answers: a walk down the prefix tree of canonical answers.

use std::collections::BTreeMap;
use std::rc::Rc;

use medinjection_fr::record::ChoiceLabel;

use super::answers::{Answers, Branch};
use super::{Answer, Row, Step, arg_max, canonical, softmax_over};
use crate::Result;

/// A walk that takes the most probable of the allowed tokens at each node; at least one letter.
pub(super) struct Walk<'a> {
    answers: &'a Answers<'a>,
    context: String,
    labels: Vec<ChoiceLabel>,
    chosen: Vec<ChoiceLabel>,
    branches: Rc<[Branch]>,
    /// Branches that the tokens since the last letter leave open.
    open: Vec<usize>,
    /// Number of tokens since the last letter.
    depth: usize,
    /// Probability of those tokens.
    mass: f64,
    probabilities: BTreeMap<ChoiceLabel, f64>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(answers: &'a Answers<'a>, context: String, labels: Vec<ChoiceLabel>) -> Result<Self> {
        let branches = answers.branches(&context, &[], &labels)?;
        let open = (0..branches.len()).collect();
        let probabilities = labels.iter().map(|label| (*label, 0.0)).collect();
        Ok(Self { answers, context, labels, chosen: Vec::new(), branches, open, depth: 0, mass: 1.0, probabilities })
    }

    /// Goes on to the node behind the only open branch; `None` where the answer ends there.
    fn arrive(&mut self) -> Result<Option<()>> {
        let Some(label) = self.branches[self.open[0]].label else { return Ok(None) };
        self.chosen.push(label);
        self.branches = self.answers.branches(&self.context, &self.chosen, &self.labels)?;
        self.open = (0..self.branches.len()).collect();
        (self.depth, self.mass) = (0, 1.0);
        Ok((1 < self.branches.len()).then_some(()))
    }
}

impl Row for Walk<'_> {
    fn advance(&mut self, logits: &[f32]) -> Result<Step> {
        let mut groups: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for &index in &self.open {
            groups.entry(self.branches[index].tokens[self.depth]).or_default().push(index);
        }
        let tokens: Vec<i64> = groups.keys().copied().collect();
        let shares = softmax_over(logits, &tokens)?;
        for (group, share) in groups.values().zip(&shares) {
            if let ([index], probability) = (group.as_slice(), self.mass * share)
                && let Some(label) = self.branches[*index].label
            {
                let largest = self.probabilities.entry(label).or_default();
                *largest = largest.max(probability);
            }
        }
        let best = arg_max(shares.iter().copied()).unwrap_or_default();
        let token = tokens[best];
        self.mass *= shares[best];
        self.open = groups.remove(&token).unwrap_or_default();
        let [only] = self.open[..] else {
            self.depth += 1;
            return Ok(Step::Feed(vec![token]));
        };
        // With one branch left, the rest of its tokens is not a choice.
        let rest = self.branches[only].tokens[self.depth..].to_vec();
        Ok(match self.arrive()? {
            Some(()) => Step::Feed(rest),
            None => Step::Done,
        })
    }

    fn answer(&self) -> Result<Answer> {
        Ok(Answer {
            text: canonical(&self.chosen),
            labels: Some(self.chosen.clone()),
            probabilities: self.probabilities.clone(),
        })
    }
}
