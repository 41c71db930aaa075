//! Rows as token ids, with the tokens that the loss predicts.

use std::path::Path;

use medinjection_fr::render::{Message, Role};
use serde::{Deserialize, Serialize};

use super::files::{TokenizerConfig, eos_token_ids};
use super::{ChatTemplate, Tokenizer};
use crate::{Error, Result};

/// Which tokens of a row the loss predicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LossOn {
    /// Every token of the rendered conversation but the first, which nothing comes before.
    #[default]
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
    /// [`Error::Library`] if it does not; [`Error::Format`] if the template refuses it, or if the tokens of the rendered prompt are not
    /// the first tokens of the rendered conversation (a model trained so would answer another prompt than it is asked).
    pub fn tokenize_row(&self, messages: &[Message], loss_on: LossOn) -> Result<TokenizedRow> {
        let Some((last, before)) = messages.split_last().filter(|(last, _)| last.role == Role::Assistant) else {
            let found =
                messages.last().map_or("no message".to_owned(), |last| format!("a turn of the {}", name(last.role)));
            let message = format!("messages: expected the model's turn (role assistant) last, found {found}");
            return Err(medinjection_fr::Error::Data(message).into());
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

fn name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CHATML: &str = "{% for m in messages %}<s>{{ m.role }}:{{ m.content }}<e>\n{% endfor %}{% if add_generation_prompt %}<s>assistant:{% endif %}";

    /// A model folder whose tokens are the letters of ASCII, `: `, and the marks `<s>` and `<e>`.
    fn folder(template: &str, config: &serde_json::Value) -> tempfile::TempDir {
        let mut vocabulary: serde_json::Map<_, _> =
            (' '..='~').chain(['\n']).enumerate().map(|(id, letter)| (letter.to_string(), json!(id))).collect();
        vocabulary.insert(": ".to_owned(), json!(96));
        let marks = ["<s>", "<e>"].iter().zip(97..).map(|(mark, id)| {
            json!({ "id": id, "content": mark, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true })
        });
        let tokenizer = json!({
            "version": "1.0",
            "added_tokens": marks.collect::<Vec<_>>(),
            "model": { "type": "BPE", "vocab": vocabulary, "merges": [[":", " "]] },
        });
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        write("tokenizer.json", &tokenizer.to_string());
        write("tokenizer_config.json", &config.to_string());
        write("chat_template.jinja", template);
        directory
    }

    fn chat(template: &str) -> Chat {
        Chat::load(folder(template, &json!({})).path()).unwrap()
    }

    #[test]
    fn the_loss_is_over_the_whole_chat_or_the_last_turn() {
        let chat = chat(CHATML);
        let messages = [Message::user("Q"), Message::assistant("B, C")];
        let row = chat.tokenize_row(&messages, LossOn::Chat).unwrap();
        assert_eq!(row.input_ids.len(), row.loss_mask.len());
        assert_eq!(row.loss_mask.iter().filter(|target| !**target).count(), 1);
        assert!(!row.loss_mask[0]);
        let row = chat.tokenize_row(&messages, LossOn::Completion).unwrap();
        let targets: Vec<_> = row.input_ids.iter().zip(&row.loss_mask).filter(|(_, target)| **target).collect();
        assert_eq!(targets.len(), "B, C".len() + 2, "the answer, <e> and the line end");
    }

    #[test]
    fn a_template_that_changes_the_prompt_is_an_error_that_says_where() {
        let thinks = "{% for m in messages %}<s>{{ m.role }}:{{ m.content }}<e>{% endfor %}{% if add_generation_prompt %}<s>assistant:<t></t>{% endif %}";
        let messages = [Message::user("Q"), Message::assistant("B")];
        let thinking = Chat::load(folder(thinks, &json!({ "eos_token": "<e>" })).path()).unwrap();
        let message = thinking.tokenize_row(&messages, LossOn::Chat).unwrap_err().to_string();
        assert!(message.contains("chat_template.jinja") && message.contains("\"<t></t>\""), "{message}");
        let joined = [Message::user("Q"), Message::assistant(" B")];
        let message = chat(CHATML).tokenize_row(&joined, LossOn::Chat).unwrap_err().to_string();
        assert!(message.contains("joins the prompt's last token"), "{message}");
        let message = chat(CHATML).continuation_ids("x:", " B").unwrap_err().to_string();
        assert!(message.contains("tokenizer.json"), "{message}");
    }

    #[test]
    fn a_row_ends_with_the_models_turn() {
        let turns = || vec![Message::assistant("B"), Message::user("Q")];
        for (messages, found) in [(vec![], "no message"), (turns(), "a turn of the user")] {
            let message = chat(CHATML).tokenize_row(&messages, LossOn::Chat).unwrap_err().to_string();
            let expected = format!("messages: expected the model's turn (role assistant) last, found {found}");
            assert_eq!(message, expected, "the row is to blame, and no file of the model");
        }
    }

    #[test]
    fn the_mark_after_the_turn_ends_it_else_the_named_token() {
        let named = json!({ "eos_token": "<s>" });
        let marked = Chat::load(folder(CHATML, &named).path()).unwrap();
        assert_eq!((marked.end_of_turn(), marked.stop_ids()), (98, &[97, 98][..]));
        let unmarked = "{% for m in messages %}{{ m.content }}|{% endfor %}";
        assert_eq!(Chat::load(folder(unmarked, &named).path()).unwrap().end_of_turn(), 97);
        let message = Chat::load(folder(unmarked, &json!({})).path()).unwrap_err().to_string();
        assert!(message.contains("nothing says how the model's turn ends"), "{message}");
        let generation = folder(unmarked, &json!({}));
        std::fs::write(generation.path().join("generation_config.json"), r#"{"eos_token_id":[97,98]}"#).unwrap();
        assert_eq!(Chat::load(generation.path()).unwrap().stop_ids(), [97, 98]);
    }
}
