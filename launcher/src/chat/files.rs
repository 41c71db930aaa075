//! The small JSON files of a model folder, of which any may be absent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::{Error, Result};

/// Special tokens that a template can ask for, by the names that transformers gives them.
const SPECIAL_TOKENS: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// The JSON object in `path`, empty where there is no such file.
pub(super) fn optional_object(path: &Path) -> Result<Map<String, Value>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(error) => return Err(Error::io(path)(error)),
    };
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Error::format(path, "expected a JSON object")),
        Err(error) => Err(Error::format(path, format!("not JSON: {error}"))),
    }
}

/// `tokenizer_config.json` of a model folder: the special tokens and perhaps the template.
#[derive(Debug)]
pub(super) struct TokenizerConfig {
    /// Where it is, or would be.
    pub(super) path: PathBuf,
    /// Its keys.
    pub(super) object: Map<String, Value>,
    /// Text of each special token that is named.
    pub(super) special_tokens: BTreeMap<String, String>,
}

impl TokenizerConfig {
    /// Reads it; `special_tokens_map.json`, which older folders have, fills in what it leaves out.
    pub(super) fn load(model: &Path) -> Result<Self> {
        let path = model.join("tokenizer_config.json");
        let object = optional_object(&path)?;
        let older_path = model.join("special_tokens_map.json");
        let older = optional_object(&older_path)?;
        let mut special_tokens = BTreeMap::new();
        for (file, map) in [(&older_path, &older), (&path, &object)] {
            for name in SPECIAL_TOKENS {
                if let Some(text) = token_text(file, name, map.get(name))? {
                    special_tokens.insert(name.to_owned(), text);
                }
            }
        }
        Ok(Self { path, object, special_tokens })
    }
}

/// A token is written as its text, or as an object whose `content` is its text.
fn token_text(path: &Path, name: &str, value: Option<&Value>) -> Result<Option<String>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Object(object)) if object.get("content").is_some_and(Value::is_string) => {
            Ok(object["content"].as_str().map(str::to_owned))
        }
        Some(other) => Err(Error::format(path, format!("{name}: expected a token's text, found {other}"))),
    }
}

/// The token ids under `eos_token_id`: one, several, or none.
pub(super) fn eos_token_ids(path: &Path) -> Result<Vec<i64>> {
    let object = optional_object(path)?;
    let wrong = |value: &Value| {
        Error::format(path, format!("eos_token_id: expected a token id or a list of them, found {value}"))
    };
    let id = |value: &Value| value.as_i64().filter(|id| *id >= 0).ok_or_else(|| wrong(value));
    match object.get("eos_token_id") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(ids)) => ids.iter().map(id).collect(),
        Some(value) => Ok(vec![id(value)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_may_be_text_object_or_null() {
        let directory = tempfile::tempdir().unwrap();
        let text = r#"{"eos_token":{"content":"</s>"},"bos_token":null,"pad_token":"<pad>"}"#;
        std::fs::write(directory.path().join("tokenizer_config.json"), text).unwrap();
        std::fs::write(directory.path().join("special_tokens_map.json"), r#"{"unk_token":"?","pad_token":"x"}"#)
            .unwrap();
        let tokens = TokenizerConfig::load(directory.path()).unwrap().special_tokens;
        let found: Vec<_> = tokens.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(found, [("eos_token", "</s>"), ("pad_token", "<pad>"), ("unk_token", "?")]);
    }

    #[test]
    fn hostile_files_are_errors_that_name_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokenizer_config.json");
        for text in ["", "[]", "{", r#"{"eos_token":3}"#, r#"{"eos_token":{"content":3}}"#, "\u{feff}{}"] {
            std::fs::write(&path, text).unwrap();
            let message = TokenizerConfig::load(directory.path()).unwrap_err().to_string();
            assert!(message.contains("tokenizer_config.json"), "{message}");
        }
        let path = directory.path().join("generation_config.json");
        for text in [r#"{"eos_token_id":"x"}"#, r#"{"eos_token_id":[1,-1]}"#, r#"{"eos_token_id":1.5}"#] {
            std::fs::write(&path, text).unwrap();
            assert!(eos_token_ids(&path).unwrap_err().to_string().contains("eos_token_id"));
        }
    }
}
