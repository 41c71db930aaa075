//! Architectures that are imported, and their sizes as transformers names them.

use serde_json::{Map, Value, json};

use super::gguf::Gguf;
use super::tokenizer::Vocabulary;
use crate::Result;

/// Keys under the architecture's own prefix that are understood. Any other may change what the model computes.
const KNOWN_KEYS: [&str; 13] = [
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_rms_epsilon",
    "attention.value_length",
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scaling.type",
    "vocab_size",
];

/// The family of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// `llama`: the rows of queries and keys are permuted.
    Llama,
    /// `qwen2`: queries, keys and values have biases.
    Qwen2,
}

/// Family and sizes of the model in a GGUF file. Invariant: sizes are positive, heads divide as attention needs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Architecture {
    pub(super) family: Family,
    pub(super) vocab_size: i64,
    pub(super) hidden_size: i64,
    pub(super) intermediate_size: i64,
    pub(super) num_layers: i64,
    pub(super) num_heads: i64,
    pub(super) num_kv_heads: i64,
    pub(super) head_dim: i64,
    pub(super) max_positions: i64,
    rope_theta: f64,
    rms_norm_eps: f64,
}

impl Architecture {
    /// Reads it from the metadata.
    pub(super) fn of(gguf: &Gguf) -> Result<Self> {
        let prefix = gguf.text("general.architecture")?;
        let family = match prefix {
            "llama" => Family::Llama,
            "qwen2" => Family::Qwen2,
            other => {
                let message = format!("expected llama or qwen2, found {other}");
                return Err(gguf.error("general.architecture", message));
            }
        };
        let key = |name: &str| format!("{prefix}.{name}");
        refuse_the_unknown(gguf, prefix)?;
        let num_heads = gguf.count(&key("attention.head_count"))?;
        let hidden_size = gguf.count(&key("embedding_length"))?;
        let theta_key = key("rope.freq_base");
        let epsilon_key = key("attention.layer_norm_rms_epsilon");
        let epsilon = gguf.optional_number(&epsilon_key)?;
        let architecture = Self {
            family,
            vocab_size: i64::try_from(gguf.texts("tokenizer.ggml.tokens")?.len()).unwrap_or(i64::MAX),
            hidden_size,
            intermediate_size: gguf.count(&key("feed_forward_length"))?,
            num_layers: gguf.count(&key("block_count"))?,
            num_heads,
            num_kv_heads: gguf.optional_count(&key("attention.head_count_kv"))?.unwrap_or(num_heads),
            head_dim: gguf.optional_count(&key("attention.key_length"))?.unwrap_or(hidden_size / num_heads),
            max_positions: gguf.count(&key("context_length"))?,
            rope_theta: gguf.optional_number(&theta_key)?.unwrap_or(10_000.0),
            rms_norm_eps: epsilon.ok_or_else(|| gguf.error(&epsilon_key, "expected this metadata key, found none"))?,
        };
        architecture.check(gguf, prefix)?;
        Ok(architecture)
    }

    fn check(&self, gguf: &Gguf, prefix: &str) -> Result<()> {
        let key = |name: &str| format!("{prefix}.{name}");
        let (heads, kv_heads, head_dim) = (self.num_heads, self.num_kv_heads, self.head_dim);
        if kv_heads == 0 || heads % kv_heads != 0 {
            let message = format!("expected a divisor of the {heads} heads, found {kv_heads}");
            return Err(gguf.error(&key("attention.head_count_kv"), message));
        }
        let derived = gguf.optional_count(&key("attention.key_length"))?.is_none();
        if head_dim == 0 || head_dim % 2 != 0 || (derived && heads * head_dim != self.hidden_size) {
            let message = format!("{heads} heads do not divide a width of {} into even sizes", self.hidden_size);
            return Err(gguf.error(&key("attention.head_count"), message));
        }
        for name in ["attention.value_length", "rope.dimension_count"] {
            let found = gguf.optional_count(&key(name))?.unwrap_or(head_dim);
            if found != head_dim {
                let message = format!("expected the size of a head, {head_dim}, found {found}");
                return Err(gguf.error(&key(name), message));
            }
        }
        let vocab_size = gguf.optional_count(&key("vocab_size"))?.unwrap_or(self.vocab_size);
        if vocab_size != self.vocab_size {
            let message =
                format!("expected the {} tokens of tokenizer.ggml.tokens, found {vocab_size}", self.vocab_size);
            return Err(gguf.error(&key("vocab_size"), message));
        }
        Ok(())
    }

    /// `config.json`, as transformers 5 writes it; `rope_theta` is repeated at the top, where transformers 4 looks.
    pub(super) fn config(&self, vocabulary: &Vocabulary, tied: bool) -> Value {
        let mut config = Map::new();
        let mut put = |key: &str, value: Value| config.insert(key.to_owned(), value);
        match self.family {
            Family::Llama => {
                put("architectures", json!(["LlamaForCausalLM"]));
                put("model_type", json!("llama"));
                put("attention_bias", json!(false));
                put("mlp_bias", json!(false));
                put("head_dim", json!(self.head_dim));
            }
            Family::Qwen2 => {
                put("architectures", json!(["Qwen2ForCausalLM"]));
                put("model_type", json!("qwen2"));
                put("use_sliding_window", json!(false));
            }
        }
        put("dtype", json!("float32"));
        put("hidden_act", json!("silu"));
        put("hidden_size", json!(self.hidden_size));
        put("intermediate_size", json!(self.intermediate_size));
        put("max_position_embeddings", json!(self.max_positions));
        put("num_attention_heads", json!(self.num_heads));
        put("num_hidden_layers", json!(self.num_layers));
        put("num_key_value_heads", json!(self.num_kv_heads));
        put("rms_norm_eps", json!(self.rms_norm_eps));
        put("rope_parameters", json!({ "rope_theta": self.rope_theta, "rope_type": "default" }));
        put("rope_theta", json!(self.rope_theta));
        put("tie_word_embeddings", json!(tied));
        put("vocab_size", json!(self.vocab_size));
        for (name, id) in vocabulary.special_ids() {
            put(&format!("{name}_token_id"), json!(id));
        }
        Value::Object(config)
    }
}

fn refuse_the_unknown(gguf: &Gguf, prefix: &str) -> Result<()> {
    let of_architecture = |key: &&str| key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
    let known = |key: &str| KNOWN_KEYS.contains(&&key[prefix.len() + 1..]);
    if let Some(key) = gguf.keys().filter(of_architecture).find(|key| !known(key)) {
        return Err(gguf.error(key, "this metadata key is not understood and may change what the model computes"));
    }
    let key = format!("{prefix}.rope.scaling.type");
    match gguf.optional_text(&key)? {
        None | Some("none") => Ok(()),
        Some(other) => Err(gguf.error(&key, format!("expected none, found {other}"))),
    }
}
