//! Training rows as a reader can check them: their text, and what of it the loss predicts.

use std::fmt;

use crate::Result;
use crate::chat::{TokenizedRow, Tokenizer};

/// The text of a row in pieces, each whole inside or whole outside the loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRow {
    pieces: Vec<(String, bool)>,
}

impl PreviewRow {
    /// The text of `row`, its special tokens included.
    ///
    /// # Errors
    /// [`Error::Format`](crate::Error::Format) if the tokenizer does not know an id.
    pub fn new(row: &TokenizedRow, tokenizer: &Tokenizer) -> Result<Self> {
        let tokens: Vec<(i64, bool)> = row.input_ids.iter().copied().zip(row.loss_mask.iter().copied()).collect();
        let pieces = tokens.chunk_by(|left, right| left.1 == right.1).map(|run| {
            let ids: Vec<i64> = run.iter().map(|(id, _)| *id).collect();
            Ok((tokenizer.decode_whole(&ids)?, run[0].1))
        });
        Ok(Self { pieces: pieces.collect::<Result<_>>()? })
    }

    /// The row with what the loss predicts in green, for a terminal.
    #[must_use]
    pub fn coloured(&self) -> String {
        self.marked("\u{1b}[32m", "\u{1b}[0m")
    }

    fn marked(&self, begin: &str, end: &str) -> String {
        let mark = |(text, is_target): &(String, bool)| {
            if *is_target { format!("{begin}{text}{end}") } else { text.clone() }
        };
        self.pieces.iter().map(mark).collect()
    }
}

impl fmt::Display for PreviewRow {
    /// The row with what the loss predicts between `⟦` and `⟧`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.marked("⟦", "⟧"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_loss_predicts_is_marked() {
        let pieces = vec![("Question ? ".to_owned(), false), ("B".to_owned(), true)];
        let row = PreviewRow { pieces };
        assert_eq!(row.to_string(), "Question ? ⟦B⟧");
        assert_eq!(row.coloured(), "Question ? \u{1b}[32mB\u{1b}[0m");
    }
}
