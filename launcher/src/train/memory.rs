//! Which activations a micro-batch keeps.

use tch::Device;

use super::peak_memory_bytes;
use crate::config::{GradientCheckpointing, TrainConfig};
use crate::model::{CausalLm, KeptActivations, TrainingMemory};

/// Share of the memory that is free at the start which a run takes where it was given no budget, in percent.
const FREE_PERCENT: u64 = 80;

/// The choice between memory and time, which changes no bit of the result.
#[derive(Debug, Clone, Copy)]
pub(super) enum Keeping {
    /// Always the same.
    Fixed(KeptActivations),
    /// As many blocks of each micro-batch as stay inside the budget, in bytes.
    Within(TrainingMemory, u64),
}

impl Keeping {
    /// What `config` asks for, on one of `world_size` processes that may share this machine.
    pub(super) fn new(config: &TrainConfig, model: &CausalLm, num_trained: usize, world_size: usize) -> Self {
        let budget = match (config.train.gradient_checkpointing, config.train.memory_budget_gib) {
            (GradientCheckpointing::On, _) => return Self::Fixed(KeptActivations::Last(0)),
            (GradientCheckpointing::Off, _) => return Self::Fixed(KeptActivations::All),
            (GradientCheckpointing::Auto, Some(gibibytes)) => budget_bytes(gibibytes),
            // What is free on a GPU is not known here.
            (GradientCheckpointing::Auto, None) if model.device() != Device::Cpu => {
                return Self::Fixed(KeptActivations::Last(0));
            }
            (GradientCheckpointing::Auto, None) => {
                peak_memory_bytes() + free_memory_bytes() / 100 * FREE_PERCENT / world_size.max(1) as u64
            }
        };
        let value_bytes = model.kind().elt_size_in_bytes() as u64;
        let adapter = (num_trained as u64, config.adapter.shape.lora_ranks());
        Self::Within(TrainingMemory::new(model.config(), adapter, value_bytes), budget)
    }

    /// What a micro-batch of `num_tokens` keeps.
    pub(super) fn of(&self, num_tokens: usize) -> KeptActivations {
        match self {
            Self::Fixed(kept) => *kept,
            Self::Within(memory, budget) => memory.kept_within(*budget, num_tokens as u64),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of bytes")]
fn budget_bytes(gibibytes: f64) -> u64 {
    (gibibytes * 1_073_741_824.0) as u64
}

/// Memory that the system would still give, and that the process's control group allows; 0 where nobody says.
///
/// # Units
/// Bytes.
fn free_memory_bytes() -> u64 {
    let of_system = read_number("/proc/meminfo", "MemAvailable:").map_or(0, |kibibytes| kibibytes * 1024);
    of_system.min(of_control_group().unwrap_or(u64::MAX))
}

fn of_control_group() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let number = |name: &str| -> Option<u64> {
        std::fs::read_to_string(format!("/sys/fs/cgroup{group}/{name}")).ok()?.trim().parse().ok()
    };
    Some(number("memory.max")?.saturating_sub(number("memory.current")?))
}

fn read_number(path: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_says_how_much_is_free() {
        assert!(free_memory_bytes() > 1_000_000);
        assert_eq!(budget_bytes(1.5), 1_610_612_736);
    }
}
