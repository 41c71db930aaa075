//! `train`: fine-tuning, on one rank or several.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use medinjection_launcher::Result;
use medinjection_launcher::config::TrainConfig;
use medinjection_launcher::train::{Options, Outcome, train};

use super::{Device, connect, note, progress_bar};

/// Fine-tune an adapter of a model, on one rank or several.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Configuration (TOML)
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Put a value over the configuration's, as in --set train.epochs=3; may be repeated
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    overrides: Vec<String>,
    /// Where the model computes
    #[arg(long, value_enum, default_value = "auto")]
    device: Device,
    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Replace a completed run that was made from something else; it is kept in the run's folder "previous" until the
    /// new one is completed
    #[arg(long)]
    force: bool,
}

/// Runs the command; the exit code is a signal's where one has ended the run.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let comm = connect()?;
    let config = comm.agree(TrainConfig::load(&arguments.config, &arguments.overrides))?;
    let options = Options { force: arguments.force, dry_run: arguments.dry_run, device: arguments.device.into() };
    let bar = progress_bar(comm.as_ref(), "{bar:40} step {pos}/{len}, {msg}, {eta} left");
    let outcome = train(&config, options, comm.as_ref(), &|metrics, num_steps| {
        bar.set_length(num_steps);
        bar.set_position(metrics.step);
        bar.set_message(format!("loss {:.4}", metrics.loss));
    })?;
    bar.finish_and_clear();
    if !comm.is_root() {
        return Ok(ExitCode::SUCCESS);
    }
    let directory = config.output.dir.display();
    match outcome {
        Outcome::UpToDate => note(&format!("{directory}: up to date")),
        Outcome::Completed(steps) => note(&format!("{directory}: {steps} steps")),
        Outcome::Planned(plan) => {
            // Whoever closes the pipe has read enough.
            let _ = writeln!(std::io::stdout().lock(), "{plan}");
        }
        Outcome::Stopped(signal) => {
            note(&format!("{directory}: stopped by {}", signal.name()));
            return Ok(ExitCode::from(signal.exit_code()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
