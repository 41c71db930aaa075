//! A causal language model: embedding, blocks, output layer.

use std::path::Path;

use tch::{Device, Kind, Tensor};

use super::attention::{Attention, Pass};
use super::batch::PackedBatch;
use super::block::{Block, BlockDropout};
use super::config::ModelConfig;
use super::kv_cache::KvCache;
use super::linear::Linear;
use super::projection::Projection;
use super::rope::Rotation;
use super::weights::Weights;
use crate::kernels::{RmsNorm, by_columns, product};
use crate::{Error, Result};

/// A causal language model of one of the three families, its weights frozen.
#[derive(Debug)]
pub struct CausalLm {
    config: ModelConfig,
    embedding: Tensor,
    blocks: Vec<Block>,
    norm: RmsNorm,
    /// `None` where the output layer is the embedding.
    output: Option<Tensor>,
    frequencies: Tensor,
}

impl CausalLm {
    /// Reads the model folder `directory` as transformers writes it, converting the weights to `kind` on `device`.
    ///
    /// # Errors
    /// What [`ModelConfig::load`] refuses; [`Error::Format`](crate::Error::Format) for a truncated file, a tensor that is missing or has no place
    /// in the model; [`Error::Shape`](crate::Error::Shape) for one of another shape.
    pub fn load(directory: &Path, device: Device, kind: Kind) -> Result<Self> {
        let config = ModelConfig::load(directory)?;
        let mut weights = Weights::open(directory, device, kind)?;
        let hidden = config.hidden_size;
        let embedding = weights.take("model.embed_tokens.weight", &[config.vocab_size, hidden])?;
        let blocks =
            (0..config.num_layers).map(|layer| read_block(&mut weights, &config, layer)).collect::<Result<_>>()?;
        let norm = read_norm(&mut weights, "model.norm", hidden, config.rms_norm_eps)?;
        let output = if config.tie_word_embeddings {
            // Some tools write the tied output layer a second time.
            weights.ignore("lm_head.weight");
            None
        } else {
            Some(weights.take("lm_head.weight", &[config.vocab_size, hidden])?)
        };
        weights.finish()?;
        let frequencies = config.rope.frequencies(config.head_dim, device);
        Ok(Self { config, embedding, blocks, norm, output, frequencies })
    }

    /// Sizes and constants of the model.
    #[must_use]
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Where the weights are.
    #[must_use]
    pub fn device(&self) -> Device {
        self.embedding.device()
    }

    /// What the weights are made of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.embedding.kind()
    }

    /// Checks that the model has an embedding for each of `ids`.
    ///
    /// # Errors
    /// [`Error::Environment`](crate::Error::Environment) if it has not: the tokenizer belongs to another model.
    pub fn check_ids(&self, ids: &[i64]) -> Result<()> {
        match ids.iter().find(|id| !(0..self.config.vocab_size).contains(*id)) {
            None => Ok(()),
            Some(id) => Err(unknown_token(*id, self.config.vocab_size)),
        }
    }

    /// Number of blocks.
    #[must_use]
    pub fn num_layers(&self) -> usize {
        self.blocks.len()
    }

    /// Hidden states after the last norm, without dropout.
    ///
    /// With a `cache`, the batch's sequences continue those of the cache, and are added to it.
    ///
    /// # Shapes
    /// → `[tokens, hidden]`
    pub fn hidden(&self, batch: &PackedBatch, mut cache: Option<&mut KvCache>) -> Tensor {
        let _no_grad = tch::no_grad_guard();
        let (rotation, dropout) = (self.rotation(batch), BlockDropout::default());
        let mut x = self.embed(batch);
        for (layer, block) in self.blocks.iter().enumerate() {
            let cache = cache.as_deref_mut().map(|cache| (layer, cache));
            x = block.forward(&x, Self::pass(batch, &rotation), &dropout, cache).0;
        }
        if let Some(cache) = cache {
            cache.advance(&batch.lengths);
        }
        self.last_norm(&x)
    }

    /// The angles of the tokens of `batch`.
    pub(super) fn rotation(&self, batch: &PackedBatch) -> Rotation {
        Rotation::new(&batch.positions, &self.frequencies, self.embedding.kind())
    }

    /// What the blocks share in one pass over `batch`.
    pub(super) fn pass<'a>(batch: &'a PackedBatch, rotation: &'a Rotation) -> Pass<'a> {
        Pass { lengths: &batch.lengths, rotation }
    }

    /// The residual stream before the first block.
    ///
    /// # Shapes
    /// → `[tokens, hidden]`
    pub(super) fn embed(&self, batch: &PackedBatch) -> Tensor {
        Tensor::embedding(&self.embedding, &batch.input_ids, -1, false, false)
    }

    /// The norm after the last block.
    ///
    /// # Shapes
    /// `x: [tokens, hidden]` → the same
    pub(super) fn last_norm(&self, x: &Tensor) -> Tensor {
        self.norm.forward(x)
    }

    /// What [`CausalLm::last_norm`] is made of.
    pub(super) fn norm(&self) -> &RmsNorm {
        &self.norm
    }

    /// The blocks, in the order of the forward pass.
    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Logits of the next token.
    ///
    /// # Shapes
    /// `hidden: [n, hidden]` → `[n, vocab]`
    pub fn logits(&self, hidden: &Tensor) -> Tensor {
        product(hidden, &self.output_weight().tr())
    }

    /// Weight of the output layer, `[vocab, hidden]`.
    pub fn output_weight(&self) -> &Tensor {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    /// The projections of all blocks, with their names (`model.layers.0.self_attn.q_proj`), in the order of the forward pass.
    pub fn linears(&self) -> impl Iterator<Item = (String, &Linear)> {
        self.blocks.iter().enumerate().flat_map(|(layer, block)| {
            block.linears().map(move |(name, linear)| (format!("model.layers.{layer}.{name}"), linear))
        })
    }

    /// [`CausalLm::linears`], to be changed; [`CausalLm::refresh`] has to follow.
    pub(crate) fn linears_mut(&mut self) -> impl Iterator<Item = (String, &mut Linear)> {
        self.blocks.iter_mut().enumerate().flat_map(|(layer, block)| {
            block.linears_mut().map(move |(name, linear)| (format!("model.layers.{layer}.{name}"), linear))
        })
    }

    /// Lays the weights out for passes over a few tokens, such as those that add one token to each answer of a batch. Results
    /// change by rounding at most.
    pub fn lay_out_for_answers(&mut self) {
        let _no_grad = tch::no_grad_guard();
        self.blocks.iter_mut().for_each(Block::lay_out_by_columns);
        let output = self.output.as_mut().unwrap_or(&mut self.embedding);
        *output = by_columns(output);
    }

    /// Takes in what the adapters of the layers are now: after one was put on, taken off, or its values were changed.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch) if there is no memory for it.
    pub fn refresh(&mut self) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        self.blocks.iter_mut().try_for_each(Block::refresh)
    }
}

/// The tokenizer writes the id `token`, which is none of the model's `vocab_size`.
pub(crate) fn unknown_token(token: i64, vocab_size: i64) -> Error {
    Error::Environment(format!(
        "the tokenizer has a token {token}, the model only {vocab_size}: they do not belong together"
    ))
}

fn read_block(weights: &mut Weights, config: &ModelConfig, layer: i64) -> Result<Block> {
    let prefix = format!("model.layers.{layer}");
    let (hidden, inner, eps) = (config.hidden_size, config.intermediate_size, config.rms_norm_eps);
    let mlp = |weights: &mut Weights, name: &str, shape: [i64; 2]| {
        read_linear(weights, &format!("{prefix}.mlp.{name}"), shape, config.mlp_bias)
    };
    Ok(Block {
        input_norm: read_norm(weights, &format!("{prefix}.input_layernorm"), hidden, eps)?,
        attention: read_attention(weights, config, &format!("{prefix}.self_attn"))?,
        post_attention_norm: read_norm(weights, &format!("{prefix}.post_attention_layernorm"), hidden, eps)?,
        gate_up: Projection::new(vec![
            mlp(weights, "gate_proj", [inner, hidden])?,
            mlp(weights, "up_proj", [inner, hidden])?,
        ])?,
        down_proj: Projection::new(vec![mlp(weights, "down_proj", [hidden, inner])?])?,
    })
}

fn read_attention(weights: &mut Weights, config: &ModelConfig, prefix: &str) -> Result<Attention> {
    let (hidden, head_dim) = (config.hidden_size, config.head_dim);
    let (q_out, kv_out) = (config.num_heads * head_dim, config.num_kv_heads * head_dim);
    let norm = |weights: &mut Weights, name: &str| {
        read_norm(weights, &format!("{prefix}.{name}"), head_dim, config.rms_norm_eps)
    };
    let linear = |weights: &mut Weights, name: &str, shape: [i64; 2], bias: bool| {
        read_linear(weights, &format!("{prefix}.{name}"), shape, bias)
    };
    Ok(Attention {
        qkv: Projection::new(vec![
            linear(weights, "q_proj", [q_out, hidden], config.qkv_bias)?,
            linear(weights, "k_proj", [kv_out, hidden], config.qkv_bias)?,
            linear(weights, "v_proj", [kv_out, hidden], config.qkv_bias)?,
        ])?,
        o_proj: Projection::new(vec![linear(weights, "o_proj", [hidden, q_out], config.attention_output_bias)?])?,
        norms: if config.has_qk_norm() { Some([norm(weights, "q_norm")?, norm(weights, "k_norm")?]) } else { None },
        num_heads: config.num_heads,
        num_kv_heads: config.num_kv_heads,
        head_dim,
    })
}

fn read_linear(weights: &mut Weights, name: &str, shape: [i64; 2], bias: bool) -> Result<Linear> {
    let weight = weights.take(&format!("{name}.weight"), &shape)?;
    let bias = bias.then(|| weights.take(&format!("{name}.bias"), &shape[..1])).transpose()?;
    Ok(Linear { weight, bias, adapter: None })
}

fn read_norm(weights: &mut Weights, name: &str, features: i64, eps: f64) -> Result<RmsNorm> {
    Ok(RmsNorm { weight: weights.take(&format!("{name}.weight"), &[features])?, eps })
}
