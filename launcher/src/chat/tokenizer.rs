//! Text to token ids and back.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// A model's tokenizer, from its `tokenizer.json`. It adds no token of its own: the template writes them all.
#[derive(Debug)]
pub struct Tokenizer {
    path: PathBuf,
    inner: tokenizers::Tokenizer,
}

impl Tokenizer {
    /// Reads `tokenizer.json` of a model folder.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be read; [`Error::Format`] if it is not a tokenizer.
    pub fn load(model: &Path) -> Result<Self> {
        let path = model.join("tokenizer.json");
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        let wrong = |error: tokenizers::Error| Error::format(&path, format!("not a tokenizer: {error}"));
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(wrong)?;
        // Rows are cut by our own rule, and batches are packed.
        inner.with_truncation(None).map_err(wrong)?;
        inner.with_padding(None);
        Ok(Self { path, inner })
    }

    /// Token ids of `text`.
    ///
    /// # Errors
    /// [`Error::Format`] if the tokenizer cannot encode it, as one without an unknown token may not.
    pub fn encode(&self, text: &str) -> Result<Vec<i64>> {
        let encoding = self
            .inner
            .encode_fast(text, false)
            .map_err(|error| Error::format(&self.path, format!("cannot encode: {error}")))?;
        Ok(encoding.get_ids().iter().copied().map(i64::from).collect())
    }

    /// Text of `ids`, without the special tokens among them.
    ///
    /// # Errors
    /// [`Error::Format`] if an id is none of a token, or the tokenizer fails.
    pub fn decode(&self, ids: &[i64]) -> Result<String> {
        self.text(ids, true)
    }

    /// Text of `ids`, with the special tokens among them.
    ///
    /// # Errors
    /// As of [`Tokenizer::decode`].
    pub fn decode_whole(&self, ids: &[i64]) -> Result<String> {
        self.text(ids, false)
    }

    fn text(&self, ids: &[i64], skips_special: bool) -> Result<String> {
        let ids = ids
            .iter()
            .map(|id| u32::try_from(*id).map_err(|_| Error::format(&self.path, format!("{id} is no token id"))))
            .collect::<Result<Vec<_>>>()?;
        self.inner
            .decode(&ids, skips_special)
            .map_err(|error| Error::format(&self.path, format!("cannot decode: {error}")))
    }

    /// Id of the token that is written `token`.
    #[must_use]
    pub fn token_id(&self, token: &str) -> Option<i64> {
        self.inner.token_to_id(token).map(i64::from)
    }

    /// Whether `id` is a special token, such as the mark that ends a turn.
    #[must_use]
    pub fn is_special(&self, id: i64) -> bool {
        let tokens = self.inner.get_added_tokens_decoder();
        u32::try_from(id).ok().and_then(|id| tokens.get(&id).map(|token| token.special)).unwrap_or(false)
    }

    /// One more than the largest token id.
    #[must_use]
    pub fn vocabulary_size(&self) -> usize {
        self.inner.get_vocab(true).values().max().map_or(0, |largest| *largest as usize + 1)
    }

    /// The file that the tokenizer came from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_files_are_errors_that_name_the_file() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Tokenizer::load(directory.path()).unwrap_err().to_string().contains("tokenizer.json"));
        for text in ["", "{}", r#"{"model":{"type":"BPE","vocab":{},"merges":[["a","b"]]}}"#, "\u{0}"] {
            std::fs::write(directory.path().join("tokenizer.json"), text).unwrap();
            let message = Tokenizer::load(directory.path()).unwrap_err().to_string();
            assert!(message.contains("tokenizer.json: not a tokenizer"), "{message}");
        }
    }
}
