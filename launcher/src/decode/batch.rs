//! Rows of a batch and the passes of the model that they share.

use medinjection_fr::record::{ChoiceLabel, Task};
use medinjection_fr::render::Message;
use tch::{Kind, Tensor};

use super::answers::{Answers, Branch};
use super::free::Free;
use super::letter::{Letter, most_probable};
use super::walk::Walk;
use super::{Answer, Decoding, Row, Step, softmax};
use crate::Result;
use crate::chat::Chat;
use crate::model::{CausalLm, KvCache, PackedBatch};

/// A model that answers questions.
#[derive(Debug)]
pub struct Decoder<'a> {
    model: &'a CausalLm,
    chat: &'a Chat,
    answers: Answers<'a>,
    decoding: Decoding,
    max_new_tokens: usize,
}

/// A question as the model reads it.
#[derive(Debug, Clone)]
pub struct Question {
    task: Task,
    labels: Vec<ChoiceLabel>,
    /// The end of the prompt, from where on its text decides the tokens of the answer.
    context: String,
    input_ids: Vec<i64>,
}

impl Question {
    /// Number of tokens of the prompt.
    #[must_use]
    pub fn num_tokens(&self) -> usize {
        self.input_ids.len()
    }
}

impl<'a> Decoder<'a> {
    /// A decoder whose free answers have at most `max_new_tokens` tokens.
    #[must_use]
    pub fn new(model: &'a CausalLm, chat: &'a Chat, decoding: Decoding, max_new_tokens: usize) -> Self {
        Self { model, chat, answers: Answers::new(chat), decoding, max_new_tokens }
    }

    /// Renders and encodes a question; `labels` are those of its choices, none for an open question.
    ///
    /// # Errors
    /// [`Error::Format`](crate::Error::Format) if the template refuses the conversation or writes nothing for it, or the
    /// tokenizer refuses the text; [`Error::Environment`](crate::Error::Environment) if it has tokens that the model has not.
    pub fn question(&self, messages: &[Message], task: Task, labels: &[ChoiceLabel]) -> Result<Question> {
        let prompt = self.chat.prompt(messages)?;
        let input_ids = self.chat.tokenizer().encode(&prompt)?;
        if input_ids.is_empty() {
            let message = "expected a prompt from the chat template, found an empty text";
            return Err(crate::Error::format(self.chat.template().path(), message));
        }
        self.model.check_ids(&input_ids)?;
        let mut labels = labels.to_vec();
        labels.sort_unstable();
        let context = self.context(messages, &prompt)?;
        Ok(Question { task, labels, context, input_ids })
    }

    /// Largest number of tokens that answering `question` can add to its prompt.
    #[must_use]
    pub fn max_answer_tokens(&self, question: &Question) -> usize {
        match (self.decoding, question.task) {
            (Decoding::Greedy, _) | (_, Task::Oeq) => self.max_new_tokens,
            (_, Task::Mcqu) => 1,
            (_, Task::Mcq) => 2 * question.labels.len(),
        }
    }

    /// The answers to `questions`, in their order.
    ///
    /// # Errors
    /// [`Error::Format`](crate::Error::Format) if the tokenizer cannot write the answers apart;
    /// [`Error::Environment`](crate::Error::Environment) if it has tokens that the model has not.
    pub fn answer(&self, questions: &[Question]) -> Result<Vec<Answer>> {
        let _no_grad = tch::no_grad_guard();
        let mut answers: Vec<Option<Answer>> = vec![None; questions.len()];
        let mut alive = Vec::new();
        for (index, question) in questions.iter().enumerate() {
            match self.row(question)? {
                Some(row) => alive.push((index, row, question.input_ids.clone())),
                None => answers[index] = Some(self.score_letters(question)?),
            }
        }
        let mut cache = KvCache::new(self.model.num_layers(), alive.len());
        while !alive.is_empty() {
            let feed: Vec<&[i64]> = alive.iter().map(|(_, _, feed)| feed.as_slice()).collect();
            let batch = PackedBatch::continuing(&feed, cache.lengths(), self.model.device());
            let logits = self.next_logits(&batch, &mut cache)?;
            let (mut kept, mut next) = (Vec::new(), Vec::new());
            for (place, ((index, mut row, _), logits)) in alive.into_iter().zip(logits).enumerate() {
                match row.advance(&logits)? {
                    Step::Done => answers[index] = Some(row.answer()?),
                    Step::Feed(feed) => {
                        kept.push(place);
                        next.push((index, row, feed));
                    }
                }
            }
            cache.keep(&kept);
            alive = next;
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// The row that decodes `question`; `None` for a single answer whose letters have several tokens.
    fn row<'b>(&'b self, question: &Question) -> Result<Option<Box<dyn Row + 'b>>> {
        let Question { task, labels, context, .. } = question;
        let letters = || self.answers.branches(context, &[], labels);
        let free = |allowed, max_new_tokens, letters| Free {
            chat: self.chat,
            max_new_tokens,
            allowed,
            letters,
            generated: Vec::new(),
            probabilities: std::collections::BTreeMap::new(),
        };
        Ok(match (self.decoding, task) {
            (_, Task::Oeq) => Some(Box::new(free(None, self.max_new_tokens, None))),
            (Decoding::Greedy, _) => Some(Box::new(free(None, self.max_new_tokens, Some(letters()?)))),
            (Decoding::Published, _) => {
                let max_new_tokens = self.max_answer_tokens(question);
                Some(Box::new(free(Some(self.published_tokens(question)?), max_new_tokens, Some(letters()?))))
            }
            (Decoding::Constrained, Task::Mcqu) => Letter::new(letters()?).map(|row| Box::new(row) as Box<dyn Row>),
            (Decoding::Constrained, Task::Mcq) => {
                Some(Box::new(Walk::new(&self.answers, context.clone(), labels.clone())?))
            }
        })
    }

    /// Tokens of the letters, at the answer's beginning and after a separator, of the separator, and of the end.
    fn published_tokens(&self, question: &Question) -> Result<Vec<i64>> {
        let Question { labels, context, .. } = question;
        let first = self.answers.branches(context, &[], labels)?;
        let second = self.answers.branches(context, &labels[..1], labels)?;
        let mut tokens: Vec<i64> = first.iter().chain(second.iter()).flat_map(|b| b.tokens.clone()).collect();
        tokens.sort_unstable();
        tokens.dedup();
        Ok(tokens)
    }

    /// The model's turn as the template opens it, if that begins with a special token, since then nothing before it changes the tokens
    /// after it; otherwise the whole prompt.
    fn context(&self, messages: &[Message], prompt: &str) -> Result<String> {
        let before = self.chat.template().render(messages, false).unwrap_or_default();
        let opening = prompt.strip_prefix(&before).unwrap_or(prompt);
        let first = self.chat.tokenizer().encode(opening)?.first().copied();
        let splits = first.is_some_and(|token| self.chat.tokenizer().is_special(token));
        Ok(if splits { opening } else { prompt }.to_owned())
    }

    /// Logits after each sequence's last token.
    fn next_logits(&self, batch: &PackedBatch, cache: &mut KvCache) -> Result<Vec<Vec<f32>>> {
        let hidden = self.model.hidden(batch, Some(cache));
        let last = Tensor::from_slice(&batch.last_indices()).to_device(hidden.device());
        let logits = self.model.logits(&hidden.index_select(0, &last)).to_kind(Kind::Float);
        check_finite(logits.isfinite().all().int64_value(&[]) == 1)?;
        Ok(Vec::<Vec<f32>>::try_from(logits.to_device(tch::Device::Cpu))?)
    }

    /// Answers a single-answer question by the summed log-probability of each letter's tokens.
    fn score_letters(&self, question: &Question) -> Result<Answer> {
        let branches = self.answers.branches(&question.context, &[], &question.labels)?;
        let scores =
            branches.iter().map(|branch| self.score(&question.input_ids, branch)).collect::<Result<Vec<_>>>()?;
        Ok(most_probable(&branches, &softmax(&scores)))
    }

    fn score(&self, prompt: &[i64], branch: &Branch) -> Result<f64> {
        let (last, before) = branch.tokens.split_last().unwrap_or((&0, &[]));
        let sequence = [prompt, before].concat();
        self.model.check_ids(&branch.tokens)?;
        let hidden = self.model.hidden(&PackedBatch::new(&[&sequence], self.model.device()), None);
        let predicted = hidden.slice(0, i64::try_from(prompt.len()).unwrap_or(i64::MAX) - 1, None, 1);
        let log_probabilities = self.model.logits(&predicted).log_softmax(-1, Kind::Float);
        let targets = Tensor::from_slice(&[before, &[*last]].concat()).to_device(hidden.device()).unsqueeze(1);
        let score = f64::try_from(log_probabilities.f_gather(1, &targets, false)?.sum(Kind::Double))?;
        check_finite(!score.is_nan()).map(|()| score)
    }
}

/// Refuses what a model with damaged weights computes.
fn check_finite(finite: bool) -> Result<()> {
    if finite {
        return Ok(());
    }
    let message = "expected finite logits, found NaN or infinity: the weights of the model or adapter are damaged";
    Err(crate::Error::Environment(message.to_owned()))
}
