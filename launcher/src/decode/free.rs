//! Free answers: the most probable token at each step, of all or of a few.

use std::collections::BTreeMap;
use std::rc::Rc;

use medinjection_fr::record::ChoiceLabel;

use super::answers::Branch;
use super::{Answer, Row, Step, arg_max, logit, softmax_over};
use crate::Result;
use crate::chat::Chat;

/// An answer that grows until it ends or is long enough.
pub(super) struct Free<'a> {
    pub(super) chat: &'a Chat,
    pub(super) max_new_tokens: usize,
    /// Tokens that may come at every step; `None` allows all.
    pub(super) allowed: Option<Vec<i64>>,
    /// The letters at the answer's beginning, for multiple choice.
    pub(super) letters: Option<Rc<[Branch]>>,
    pub(super) generated: Vec<i64>,
    pub(super) probabilities: BTreeMap<ChoiceLabel, f64>,
}

impl Row for Free<'_> {
    fn advance(&mut self, logits: &[f32]) -> Result<Step> {
        if self.generated.is_empty() {
            self.probabilities = letter_probabilities(self.letters.as_deref().unwrap_or_default(), logits)?;
        }
        let best = match &self.allowed {
            None => arg_max(logits.iter().map(|value| f64::from(*value))),
            Some(tokens) => {
                let values = tokens.iter().map(|&token| logit(logits, token)).collect::<Result<Vec<_>>>()?;
                arg_max(values).and_then(|index| usize::try_from(tokens[index]).ok())
            }
        };
        let token = best.and_then(|index| i64::try_from(index).ok()).unwrap_or_default();
        if self.chat.stop_ids().contains(&token) {
            return Ok(Step::Done);
        }
        self.generated.push(token);
        Ok(if self.generated.len() < self.max_new_tokens { Step::Feed(vec![token]) } else { Step::Done })
    }

    fn answer(&self) -> Result<Answer> {
        let text = self.chat.tokenizer().decode(&self.generated)?.trim().to_owned();
        let offered: Vec<_> = self.letters.iter().flat_map(|letters| letters.iter().filter_map(|b| b.label)).collect();
        Ok(Answer { labels: labels_in(&text, &offered), text, probabilities: self.probabilities.clone() })
    }
}

/// Softmax over the letters' tokens at the first position, where these differ.
fn letter_probabilities(letters: &[Branch], logits: &[f32]) -> Result<BTreeMap<ChoiceLabel, f64>> {
    let tokens: Vec<i64> = letters.iter().map(|branch| branch.tokens[0]).collect();
    let distinct = (1..tokens.len()).all(|end| !tokens[..end].contains(&tokens[end]));
    if !distinct {
        return Ok(BTreeMap::new());
    }
    let shares = softmax_over(logits, &tokens)?;
    Ok(letters.iter().zip(shares).filter_map(|(branch, share)| branch.label.map(|label| (label, share))).collect())
}

/// The labels of an answer that is nothing but capital letters of choices, commas and spaces; `None` for any other, whose reading is left to
/// the scoring.
fn labels_in(text: &str, offered: &[ChoiceLabel]) -> Option<Vec<ChoiceLabel>> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    let mut labels = words
        .map(|word| offered.iter().copied().find(|label| label.to_string() == word))
        .collect::<Option<Vec<_>>>()?;
    labels.sort_unstable();
    labels.dedup();
    (!labels.is_empty()).then_some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_that_are_on_offer_are_read() {
        let offered: Vec<_> = (0..3).filter_map(ChoiceLabel::from_index).collect();
        assert_eq!(labels_in("C, A, C", &offered).unwrap(), [offered[0], offered[2]]);
        for text in ["", ", ", "A et B", "D", "a"] {
            assert_eq!(labels_in(text, &offered), None, "{text}");
        }
    }
}
