//! What a training process holds in memory.

use super::backward::KeptActivations;
use super::config::ModelConfig;

/// What libtorch, MPI and the program itself take.
///
/// # Units
/// Bytes.
const RUNTIME_BYTES: u64 = 200_000_000;

/// Logits that are in memory at once, so that a long batch over a large vocabulary fits.
pub const CHUNK_LOGITS: u64 = 1 << 24;

/// How much more a kept activation takes of the allocator's heap than it holds, in percent: the middle of what `benches/train_runs.sh`
/// measures, 102 where all batches have one shape to 130 where none is like another.
const HEAP_PERCENT: u64 = 115;

/// The most of these, since a budget has to be kept.
const MAX_HEAP_PERCENT: u64 = 130;

/// Estimate of the memory of one training process, by kind.
///
/// # Units
/// Bytes.
#[derive(Debug, Clone, Copy)]
pub struct TrainingMemory {
    /// Libraries and program.
    pub runtime: u64,
    /// The frozen weights.
    pub weights: u64,
    /// The adapter, and its gradient.
    pub adapter: u64,
    /// The optimizer's two moments.
    pub optimizer: u64,
    /// The logits of a chunk.
    pub logits: u64,
    /// Of each token of a micro-batch, whatever is kept: each block's input, and what one block needs while it runs.
    pub each_token: u64,
    /// Of each token, for each block that keeps what its backward pass needs.
    pub each_kept_token: u64,
    num_layers: u64,
}

impl TrainingMemory {
    /// The memory of a model of the shape `config` whose values take `value_bytes`, with an adapter of `num_trained` parameters, of
    /// `lora_ranks` over all layers of a block.
    #[must_use]
    pub fn new(config: &ModelConfig, (num_trained, lora_ranks): (u64, u64), value_bytes: u64) -> Self {
        let whole = |number: i64| number.unsigned_abs();
        let (hidden, inner, vocab) =
            (whole(config.hidden_size), whole(config.intermediate_size), whole(config.vocab_size));
        let num_layers = whole(config.num_layers);
        let (q, kv) = (whole(config.num_heads * config.head_dim), whole(config.num_kv_heads * config.head_dim));
        let block = hidden * (2 * q + 2 * kv) + 3 * hidden * inner;
        let embeddings = vocab * hidden * if config.tie_word_embeddings { 1 } else { 2 };
        // Products before their affine part, what o_proj reads, the residual stream between the two layers, and what the adapters' A made.
        let kept = (q + 2 * kv) + q + hidden + hidden + 2 * inner + hidden + lora_ranks;
        // Of a block that runs: its own, the gradients of its products, and the inputs that are made again.
        let running = kept + 5 * inner + 4 * hidden + 2 * (q + 2 * kv);
        Self {
            runtime: RUNTIME_BYTES,
            weights: (num_layers * block + embeddings) * value_bytes,
            // The values stand a second time in the model's kind, beside the frozen weights.
            adapter: num_trained * (4 + 4 + value_bytes),
            optimizer: num_trained * 8,
            logits: CHUNK_LOGITS * value_bytes,
            each_token: (num_layers * hidden + running) * value_bytes,
            each_kept_token: kept * value_bytes * HEAP_PERCENT / 100,
            num_layers,
        }
    }

    /// All of it, for a micro-batch of `num_tokens`.
    #[must_use]
    pub fn total(&self, num_tokens: u64, kept: KeptActivations) -> u64 {
        let num_kept = match kept {
            KeptActivations::All => self.num_layers,
            KeptActivations::Last(number) => self.num_layers.min(number as u64),
        };
        self.without_activations() + num_tokens * (self.each_token + num_kept * self.each_kept_token)
    }

    /// How many blocks may keep their activations of `num_tokens`, so that all of it stays inside `budget_bytes`, whatever the batches: none
    /// where even that is too much.
    #[must_use]
    pub fn kept_within(&self, budget_bytes: u64, num_tokens: u64) -> KeptActivations {
        let left = budget_bytes.saturating_sub(self.total(num_tokens, KeptActivations::Last(0)));
        let each_at_most = self.each_kept_token * MAX_HEAP_PERCENT / HEAP_PERCENT;
        let number = left / (num_tokens * each_at_most).max(1);
        KeptActivations::Last(usize::try_from(number.min(self.num_layers)).unwrap_or(usize::MAX))
    }

    fn without_activations(&self) -> u64 {
        self.runtime + self.weights + self.adapter + self.optimizer + self.logits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> TrainingMemory {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/parity/models/qwen3");
        TrainingMemory::new(&ModelConfig::load(&folder).unwrap(), (1_000, 28), 4)
    }

    #[test]
    fn what_fits_is_kept_and_not_a_block_more() {
        let memory = memory();
        // What a block keeps may take 130 bytes for 115 of the estimate.
        let each_at_most = memory.each_kept_token * 130 / 115;
        for number in [1, 2] {
            let kept = KeptActivations::Last(number);
            let enough = memory.total(5_000, KeptActivations::Last(0)) + 5_000 * each_at_most * number as u64;
            assert!(enough > memory.total(5_000, kept));
            assert_eq!(memory.kept_within(enough, 5_000), kept);
            assert_eq!(memory.kept_within(enough - 1, 5_000), KeptActivations::Last(number - 1));
        }
        assert_eq!(memory.kept_within(u64::MAX, 5_000), KeptActivations::Last(2));
        assert_eq!(memory.total(5_000, KeptActivations::All), memory.total(5_000, KeptActivations::Last(9)));
        assert_eq!(memory.kept_within(1, 5_000), KeptActivations::Last(0));
    }
}
