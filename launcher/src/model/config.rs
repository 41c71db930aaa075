//! What `config.json` says of a model, as transformers 4 and 5 write it.
//!
//! Refuses what it could only compute wrongly: unknown architectures, rope types and activations, sliding windows,
//! quantised weights.

use std::path::Path;

use serde::Deserialize;

use super::rope::Rope;
use crate::{Error, Result};

/// Family of a causal model; the families differ in biases and in the norms of queries and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// `Qwen3ForCausalLM`: norms on queries and keys.
    Qwen3,
    /// `Qwen2ForCausalLM`: biases on queries, keys and values.
    Qwen2,
    /// `LlamaForCausalLM`: neither, unless the configuration asks for biases.
    Llama,
}

/// Sizes and constants of a causal model. Invariant: every size is positive, and query heads are a multiple of the key heads.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "the families differ in just these switches")]
pub struct ModelConfig {
    /// Family of the model.
    pub architecture: Architecture,
    /// Rows of the embedding and of the output layer.
    pub vocab_size: i64,
    /// Width of the residual stream.
    pub hidden_size: i64,
    /// Width inside the feed-forward layer.
    pub intermediate_size: i64,
    /// Number of blocks.
    pub num_layers: i64,
    /// Number of query heads.
    pub num_heads: i64,
    /// Number of key and value heads.
    pub num_kv_heads: i64,
    /// Width of one head.
    pub head_dim: i64,
    /// Longest sequence, in tokens, that the model was made for.
    pub max_positions: i64,
    /// Constant added to the mean square in every norm.
    pub rms_norm_eps: f64,
    /// Rotation of queries and keys by position.
    pub rope: Rope,
    /// Whether queries, keys and values have a bias.
    pub qkv_bias: bool,
    /// Whether the output projection of attention has a bias.
    pub attention_output_bias: bool,
    /// Whether the feed-forward projections have biases.
    pub mlp_bias: bool,
    /// Whether the output layer is the embedding.
    pub tie_word_embeddings: bool,
}

impl ModelConfig {
    /// Reads `config.json` of the model folder `directory`.
    ///
    /// # Errors
    /// [`Error::Library`] if the file cannot be read, [`Error::Format`] if it does not describe a model that can be computed here.
    pub fn load(directory: &Path) -> Result<Self> {
        let path = directory.join("config.json");
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        let raw: RawConfig = serde_json::from_str(&text).map_err(|error| Error::format(&path, error))?;
        raw.check().map_err(|message| Error::format(&path, message))
    }

    /// Whether queries and keys pass through a norm of their own.
    #[must_use]
    pub fn has_qk_norm(&self) -> bool {
        self.architecture == Architecture::Qwen3
    }
}

/// The file's shape; keys that do not change the arithmetic are ignored.
#[derive(Debug, Deserialize)]
struct RawConfig {
    #[serde(default)]
    architectures: Vec<String>,
    vocab_size: i64,
    hidden_size: i64,
    intermediate_size: i64,
    num_hidden_layers: i64,
    num_attention_heads: i64,
    num_key_value_heads: Option<i64>,
    head_dim: Option<i64>,
    max_position_embeddings: i64,
    rms_norm_eps: f64,
    hidden_act: Option<String>,
    rope_theta: Option<f64>,
    rope_scaling: Option<RawRope>,
    rope_parameters: Option<RawRope>,
    partial_rotary_factor: Option<f64>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    tie_word_embeddings: Option<bool>,
    use_sliding_window: Option<bool>,
    layer_types: Option<Vec<String>>,
    quantization_config: Option<serde_json::Value>,
}

/// `rope_parameters` of transformers 5, or `rope_scaling` of transformers 4.
#[derive(Debug, Default, Deserialize)]
struct RawRope {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f64>,
    partial_rotary_factor: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
}

impl RawConfig {
    fn check(self) -> Result<ModelConfig, String> {
        let architecture = self.architecture()?;
        self.refuse_the_unknown()?;
        let rope = self.rope()?;
        let attention_bias = self.attention_bias.unwrap_or(false);
        let config = ModelConfig {
            architecture,
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_layers: self.num_hidden_layers,
            num_heads: self.num_attention_heads,
            num_kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim: self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads.max(1)),
            max_positions: self.max_position_embeddings,
            rms_norm_eps: self.rms_norm_eps,
            rope,
            qkv_bias: attention_bias || architecture == Architecture::Qwen2,
            attention_output_bias: attention_bias && architecture != Architecture::Qwen2,
            mlp_bias: self.mlp_bias.unwrap_or(false) && architecture == Architecture::Llama,
            tie_word_embeddings: self.tie_word_embeddings.unwrap_or(false),
        };
        check_sizes(&config)?;
        Ok(config)
    }

    fn architecture(&self) -> Result<Architecture, String> {
        match self.architectures.as_slice() {
            [name] => match name.as_str() {
                "Qwen3ForCausalLM" => Ok(Architecture::Qwen3),
                "Qwen2ForCausalLM" => Ok(Architecture::Qwen2),
                "LlamaForCausalLM" => Ok(Architecture::Llama),
                other => Err(format!(
                    "architectures: expected Qwen3ForCausalLM, Qwen2ForCausalLM or LlamaForCausalLM, found {other}"
                )),
            },
            others => Err(format!("architectures: expected one name, found {}", others.len())),
        }
    }

    fn refuse_the_unknown(&self) -> Result<(), String> {
        if let Some(other) = self.hidden_act.as_deref().filter(|name| *name != "silu") {
            return Err(format!("hidden_act: expected silu, found {other}"));
        }
        if self.use_sliding_window == Some(true) {
            return Err("use_sliding_window: expected false, found true; sliding windows are not supported".into());
        }
        let types = self.layer_types.iter().flatten();
        if let Some(other) = types.into_iter().find(|name| *name != "full_attention") {
            return Err(format!("layer_types: expected full_attention in every layer, found {other}"));
        }
        if self.quantization_config.is_some() {
            return Err("quantization_config: expected weights that are not quantised".into());
        }
        Ok(())
    }

    fn rope(&self) -> Result<Rope, String> {
        let unscaled = RawRope::default();
        let (section, scaling) = match (&self.rope_parameters, &self.rope_scaling) {
            (Some(raw), _) => ("rope_parameters", raw),
            (None, Some(raw)) => ("rope_scaling", raw),
            (None, None) => ("rope_parameters", &unscaled),
        };
        let theta = scaling.rope_theta.or(self.rope_theta).ok_or("rope_theta: expected a number, found none")?;
        if let Some(part) = scaling.partial_rotary_factor.or(self.partial_rotary_factor).filter(|part| *part < 1.0) {
            return Err(format!("partial_rotary_factor: expected 1, found {part}"));
        }
        let number = |name: &str, value: Option<f64>| match value {
            Some(value) if value.is_finite() && 0.0 < value => Ok(value),
            Some(value) => Err(format!("{section}.{name}: expected a positive number, found {value}")),
            None => Err(format!("{section}.{name}: expected a number, found none")),
        };
        number("rope_theta", Some(theta))?;
        match scaling.rope_type.as_deref() {
            None | Some("default") => Ok(Rope::Default { theta }),
            Some("llama3") => {
                let low_freq_factor = number("low_freq_factor", scaling.low_freq_factor)?;
                let high_freq_factor = number("high_freq_factor", scaling.high_freq_factor)?;
                if high_freq_factor <= low_freq_factor {
                    return Err(format!(
                        "{section}.high_freq_factor: expected more than low_freq_factor {low_freq_factor}, found {high_freq_factor}"
                    ));
                }
                let factor = number("factor", scaling.factor)?;
                let positions = scaling.original_max_position_embeddings;
                let original_max_positions = number("original_max_position_embeddings", positions)?;
                Ok(Rope::Llama3 { theta, factor, low_freq_factor, high_freq_factor, original_max_positions })
            }
            Some(other) => Err(format!("{section}.rope_type: expected default or llama3, found {other}")),
        }
    }
}

fn check_sizes(config: &ModelConfig) -> Result<(), String> {
    let sizes = [
        ("vocab_size", config.vocab_size),
        ("hidden_size", config.hidden_size),
        ("intermediate_size", config.intermediate_size),
        ("num_hidden_layers", config.num_layers),
        ("num_attention_heads", config.num_heads),
        ("num_key_value_heads", config.num_kv_heads),
        ("head_dim", config.head_dim),
        ("max_position_embeddings", config.max_positions),
    ];
    // The upper bound keeps products of two sizes inside 64 bits, whatever a hostile file says.
    if let Some((name, size)) = sizes.iter().find(|(_, size)| !(1..=1 << 30).contains(size)) {
        return Err(format!("{name}: expected a positive size below 2^30, found {size}"));
    }
    if config.num_heads % config.num_kv_heads != 0 {
        let (heads, kv_heads) = (config.num_heads, config.num_kv_heads);
        return Err(format!("num_key_value_heads: expected a divisor of {heads} query heads, found {kv_heads}"));
    }
    if config.head_dim % 2 != 0 {
        return Err(format!("head_dim: expected an even number, found {}", config.head_dim));
    }
    if !(config.rms_norm_eps.is_finite() && 0.0 <= config.rms_norm_eps) {
        return Err(format!("rms_norm_eps: expected a number of at least 0, found {}", config.rms_norm_eps));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(change: impl FnOnce(&mut serde_json::Value)) -> Result<ModelConfig> {
        let mut json = serde_json::json!({
            "architectures": ["Qwen3ForCausalLM"], "vocab_size": 10, "hidden_size": 8, "intermediate_size": 12,
            "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 6,
            "max_position_embeddings": 16, "rms_norm_eps": 1e-6, "hidden_act": "silu",
            "rope_parameters": { "rope_type": "default", "rope_theta": 1e6 }, "tie_word_embeddings": true
        });
        change(&mut json);
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("config.json"), json.to_string()).unwrap();
        ModelConfig::load(directory.path())
    }

    fn message(change: impl FnOnce(&mut serde_json::Value)) -> String {
        load(change).unwrap_err().to_string()
    }

    #[test]
    fn both_generations_of_transformers_say_the_same() {
        let five = load(|_| ()).unwrap();
        let four = load(|json| {
            json.as_object_mut().unwrap().remove("rope_parameters");
            json["rope_theta"] = 1e6.into();
            json["rope_scaling"] = serde_json::Value::Null;
        });
        assert_eq!(five, four.unwrap());
        assert!(five.has_qk_norm() && !five.qkv_bias);
    }

    #[test]
    fn qwen2_has_biases_on_queries_keys_and_values_only() {
        let config = load(|json| json["architectures"] = serde_json::json!(["Qwen2ForCausalLM"])).unwrap();
        assert!(config.qkv_bias && !config.attention_output_bias && !config.has_qk_norm());
    }

    #[test]
    fn what_would_be_computed_wrongly_is_refused_by_name() {
        let mistral = message(|json| json["architectures"] = serde_json::json!(["MistralForCausalLM"]));
        assert!(mistral.contains("config.json: architectures") && mistral.contains("MistralForCausalLM"));
        let yarn = message(|json| json["rope_parameters"]["rope_type"] = "yarn".into());
        assert!(yarn.contains("rope_parameters.rope_type: expected default or llama3, found yarn"));
        let llama3 = message(|json| json["rope_parameters"]["rope_type"] = "llama3".into());
        assert!(llama3.contains("rope_parameters.low_freq_factor: expected a number, found none"));
        let equal = message(|json| {
            json["rope_parameters"] = serde_json::json!({ "rope_type": "llama3", "rope_theta": 1e6, "factor": 8,
                "low_freq_factor": 4, "high_freq_factor": 4, "original_max_position_embeddings": 8192 });
        });
        assert!(equal.contains("high_freq_factor: expected more than low_freq_factor 4, found 4"), "{equal}");
        assert!(message(|json| json["use_sliding_window"] = true.into()).contains("use_sliding_window"));
        assert!(message(|json| json["hidden_act"] = "gelu".into()).contains("found gelu"));
        assert!(message(|json| json["quantization_config"] = serde_json::json!({})).contains("quantization_config"));
    }

    #[test]
    fn sizes_that_make_no_sense_are_refused() {
        assert!(message(|json| json["num_attention_heads"] = 0.into()).contains("num_attention_heads"));
        assert!(message(|json| json["num_key_value_heads"] = 3.into()).contains("divisor of 4 query heads, found 3"));
        assert!(message(|json| json["hidden_size"] = i64::MAX.into()).contains("hidden_size"));
        assert!(message(|json| json["head_dim"] = 5.into()).contains("even"));
    }
}
