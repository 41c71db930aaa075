//! What a fine-tuning will cost, before a GPU hour is spent: parameters, memory by kind, tokens, steps and hours.
//!
//! It reads the model's `config.json`, its tokenizer and the rows, and no weights.

#![expect(clippy::cast_precision_loss, reason = "estimates in floating point")]

use std::fmt;

use serde::Serialize;

use crate::Result;
use crate::chat::Chat;
use crate::config::{AdapterConfig, Method, Precision, TrainConfig};
use crate::data::{Dataset, epoch_batches, num_targets, spread};
use crate::model::{KeptActivations, ModelConfig, TrainingMemory};

/// The machines that a run is planned for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cluster {
    /// Processes, one a device.
    pub world_size: usize,
    /// Memory of a device, in GiB.
    pub device_memory_gib: f64,
    /// Arithmetic of a device, in 10¹² operations a second, as its maker states it.
    pub peak_tflops: f64,
    /// Share of it that a run reaches, in (0, 1].
    pub utilisation: f64,
}

/// What a run will cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// The machines.
    pub cluster: Cluster,
    /// Kind of the frozen weights: `f32` or `bf16`.
    pub precision: &'static str,
    /// Parameters of the frozen model.
    pub num_frozen: u64,
    /// Parameters that are trained.
    pub num_trained: u64,
    /// Bytes of the frozen weights on a device.
    pub weights_bytes: u64,
    /// Bytes of the adapter and its gradient.
    pub adapter_bytes: u64,
    /// Bytes of the optimizer's moments.
    pub optimizer_bytes: u64,
    /// Bytes of the activations of the largest micro-batch where all are kept.
    pub activations_bytes: u64,
    /// The same where each block is computed again.
    pub activations_checkpointed_bytes: u64,
    /// All of a process where all activations are kept.
    pub total_bytes: u64,
    /// All of a process where each block is computed again.
    pub total_checkpointed_bytes: u64,
    /// Rows of one pass.
    pub num_rows: usize,
    /// Rows that lose the beginning of their question.
    pub num_truncated: usize,
    /// Tokens of one pass, without padding.
    pub tokens_an_epoch: u64,
    /// Tokens of one pass that the loss predicts.
    pub targets_an_epoch: u64,
    /// Optimizer steps of one pass.
    pub steps_an_epoch: u64,
    /// Optimizer steps of the run.
    pub num_steps: u64,
    /// Hours of the run, without evaluation.
    pub hours: f64,
    /// The same where each block is computed again.
    pub hours_checkpointed: f64,
    /// `kept`, `checkpointed` or `no`: how it fits into a device.
    pub fits: &'static str,
}

/// Parameters that an adapter of the shape `adapter` trains on a model of the shape `model`.
#[must_use]
pub fn num_trained(model: &ModelConfig, adapter: &AdapterConfig) -> u64 {
    let magnitude = u64::from(adapter.method == Method::Dora);
    let rank = u64::from(adapter.rank);
    let of_layer = |[outputs, inputs]: [u64; 2]| rank * (outputs + inputs) + magnitude * outputs;
    let targeted =
        linear_shapes(model).into_iter().filter(|(name, _)| adapter.target_modules.iter().any(|target| target == name));
    targeted.map(|(_, shape)| of_layer(shape)).sum::<u64>() * model.num_layers.unsigned_abs()
}

/// Outputs and inputs of the linear layers of a block.
fn linear_shapes(model: &ModelConfig) -> [(&'static str, [u64; 2]); 7] {
    let (hidden, inner) = (model.hidden_size.unsigned_abs(), model.intermediate_size.unsigned_abs());
    let (q, kv) =
        ((model.num_heads * model.head_dim).unsigned_abs(), (model.num_kv_heads * model.head_dim).unsigned_abs());
    [
        ("q_proj", [q, hidden]),
        ("k_proj", [kv, hidden]),
        ("v_proj", [kv, hidden]),
        ("o_proj", [hidden, q]),
        ("gate_proj", [inner, hidden]),
        ("up_proj", [inner, hidden]),
        ("down_proj", [hidden, inner]),
    ]
}

/// Estimates the run that `config` describes on `cluster`; `is_gpu` decides what `precision = "auto"` means.
///
/// # Errors
/// What the model's `config.json`, its tokenizer or the rows refuse.
pub fn estimate(config: &TrainConfig, cluster: Cluster, is_gpu: bool) -> Result<Estimate> {
    let model = ModelConfig::load(&config.model.path)?;
    let chat = Chat::load(&config.model.path)?;
    let dataset = Dataset::load(&config.data.train, &chat, config.data.loss_on, config.data.max_tokens.get())?;
    let is_bf16 = match config.train.precision {
        Precision::Auto => is_gpu,
        Precision::F32 => false,
        Precision::Bf16 => true,
    };
    let trained = num_trained(&model, &config.adapter.shape);
    let lora_ranks = config.adapter.shape.lora_ranks();
    let memory = TrainingMemory::new(&model, (trained, lora_ranks), if is_bf16 { 2 } else { 4 });
    let lengths = dataset.lengths();
    let tokens_an_epoch = lengths.iter().sum::<usize>() as u64;
    let targets_an_epoch = dataset.rows.iter().map(num_targets).sum::<usize>() as u64;
    let num_rows = lengths.len();
    let steps_an_epoch = num_rows.div_ceil(config.train.global_batch_size.get()) as u64;
    let num_steps = config.train.max_steps.map_or(config.train.epochs.get() * steps_an_epoch, Into::into);
    let largest = largest_micro_batch(config, &lengths, (num_steps, steps_an_epoch), cluster.world_size);
    let (kept, checkpointed) = (KeptActivations::All, KeptActivations::Last(0));
    let activations = |kept| memory.logits + memory.total(largest, kept) - memory.total(0, kept);
    let totals = [kept, checkpointed].map(|kept| memory.total(largest, kept));
    let hours = |operations: Operations| {
        operations.hours(
            steps_to_tokens(num_steps, steps_an_epoch, tokens_an_epoch),
            targets_an_epoch as f64 / tokens_an_epoch as f64,
            &cluster,
        )
    };
    let room = cluster.device_memory_gib * 1_073_741_824.0;
    Ok(Estimate {
        cluster,
        precision: if is_bf16 { "bf16" } else { "f32" },
        num_frozen: memory.weights / if is_bf16 { 2 } else { 4 },
        num_trained: trained,
        weights_bytes: memory.weights,
        adapter_bytes: memory.adapter,
        optimizer_bytes: memory.optimizer,
        activations_bytes: activations(kept),
        activations_checkpointed_bytes: activations(checkpointed),
        total_bytes: totals[0],
        total_checkpointed_bytes: totals[1],
        num_rows,
        num_truncated: dataset.num_truncated,
        tokens_an_epoch,
        targets_an_epoch,
        steps_an_epoch,
        num_steps,
        hours: hours(Operations::new(&model, trained, false)),
        hours_checkpointed: hours(Operations::new(&model, trained, true)),
        fits: match totals.map(|total| total as f64 <= room) {
            [true, _] => "kept",
            [_, true] => "checkpointed",
            _ => "no",
        },
    })
}

/// Tokens of the largest micro-batch of a run.
fn largest_micro_batch(
    config: &TrainConfig,
    lengths: &[usize],
    (num_steps, steps_an_epoch): (u64, u64),
    world_size: usize,
) -> u64 {
    let train = &config.train;
    let of_batch = |rows: Vec<usize>| {
        let lengths: Vec<usize> = rows.iter().map(|row| lengths[*row]).collect();
        let micro_steps = spread(&lengths, world_size, train.micro_batch_size.get());
        let num_tokens = |places: &Vec<usize>| places.iter().map(|place| lengths[*place]).sum::<usize>();
        micro_steps.iter().flatten().map(num_tokens).max().unwrap_or(0)
    };
    let batches = (0..num_steps.div_ceil(steps_an_epoch.max(1))).flat_map(|epoch| {
        epoch_batches(lengths, config.data.order, train.global_batch_size.get(), (train.seed, epoch))
    });
    let num_steps = usize::try_from(num_steps).unwrap_or(usize::MAX);
    batches.take(num_steps).map(of_batch).max().unwrap_or(0) as u64
}

fn steps_to_tokens(num_steps: u64, steps_an_epoch: u64, tokens_an_epoch: u64) -> f64 {
    num_steps as f64 / steps_an_epoch.max(1) as f64 * tokens_an_epoch as f64
}

/// Operations of the matrix products of a training step.
struct Operations {
    each_token: f64,
    each_target: f64,
}

impl Operations {
    /// Of a frozen layer a multiplication and an addition forward, and as many for its input's gradient; of the adapter as many
    /// again for its own. Where blocks are computed again, their forward pass counts twice.
    fn new(model: &ModelConfig, num_trained: u64, checkpointed: bool) -> Self {
        let frozen: u64 = linear_shapes(model).into_iter().map(|(_, [outputs, inputs])| outputs * inputs).sum();
        let passes = if checkpointed { 6.0 } else { 4.0 };
        let blocks = frozen as f64 * model.num_layers as f64;
        let each_token = passes * blocks + (passes + 2.0) * num_trained as f64;
        Self { each_token, each_target: 4.0 * (model.vocab_size * model.hidden_size) as f64 }
    }

    fn hours(&self, num_tokens: f64, target_share: f64, cluster: &Cluster) -> f64 {
        let operations = num_tokens * (self.each_token + target_share * self.each_target);
        operations / (cluster.world_size as f64 * cluster.peak_tflops * 1e12 * cluster.utilisation) / 3600.0
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = |bytes: u64| format!("{:.2} GiB", bytes as f64 / 1_073_741_824.0);
        let Cluster { world_size, device_memory_gib, peak_tflops, utilisation } = self.cluster;
        let percent = 100.0 * self.targets_an_epoch as f64 / self.tokens_an_epoch.max(1) as f64;
        let fits = match self.fits {
            "kept" => "yes, with all activations kept",
            "checkpointed" => "yes, with gradient checkpointing",
            _ => "no: a smaller train.micro_batch_size or a larger device is needed",
        };
        let lines = [
            ("parameters", format!("{} trained of {} in {}", self.num_trained, self.num_frozen, self.precision)),
            ("rows", format!("{} ({} shortened)", self.num_rows, self.num_truncated)),
            ("tokens an epoch", format!("{}, of which the loss predicts {percent:.1} %", self.tokens_an_epoch)),
            ("steps", format!("{} ({} an epoch)", self.num_steps, self.steps_an_epoch)),
            ("weights", gib(self.weights_bytes)),
            ("adapter", format!("{} with its gradient", gib(self.adapter_bytes))),
            ("optimizer", gib(self.optimizer_bytes)),
            (
                "activations",
                format!(
                    "{} kept, {} with checkpointing",
                    gib(self.activations_bytes),
                    gib(self.activations_checkpointed_bytes)
                ),
            ),
            (
                "in all",
                format!(
                    "{} a process, {} with checkpointing",
                    gib(self.total_bytes),
                    gib(self.total_checkpointed_bytes)
                ),
            ),
            ("fits", format!("{fits} ({device_memory_gib} GiB a device)")),
            ("hours", format!("{:.2}, {:.2} with checkpointing", self.hours, self.hours_checkpointed)),
            ("on", format!("{world_size} devices of {peak_tflops} TFLOP/s, used to {:.0} %", 100.0 * utilisation)),
        ];
        let lines = lines.map(|(name, value)| format!("{name:<17}{value}"));
        formatter.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of Qwen3-4B, as its config.json states them.
    const QWEN3_4B: &str = r#"{"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 2560,
        "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
        "vocab_size": 151936, "max_position_embeddings": 262144, "rms_norm_eps": 1e-06, "rope_theta": 5000000,
        "tie_word_embeddings": true, "hidden_act": "silu", "attention_bias": false, "use_sliding_window": false}"#;

    #[test]
    fn the_studys_adapter_has_as_many_parameters_as_the_study_says() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), QWEN3_4B).unwrap();
        let model = ModelConfig::load(folder.path()).unwrap();
        assert_eq!(num_trained(&model, &AdapterConfig::default()), 34_136_064);
        let lora = AdapterConfig { method: Method::Lora, ..AdapterConfig::default() };
        assert_eq!(num_trained(&model, &lora), 33_030_144);
        let memory = TrainingMemory::new(&model, (34_136_064, 7 * 16), 2);
        // 4.02 billion parameters, but for norms.
        assert!((4.0e9..4.1e9).contains(&(memory.weights as f64 / 2.0)), "{}", memory.weights);
    }

    #[test]
    fn checkpointing_costs_a_forward_pass_more_and_hours_shrink_with_devices() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), QWEN3_4B).unwrap();
        let model = ModelConfig::load(folder.path()).unwrap();
        let cluster = Cluster { world_size: 2, device_memory_gib: 80.0, peak_tflops: 989.0, utilisation: 0.4 };
        let hours = |checkpointed, cluster: &Cluster| {
            Operations::new(&model, 34_136_064, checkpointed).hours(1e8, 1.0, cluster)
        };
        let (kept, again) = (hours(false, &cluster), hours(true, &cluster));
        assert!(1.3 < again / kept && again / kept < 1.5, "{kept} {again}");
        let twice = hours(false, &Cluster { world_size: 4, ..cluster });
        assert!((kept / twice - 2.0).abs() < 1e-12);
    }
}
