//! The tokenizer inside a GGUF file, as `tokenizer.json` and its companions.
//!
//! llama.cpp names the rule that cuts text before the merges (`tokenizer.ggml.pre`); each rule is written here as the
//! original tokenizer has it. An unknown rule is refused: it would give other tokens, silently.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::gguf::Gguf;
use crate::Result;

const TOKENS_KEY: &str = "tokenizer.ggml.tokens";
const MERGES_KEY: &str = "tokenizer.ggml.merges";
const PRE_KEY: &str = "tokenizer.ggml.pre";

/// Types of tokens that are matched whole, before the text is cut: marks of the template, and words of the model's makers.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

/// How Qwen2 cuts text: contractions, letters with one sign before them, single digits, signs, white space.
const QWEN2_PATTERN: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

/// Special tokens: the name that transformers gives them, and llama.cpp's.
const SPECIAL_TOKENS: [(&str, &str); 4] = [("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown")];

/// Tokens, merges and special tokens of a GGUF file.
#[derive(Debug)]
pub(super) struct Vocabulary<'a> {
    gguf: &'a Gguf,
    tokens: Vec<&'a str>,
    token_types: Vec<i64>,
    merges: Vec<(&'a str, &'a str)>,
    special_ids: BTreeMap<&'static str, i64>,
    chat_template: Option<&'a str>,
}

impl<'a> Vocabulary<'a> {
    /// Reads it from the metadata.
    pub(super) fn of(gguf: &'a Gguf) -> Result<Self> {
        match gguf.text("tokenizer.ggml.model")? {
            "gpt2" => {}
            other => return Err(gguf.error("tokenizer.ggml.model", format!("expected gpt2, found {other}"))),
        }
        let tokens = gguf.texts(TOKENS_KEY)?;
        if tokens.iter().collect::<BTreeSet<_>>().len() != tokens.len() {
            return Err(gguf.error(TOKENS_KEY, "expected every token once, found one twice"));
        }
        let token_types = gguf.integers("tokenizer.ggml.token_type")?;
        if token_types.len() != tokens.len() {
            let message = format!("expected one for each of {} tokens, found {}", tokens.len(), token_types.len());
            return Err(gguf.error("tokenizer.ggml.token_type", message));
        }
        let split = |merge: &'a str| {
            let wrong = || gguf.error(MERGES_KEY, format!("expected two tokens and a space between, found {merge:?}"));
            merge.split_once(' ').ok_or_else(wrong)
        };
        let merges = gguf.texts(MERGES_KEY)?.into_iter().map(split).collect::<Result<_>>()?;
        let mut special_ids = BTreeMap::new();
        for (name, in_gguf) in SPECIAL_TOKENS {
            let key = format!("tokenizer.ggml.{in_gguf}_token_id");
            if let Some(id) = gguf.optional_count(&key)? {
                if usize::try_from(id).is_ok_and(|id| tokens.len() <= id) {
                    let message = format!("expected the id of one of {} tokens, found {id}", tokens.len());
                    return Err(gguf.error(&key, message));
                }
                special_ids.insert(name, id);
            }
        }
        let chat_template = gguf.optional_text("tokenizer.chat_template")?;
        Ok(Self { gguf, tokens, token_types, merges, special_ids, chat_template })
    }

    /// Ids of the special tokens that `config.json` names, by transformers' names.
    pub(super) fn special_ids(&self) -> impl Iterator<Item = (&'static str, i64)> {
        self.special_ids.iter().filter(|(name, _)| **name != "unk").map(|(name, id)| (*name, *id))
    }

    /// `generation_config.json`
    pub(super) fn generation_config(&self) -> Value {
        Value::Object(self.special_ids().map(|(name, id)| (format!("{name}_token_id"), json!(id))).collect())
    }

    /// `tokenizer_config.json`
    pub(super) fn tokenizer_config(&self, max_positions: i64) -> Value {
        let mut config = Map::new();
        config.insert("add_prefix_space".to_owned(), json!(false));
        if let Some(template) = self.chat_template {
            config.insert("chat_template".to_owned(), json!(template));
        }
        config.insert("clean_up_tokenization_spaces".to_owned(), json!(false));
        config.insert("model_max_length".to_owned(), json!(max_positions));
        config.insert("tokenizer_class".to_owned(), json!("PreTrainedTokenizerFast"));
        for (name, id) in &self.special_ids {
            let token = usize::try_from(*id).ok().and_then(|id| self.tokens.get(id));
            config.insert(format!("{name}_token"), json!(token));
        }
        Value::Object(config)
    }

    /// `tokenizer.json`
    pub(super) fn tokenizer(&self) -> Result<String> {
        let (normalizer, pre_tokenizer) = self.rules()?;
        let vocabulary: Map<String, Value> =
            self.tokens.iter().enumerate().map(|(id, token)| ((*token).to_owned(), json!(id))).collect();
        let tokenizer = json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": self.added_tokens(),
            "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer,
            "post_processor": null,
            "decoder": byte_level(true),
            "model": {
                "type": "BPE",
                "dropout": null,
                "unk_token": null,
                "continuing_subword_prefix": null,
                "end_of_word_suffix": null,
                "fuse_unk": false,
                "byte_fallback": false,
                "ignore_merges": false,
                "vocab": vocabulary,
                "merges": self.merges,
            },
        });
        let text = format!("{tokenizer:#}\n");
        // Merges of tokens that are not there are found here, not when somebody loads the folder.
        tokenizers::Tokenizer::from_bytes(&text).map_err(|error| self.gguf.error(MERGES_KEY, error))?;
        Ok(text)
    }

    fn added_tokens(&self) -> Vec<Value> {
        let whole = self.tokens.iter().zip(&self.token_types).enumerate();
        whole
            .filter(|(_, (_, kind))| [CONTROL, USER_DEFINED].contains(kind))
            .map(|(id, (token, kind))| {
                json!({
                    "id": id,
                    "content": token,
                    "single_word": false,
                    "lstrip": false,
                    "rstrip": false,
                    "normalized": false,
                    "special": *kind == CONTROL,
                })
            })
            .collect()
    }

    /// Normalizer and pre-tokenizer.
    fn rules(&self) -> Result<(Value, Value)> {
        let split = || json!({ "type": "Split", "pattern": { "Regex": QWEN2_PATTERN }, "behavior": "Isolated", "invert": false });
        match self.gguf.text(PRE_KEY)? {
            "gpt-2" => Ok((Value::Null, byte_level(true))),
            "smollm" => {
                let digits = json!({ "type": "Digits", "individual_digits": true });
                Ok((Value::Null, sequence(&digits, &byte_level(true))))
            }
            "qwen2" => Ok((json!({ "type": "NFC" }), sequence(&split(), &byte_level(false)))),
            other => Err(self.gguf.error(PRE_KEY, format!("expected smollm, qwen2 or gpt-2, found {other}"))),
        }
    }
}

fn sequence(first: &Value, second: &Value) -> Value {
    json!({ "type": "Sequence", "pretokenizers": [first, second] })
}

/// GPT-2's byte-level rule; with `use_regex`, it cuts text itself.
fn byte_level(use_regex: bool) -> Value {
    json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex })
}
