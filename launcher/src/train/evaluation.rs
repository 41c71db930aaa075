//! Evaluation while a run goes on: loss on the validation rows, and exact match where they offer choices.

use std::collections::BTreeSet;

use medinjection_fr::record::{ChoiceLabel, Task};
use medinjection_fr::render::{Message, Role, TrainingRow};
use serde::Serialize;

use super::micro_step::summed_loss;
use crate::chat::{Chat, TokenizedRow};
use crate::comm::Communicator;
use crate::config::TrainConfig;
use crate::data::{each_row, num_targets};
use crate::decode::{Decoder, Decoding, Question};
use crate::guard::guard;
use crate::model::CausalLm;
use crate::observe::Scalars;
use crate::signals::{Signals, Stop};
use crate::{Error, Result};

/// A line of `metrics.jsonl` that is an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Evaluation {
    /// Steps that have been made.
    pub step: u64,
    /// Mean loss of the validation rows' targets.
    pub eval_loss: f64,
    /// Share, from 0 to 1, of the questions with choices whose constrained answer is the right set; absent where no row has choices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eval_exact_match: Option<f64>,
}

impl Scalars for Evaluation {
    fn step(&self) -> u64 {
        self.step
    }

    fn scalars(&self) -> Vec<(&'static str, f64)> {
        let exact_match = self.eval_exact_match.map(|share| ("eval/exact_match", share));
        [("eval/loss", self.eval_loss)].into_iter().chain(exact_match).collect()
    }
}

/// The rows that a run is evaluated on.
#[derive(Debug)]
pub struct ValidationSet {
    rows: Vec<TokenizedRow>,
    questions: Vec<Asked>,
    chat: Chat,
    batch_size: usize,
}

/// A question with choices.
#[derive(Debug)]
struct Asked {
    messages: Vec<Message>,
    task: Task,
    labels: Vec<ChoiceLabel>,
    answer_labels: BTreeSet<ChoiceLabel>,
}

impl ValidationSet {
    /// The rows of `data.validation`; `None` where the configuration has none.
    ///
    /// # Errors
    /// [`Error::Library`] naming the line if the file cannot be read, or holds a row that is none or whose labels are not those of its
    /// choices; [`Error::Format`] if it holds no row.
    pub fn load(config: &TrainConfig) -> Result<Option<Self>> {
        let Some(path) = &config.data.validation else { return Ok(None) };
        let chat = Chat::load(&config.model.path)?;
        let (mut rows, mut questions) = (Vec::new(), Vec::new());
        each_row(path, &chat, (config.data.loss_on, config.data.max_tokens.get()), |row, tokenized, _| {
            rows.push(tokenized);
            questions.extend(Asked::of(row)?);
            Ok(())
        })?;
        if rows.is_empty() {
            return Err(Error::format(path, "expected at least one validation row, found none"));
        }
        Ok(Some(Self { rows, questions, chat, batch_size: config.train.micro_batch_size.get() }))
    }

    /// Number of rows, and of those that offer choices.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize) {
        (self.rows.len(), self.questions.len())
    }

    /// Checks that `model` has every token of the rows.
    ///
    /// # Errors
    /// [`Error::Environment`] if it has not.
    pub fn check_tokens(&self, model: &CausalLm) -> Result<()> {
        self.rows.iter().try_for_each(|row| model.check_ids(&row.input_ids))
    }

    /// Evaluates `model`, which has made `step` steps; the rows are shared among ranks. What `signals` have come ends it early, on all
    /// ranks.
    ///
    /// # Errors
    /// What libtorch or the decoder refuse, and [`Error::Environment`] for a loss that is no number; the same verdict on every rank.
    pub fn evaluate(
        &self,
        model: &CausalLm,
        step: u64,
        signals: &Signals,
        comm: &dyn Communicator,
    ) -> Result<Result<Evaluation, Stop>> {
        let local = guard(|| {
            let (loss, num_targets) = self.loss(model, signals, comm);
            let (correct, num_questions) = self.exact_matches(model, signals, comm)?;
            Ok([loss, to_number(num_targets), to_number(correct), to_number(num_questions)])
        });
        let [loss, num_targets, correct, num_questions] = comm.agree(local)?;
        let [terminate, interrupt, time_up] = signals.counts();
        let mut sums = [loss, num_targets, correct, num_questions, terminate, interrupt, time_up];
        comm.all_reduce_sum_f64(&mut sums)?;
        let [loss, num_targets, correct, num_questions, signals @ ..] = sums;
        if let Some(stop) = Signals::verdict(signals) {
            return Ok(Err(stop));
        }
        let eval_loss = loss / num_targets;
        if !eval_loss.is_finite() {
            let message = format!("step {step}: expected a finite validation loss, found {eval_loss}");
            return Err(Error::Environment(message));
        }
        let eval_exact_match = (num_questions > 0.0).then(|| correct / num_questions);
        Ok(Ok(Evaluation { step, eval_loss, eval_exact_match }))
    }

    /// The summed loss of this rank's rows, and the number of their targets.
    fn loss(&self, model: &CausalLm, signals: &Signals, comm: &dyn Communicator) -> (f64, usize) {
        let mut rows: Vec<&TokenizedRow> = self.rows.iter().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.input_ids.len()));
        let mine: Vec<&TokenizedRow> = rows.into_iter().skip(comm.rank()).step_by(comm.world_size()).collect();
        let batches = mine.chunks(self.batch_size).take_while(|_| !signals.any());
        let loss = batches.map(|rows| summed_loss(model, rows)).sum();
        (loss, mine.into_iter().map(num_targets).sum())
    }

    /// How many of this rank's questions are answered by the right set, and how many there are.
    fn exact_matches(&self, model: &CausalLm, signals: &Signals, comm: &dyn Communicator) -> Result<(usize, usize)> {
        let decoder = Decoder::new(model, &self.chat, Decoding::Constrained, 1);
        let mine: Vec<&Asked> = self.questions.iter().skip(comm.rank()).step_by(comm.world_size()).collect();
        let ask = |asked: &&Asked| decoder.question(&asked.messages, asked.task, &asked.labels);
        let mut asked = mine.iter().map(ask).zip(&mine).map(|(question, asked)| Ok((question?, &asked.answer_labels)));
        let mut questions: Vec<(Question, &BTreeSet<ChoiceLabel>)> = asked.by_ref().collect::<Result<_>>()?;
        questions.sort_by_key(|(question, _)| std::cmp::Reverse(question.num_tokens()));
        let mut num_correct = 0;
        for batch in questions.chunks(self.batch_size).take_while(|_| !signals.any()) {
            let (questions, expected): (Vec<Question>, Vec<_>) = batch.iter().cloned().unzip();
            let answers = decoder.answer(&questions)?.into_iter().map(|answer| answer.labels.unwrap_or_default());
            let is_right = |(labels, expected): &(Vec<ChoiceLabel>, &BTreeSet<_>)| {
                labels.iter().copied().collect::<BTreeSet<_>>() == **expected
            };
            num_correct += answers.zip(expected).filter(is_right).count();
        }
        Ok((num_correct, questions.len()))
    }
}

impl Asked {
    /// The question of a row that says its choices and their right labels, and ends with the answer; `None` of another row.
    ///
    /// # Errors
    /// What was expected and found, if two choices share a label or a right one is none of a choice.
    fn of(row: TrainingRow) -> Result<Option<Self>, String> {
        let TrainingRow { mut messages, task, choices, answer_labels, .. } = row;
        let is_question = !choices.is_empty() && !answer_labels.is_empty();
        let Some(task) = task.filter(|task| task.is_multiple_choice() && is_question) else { return Ok(None) };
        if messages.pop().is_none_or(|message| message.role != Role::Assistant) {
            return Ok(None);
        }
        let labels: Vec<ChoiceLabel> = choices.into_iter().map(|choice| choice.label).collect();
        let known: BTreeSet<ChoiceLabel> = labels.iter().copied().collect();
        let answer_labels: BTreeSet<ChoiceLabel> = answer_labels.into_iter().collect();
        if known.len() < labels.len() {
            return Err("choices: expected labels that differ, found one twice".to_owned());
        }
        if let Some(label) = answer_labels.difference(&known).next() {
            return Err(format!("answer_labels: expected labels of the choices, found {label}"));
        }
        Ok(Some(Self { messages, task, labels, answer_labels }))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of rows or tokens is exact in f64")]
fn to_number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_row_with_choices_and_an_answer_is_a_question() {
        let row = |text: &str| Asked::of(serde_json::from_str(text).unwrap()).unwrap();
        let turns = r#""messages":[{"role":"user","content":"?"},{"role":"assistant","content":"B"}]"#;
        let choices = r#""task":"mcqu","choices":[{"label":"A","text":"a"},{"label":"B","text":"b"}]"#;
        let asked = row(&format!(r#"{{{turns},{choices},"answer_labels":["B"]}}"#)).unwrap();
        assert_eq!((asked.messages.len(), asked.labels.len(), asked.answer_labels.len()), (1, 2, 1));
        assert!(row(&format!("{{{turns}}}")).is_none());
        assert!(row(&format!("{{{turns},{choices}}}")).is_none());
    }

    #[test]
    fn labels_that_are_no_choices_or_stand_twice_are_refused() {
        let turns = r#""messages":[{"role":"user","content":"?"},{"role":"assistant","content":"B"}],"task":"mcq""#;
        let choices = |label: &str| {
            let row = format!(
                r#"{{{turns},"choices":[{{"label":"A","text":"a"}},{{"label":"{label}","text":"b"}}],"answer_labels":["B"]}}"#
            );
            Asked::of(serde_json::from_str(&row).unwrap()).unwrap_err()
        };
        assert_eq!(choices("A"), "choices: expected labels that differ, found one twice");
        assert_eq!(choices("C"), "answer_labels: expected labels of the choices, found B");
    }
}
