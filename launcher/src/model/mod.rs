//! Causal language models of the families Qwen3, Qwen2 and Llama on libtorch, and their folders.

mod attention;
mod backward;
mod batch;
mod block;
mod causal_lm;
mod config;
mod fingerprint;
mod folder;
mod kv_cache;
mod linear;
mod memory;
mod projection;
mod rope;
mod snapshot;
mod tensor_file;
mod weights;

pub use backward::KeptActivations;
pub use batch::PackedBatch;
pub use causal_lm::CausalLm;
pub(crate) use causal_lm::unknown_token;
pub use config::{Architecture, ModelConfig};
pub use fingerprint::model_fingerprint;
pub use folder::{must_make_folder, write_folder};
pub use kv_cache::KvCache;
pub use linear::Linear;
pub use memory::{CHUNK_LOGITS, TrainingMemory};
pub use rope::Rope;
pub use snapshot::{find_model, repository_of};
pub use tensor_file::{TensorFile, TensorLayout, write_tensor_file};
pub use weights::{Weights, save_weights, weight_files};
