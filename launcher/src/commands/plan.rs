//! `plan`: what a fine-tuning will cost.

use std::path::PathBuf;

use clap::Args;
use medinjection_launcher::config::TrainConfig;
use medinjection_launcher::plan::{Cluster, estimate};
use medinjection_launcher::{Error, Result};

use super::model_folder;

/// Print what a fine-tuning will cost: parameters, memory by kind, tokens, steps and hours. No weights are read.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Configuration (TOML), as for train
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Put a value over the configuration's, as in --set train.epochs=3; may be repeated
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    overrides: Vec<String>,
    /// Processes, one a device
    #[arg(long, value_name = "N", default_value = "1")]
    world_size: std::num::NonZeroUsize,
    /// Memory of a device, in GiB
    #[arg(long, value_name = "GIB", default_value = "80", value_parser = positive)]
    device_memory: f64,
    /// Arithmetic of a device, in 10^12 operations a second (989: an H100 in bf16)
    #[arg(long, value_name = "TFLOPS", default_value = "989", value_parser = positive)]
    peak_tflops: f64,
    /// Share of it that a run reaches, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0.35", value_parser = share)]
    utilisation: f64,
    /// Plan for processors: f32 where train.precision is auto
    #[arg(long)]
    cpu: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let mut config = TrainConfig::load(&arguments.config, &arguments.overrides)?;
    config.model.path = model_folder(&config.model.path)?;
    let Arguments { world_size, device_memory, peak_tflops, utilisation, .. } = arguments;
    let cluster = Cluster {
        world_size: world_size.get(),
        device_memory_gib: *device_memory,
        peak_tflops: *peak_tflops,
        utilisation: *utilisation,
    };
    let estimate = estimate(&config, cluster, !arguments.cpu)?;
    let text = if arguments.json {
        serde_json::to_string(&estimate).map_err(|error| Error::Environment(error.to_string()))?
    } else {
        estimate.to_string()
    };
    super::print(&format!("{text}\n"));
    Ok(())
}

fn positive(text: &str) -> std::result::Result<f64, String> {
    number(text, |value| 0.0 < value, "a positive number")
}

fn share(text: &str) -> std::result::Result<f64, String> {
    number(text, |value| 0.0 < value && value <= 1.0, "a number above 0 and at most 1")
}

fn number(text: &str, accepts: impl Fn(f64) -> bool, expected: &str) -> std::result::Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && accepts(*value));
    value.ok_or_else(|| format!("expected {expected}"))
}
