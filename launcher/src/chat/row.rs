//! Rows as token ids, with the tokens that the loss predicts.

use std::path::Path;

use medinjection_fr::render::{Message, Role};
use serde::{Deserialize, Serialize};

use super::files::{TokenizerConfig, eos_token_ids};
use super::{ChatTemplate, Tokenizer};
use crate::{Error, Result};

/// Which tokens of a row the loss predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LossOn {
    /// Every token of the rendered conversation but the first, which nothing comes before.
    Chat,
    /// The model's last turn: all that follows the rendered prompt, the mark that ends the turn included.
    Completion,
}

/// A conversation as token ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenizedRow {
    /// Ids of the whole rendered conversation.
    pub input_ids: Vec<i64>,
    /// For each id, whether the loss predicts it (from the ids before it); never for the first.
    pub loss_mask: Vec<bool>,
}

/// What a model needs in order to read and end a conversation: template, tokenizer, and the tokens that end it.
#[derive(Debug)]
pub struct Chat {
    template: ChatTemplate,
    tokenizer: Tokenizer,
    end_of_turn: i64,
    stop_ids: Vec<i64>,
}

impl Chat {
    /// Reads the template, the tokenizer and the end tokens of a model folder.
    ///
    /// # Errors
    /// [`Error::Library`] or [`Error::Format`] if a file is missing or wrong, or nothing says how a turn ends.
    pub fn load(model: &Path) -> Result<Self> {
        let tokenizer = Tokenizer::load(model)?;
        let config = TokenizerConfig::load(model)?;
        let eos_token = config.special_tokens.get("eos_token").and_then(|token| tokenizer.token_id(token));
        let template = ChatTemplate::with_config(model, config)?;
        let mut stop_ids = eos_token_ids(&model.join("generation_config.json"))?;
        if stop_ids.is_empty() {
            stop_ids = eos_token_ids(&model.join("config.json"))?;
        }
        stop_ids.extend(eos_token);
        let end_of_turn = match mark_after_turn(&template, &tokenizer)? {
            Some(id) => id,
            None => eos_token.or(stop_ids.first().copied()).ok_or_else(|| {
                let message = "nothing says how the model's turn ends: expected a special token after it in the chat \
                    template, an eos_token in tokenizer_config.json or an eos_token_id in generation_config.json";
                Error::format(model, message)
            })?,
        };
        stop_ids.push(end_of_turn);
        stop_ids.sort_unstable();
        stop_ids.dedup();
        Ok(Self { template, tokenizer, end_of_turn, stop_ids })
    }

    /// The tokenizer.
    #[must_use]
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The template.
    #[must_use]
    pub fn template(&self) -> &ChatTemplate {
        &self.template
    }

    /// Id of the token that ends the model's turn.
    #[must_use]
    pub fn end_of_turn(&self) -> i64 {
        self.end_of_turn
    }

    /// Ids that end generation, ascending: the end of a turn and those that the model folder names.
    #[must_use]
    pub fn stop_ids(&self) -> &[i64] {
        &self.stop_ids
    }

    /// The conversation as text, followed by what opens the model's turn.
    ///
    /// # Errors
    /// [`Error::Format`] if the template refuses the conversation.
    pub fn prompt(&self, messages: &[Message]) -> Result<String> {
        self.template.render(messages, true)
    }

    /// Token ids of `continuation` where it follows `prompt`, for example of an answer in the model's turn.
    ///
    /// # Errors
    /// [`Error::Format`] if the ids of `prompt` are not the first ids of both together.
    pub fn continuation_ids(&self, prompt: &str, continuation: &str) -> Result<Vec<i64>> {
        let prompt_ids = self.tokenizer.encode(prompt)?;
        let mut ids = self.tokenizer.encode(&format!("{prompt}{continuation}"))?;
        if !ids.starts_with(&prompt_ids) {
            let start = tail(prompt);
            let message =
                format!("the tokens of a prompt change when {continuation:?} follows it; it ends in {start:?}");
            return Err(Error::format(self.tokenizer.path(), message));
        }
        Ok(ids.split_off(prompt_ids.len()))
    }

    /// Token ids and loss mask of a conversation that ends with the model's turn.
    ///
    /// # Errors
    /// [`Error::Format`] if it does not, if the template refuses it, or if the tokens of the rendered prompt are not
    /// the first tokens of the rendered conversation (a model trained so would answer another prompt than it is asked).
    pub fn tokenize_row(&self, messages: &[Message], loss_on: LossOn) -> Result<TokenizedRow> {
        let Some((last, before)) = messages.split_last().filter(|(last, _)| last.role == Role::Assistant) else {
            let found = messages.last().map_or("no message".to_owned(), |last| format!("a turn of {:?}", last.role));
            return Err(Error::format(self.template.path(), format!("expected the model's turn last, found {found}")));
        };
        let prompt = self.template.render(before, true)?;
        let whole = self.template.render(messages, false)?;
        let input_ids = self.tokenizer.encode(&whole)?;
        let prompt_ids = self.tokenizer.encode(&prompt)?;
        if !input_ids.starts_with(&prompt_ids) {
            return Err(self.not_a_prefix(&prompt, &whole, &last.content));
        }
        let first_target = match loss_on {
            LossOn::Chat => 1,
            LossOn::Completion => prompt_ids.len().max(1),
        };
        let loss_mask = (0..input_ids.len()).map(|index| index >= first_target).collect();
        Ok(TokenizedRow { input_ids, loss_mask })
    }

    fn not_a_prefix(&self, prompt: &str, whole: &str, answer: &str) -> Error {
        let shared = prompt.chars().zip(whole.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        let (expected, found): (String, String) =
            (prompt[shared..].chars().take(40).collect(), whole[shared..].chars().take(40).collect());
        let message = if expected.is_empty() {
            format!("the answer {:?} joins the prompt's last token", tail(answer))
        } else {
            format!("the rendered prompt goes on with {expected:?} where the rendered conversation has {found:?}")
        };
        let path = self.template.path();
        Error::format(
            path,
            format!(
                "the prompt's tokens do not begin the conversation's: {message}; give the model folder a template that keeps them"
            ),
        )
    }
}

/// The special token that the template writes directly after the model's words, if it writes one.
fn mark_after_turn(template: &ChatTemplate, tokenizer: &Tokenizer) -> Result<Option<i64>> {
    const WORD: &str = "B";
    let question = Message::user("Q");
    let Ok(prompt) = template.render(std::slice::from_ref(&question), true) else { return Ok(None) };
    let Ok(whole) = template.render(&[question, Message::assistant(WORD)], false) else { return Ok(None) };
    let Some(rest) = whole.strip_prefix(&prompt).and_then(|rest| rest.strip_prefix(WORD)) else { return Ok(None) };
    let first = tokenizer.encode(rest)?.first().copied();
    Ok(first.filter(|id| tokenizer.is_special(*id)))
}

/// The last few characters of a text, for a message.
fn tail(text: &str) -> String {
    let mut characters: Vec<char> = text.chars().rev().take(40).collect();
    characters.reverse();
    characters.into_iter().collect()
}
