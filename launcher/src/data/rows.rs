//! Training rows as token ids.

use std::path::Path;

use medinjection_fr::provenance::Lines;
use medinjection_fr::render::{Message, Role, TrainingRow};

use crate::chat::{Chat, LossOn, TokenizedRow};
use crate::{Error, Result};

/// The rows of a training file, as the model reads them.
#[derive(Debug)]
pub struct Dataset {
    /// The rows, in the order of the file.
    pub rows: Vec<TokenizedRow>,
    /// How many lost the beginning of their question.
    pub num_truncated: usize,
}

impl Dataset {
    /// Reads the JSON Lines file `path` and tokenizes its rows.
    ///
    /// A row longer than `max_tokens` loses the beginning of its longest user message, never the template's marks nor
    /// the answer. Blank lines and a byte-order mark are passed over.
    ///
    /// # Errors
    /// [`Error::Library`] naming the line if the file cannot be read, has no row or one that is not a training row; if a row
    /// is too long without its question; if it holds no target.
    pub fn load(path: &Path, chat: &Chat, loss_on: LossOn, max_tokens: usize) -> Result<Self> {
        let mut dataset = Self { rows: Vec::new(), num_truncated: 0 };
        each_row(path, chat, (loss_on, max_tokens), |_, row, truncated| {
            dataset.num_truncated += usize::from(truncated);
            dataset.rows.push(row);
            Ok(())
        })?;
        if dataset.rows.is_empty() {
            return Err(Error::format(path, "expected at least one training row, found none"));
        }
        Ok(dataset)
    }

    /// Tokens of each row.
    #[must_use]
    pub fn lengths(&self) -> Vec<usize> {
        self.rows.iter().map(|row| row.input_ids.len()).collect()
    }
}

/// Gives each row of the JSON Lines file `path` to `take`, with its tokens and whether it had to be shortened, which its messages then
/// are.
///
/// # Errors
/// Those of [`Dataset::load`], but for a file without rows; what `take` finds wrong with a row, with the line.
pub fn each_row(
    path: &Path,
    chat: &Chat,
    (loss_on, max_tokens): (LossOn, usize),
    mut take: impl FnMut(TrainingRow, TokenizedRow, bool) -> Result<(), String>,
) -> Result<()> {
    for line in Lines::open(path)? {
        let (number, line) = line?;
        let at = |message: String| Error::from(medinjection_fr::Error::row(path, number, message));
        let mut row: TrainingRow =
            serde_json::from_slice(&line).map_err(|error| at(format!("not a training row: {error}")))?;
        let (tokenized, truncated) =
            tokenize(&mut row.messages, chat, loss_on, max_tokens).map_err(|error| at(error.to_string()))?;
        take(row, tokenized, truncated).map_err(at)?;
    }
    Ok(())
}

/// Tokens of a row that the loss predicts.
#[must_use]
pub fn num_targets(row: &TokenizedRow) -> usize {
    row.loss_mask.iter().filter(|is_target| **is_target).count()
}

/// The row, and whether its messages had to be shortened, which they then are.
fn tokenize(messages: &mut [Message], chat: &Chat, loss_on: LossOn, max_tokens: usize) -> Result<(TokenizedRow, bool)> {
    let whole = chat.tokenize_row(messages, loss_on)?;
    let truncated = whole.input_ids.len() > max_tokens;
    let row = if truncated { shorten(messages, chat, loss_on, max_tokens)? } else { whole };
    if num_targets(&row) == 0 {
        return Err(Error::Environment("expected a row with a token that the loss predicts, found none".into()));
    }
    Ok((row, truncated))
}

/// Takes as few characters as possible from the beginning of the longest user message.
fn shorten(messages: &mut [Message], chat: &Chat, loss_on: LossOn, max_tokens: usize) -> Result<TokenizedRow> {
    let is_user = |(_, message): &(usize, &Message)| message.role == Role::User;
    let longest = messages.iter().enumerate().filter(is_user).max_by_key(|(_, message)| message.content.len());
    let Some((index, content)) = longest.map(|(index, message)| (index, message.content.clone())) else {
        return Err(Error::Environment(format!(
            "longer than {max_tokens} tokens, and without a user message to shorten"
        )));
    };
    let ends: Vec<usize> = content.char_indices().map(|(end, _)| end).chain([content.len()]).collect();
    let mut without = |dropped: usize| {
        content[ends[dropped]..].clone_into(&mut messages[index].content);
        chat.tokenize_row(messages, loss_on)
    };
    let (mut too_few, mut dropped) = (0, content.chars().count());
    let shortest = without(dropped)?.input_ids.len();
    if shortest > max_tokens {
        return Err(Error::Environment(format!(
            "{shortest} tokens without its question, more than max_tokens {max_tokens}"
        )));
    }
    while too_few + 1 < dropped {
        let middle = usize::midpoint(too_few, dropped);
        if without(middle)?.input_ids.len() > max_tokens { too_few = middle } else { dropped = middle }
    }
    // What was last found short enough; fewer characters may be more tokens, so that nothing else is sure.
    without(dropped)
}
