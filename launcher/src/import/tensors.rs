//! Names and shapes of the tensors, from llama.cpp's to transformers'.

use std::collections::BTreeSet;

use tch::{Kind, Tensor};

use super::architecture::{Architecture, Family};
use super::gguf::Gguf;
use crate::Result;
use crate::model::TensorLayout;

/// A tensor to be written, and how to get it from the GGUF file.
#[derive(Debug)]
pub(super) struct PlannedTensor {
    /// What will be written.
    pub(super) layout: TensorLayout,
    source: String,
    /// Where the rows of heads are permuted: number of heads.
    permuted_heads: Option<i64>,
}

/// Every tensor of the file under its new name, in the order of the layers.
///
/// # Errors
/// [`Error::Format`](crate::Error::Format) if a tensor is missing, has no place in the architecture, or another shape.
pub(super) fn plan(gguf: &Gguf, architecture: &Architecture) -> Result<Vec<PlannedTensor>> {
    let num_tensors = i64::try_from(gguf.tensors().len()).unwrap_or(i64::MAX);
    if num_tensors < architecture.num_layers {
        let message = format!("{} blocks in the metadata, {num_tensors} tensors in all", architecture.num_layers);
        return Err(gguf.error("block_count", message));
    }
    let planned = expected(architecture);
    let names: BTreeSet<&str> = planned.iter().map(|tensor| tensor.source.as_str()).collect();
    for (name, _) in gguf.tensors() {
        if !names.contains(name) {
            return Err(gguf.error(name, "this tensor has no place in the architecture"));
        }
    }
    let mut present = Vec::with_capacity(planned.len());
    for tensor in planned {
        match gguf.tensors().find(|(name, _)| *name == tensor.source) {
            Some((_, dims)) => {
                let found: Vec<i64> = dims.iter().map(|size| i64::try_from(*size).unwrap_or(-1)).collect();
                if found != tensor.layout.shape {
                    let message = format!("expected shape {:?}, found {found:?}", tensor.layout.shape);
                    return Err(gguf.error(&tensor.source, message));
                }
                present.push(tensor);
            }
            // Without an output layer the embedding serves as one.
            None if tensor.source == "output.weight" => {}
            None => return Err(gguf.error(&tensor.source, "expected this tensor, found none")),
        }
    }
    Ok(present)
}

impl PlannedTensor {
    fn new(source: String, name: String, shape: &[i64]) -> Self {
        let layout = TensorLayout { name, kind: Kind::Float, shape: shape.to_vec() };
        Self { layout, source, permuted_heads: None }
    }

    /// Reads and dequantises the tensor.
    ///
    /// # Errors
    /// [`Error::Format`](crate::Error::Format) if its type is not known or its numbers are not finite.
    pub(super) fn read(&self, gguf: &Gguf) -> Result<Tensor> {
        let values = gguf.read(&self.source)?;
        let tensor = Tensor::f_from_slice(&values)?.f_reshape(&self.layout.shape)?;
        match self.permuted_heads {
            None => Ok(tensor),
            // llama.cpp rotates neighbours, transformers halves: (pair, half) within a head become (half, pair).
            Some(heads) => Ok(tensor
                .f_reshape([heads, self.layout.shape[0] / heads / 2, 2, -1])?
                .f_transpose(1, 2)?
                .f_reshape(&self.layout.shape)?),
        }
    }
}

fn expected(architecture: &Architecture) -> Vec<PlannedTensor> {
    let (vocab, hidden) = (architecture.vocab_size, architecture.hidden_size);
    let top = |source: &str, name: &str, shape: &[i64]| PlannedTensor::new(source.into(), name.into(), shape);
    let mut tensors = vec![top("token_embd.weight", "model.embed_tokens.weight", &[vocab, hidden])];
    tensors.extend((0..architecture.num_layers).flat_map(|layer| expected_in_layer(architecture, layer)));
    tensors.push(top("output_norm.weight", "model.norm.weight", &[hidden]));
    tensors.push(top("output.weight", "lm_head.weight", &[vocab, hidden]));
    tensors
}

fn expected_in_layer(architecture: &Architecture, layer: i64) -> Vec<PlannedTensor> {
    let (hidden, inner) = (architecture.hidden_size, architecture.intermediate_size);
    let (heads, kv_heads) = (architecture.num_heads, architecture.num_kv_heads);
    let (queries, keys) = (heads * architecture.head_dim, kv_heads * architecture.head_dim);
    let llama = architecture.family == Family::Llama;
    let tensor = |source: &str, name: &str, shape: &[i64], permuted_heads: Option<i64>| PlannedTensor {
        permuted_heads: permuted_heads.filter(|_| llama),
        ..PlannedTensor::new(format!("blk.{layer}.{source}"), format!("model.layers.{layer}.{name}"), shape)
    };
    let mut tensors = vec![
        tensor("attn_norm.weight", "input_layernorm.weight", &[hidden], None),
        tensor("attn_q.weight", "self_attn.q_proj.weight", &[queries, hidden], Some(heads)),
        tensor("attn_k.weight", "self_attn.k_proj.weight", &[keys, hidden], Some(kv_heads)),
        tensor("attn_v.weight", "self_attn.v_proj.weight", &[keys, hidden], None),
        tensor("attn_output.weight", "self_attn.o_proj.weight", &[hidden, queries], None),
        tensor("ffn_norm.weight", "post_attention_layernorm.weight", &[hidden], None),
        tensor("ffn_gate.weight", "mlp.gate_proj.weight", &[inner, hidden], None),
        tensor("ffn_up.weight", "mlp.up_proj.weight", &[inner, hidden], None),
        tensor("ffn_down.weight", "mlp.down_proj.weight", &[hidden, inner], None),
    ];
    if architecture.family == Family::Qwen2 {
        tensors.push(tensor("attn_q.bias", "self_attn.q_proj.bias", &[queries], None));
        tensors.push(tensor("attn_k.bias", "self_attn.k_proj.bias", &[keys], None));
        tensors.push(tensor("attn_v.bias", "self_attn.v_proj.bias", &[keys], None));
    }
    tensors
}
