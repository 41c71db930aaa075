//! `predict`: a model's answers to evaluation rows.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use medinjection_launcher::Result;
use medinjection_launcher::decode::Decoding;
use medinjection_launcher::predict::{Outcome, Plan, predict};

use super::{Device, connect, model_folder, note, progress_bar};

/// Answer evaluation rows with a model, on one rank or several.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Model folder, as transformers writes it, or org/name or org/name@revision in the Hugging Face cache
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// A run, or an adapter folder in PEFT's format
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// Evaluation rows (JSON Lines)
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Predictions (JSON Lines); never the file of --data
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How answers are drawn
    #[arg(long, value_enum, default_value = "constrained")]
    decoding: Mode,
    /// Questions that are answered together on each rank
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
    /// Longest free answer, in tokens
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    max_new_tokens: u32,
    /// Where the model computes
    #[arg(long, value_enum, default_value = "auto")]
    device: Device,
    /// Replace predictions that were made from something else
    #[arg(long)]
    force: bool,
    /// Take the adapter of a run that is not completed
    #[arg(long)]
    allow_unfinished: bool,
}

/// How answers are drawn, as named on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// Only canonical answers to multiple choice: letters in ascending order.
    Constrained,
    /// The most probable token at each step.
    Greedy,
    /// As the study did: letters, separators and end allowed at every step.
    Published,
}

/// Runs the command; the exit code is a signal's where one has ended the run, 75 for `SIGUSR1`.
pub(super) fn run(arguments: Arguments) -> Result<ExitCode> {
    let comm = connect()?;
    let decoding = match arguments.decoding {
        Mode::Constrained => Decoding::Constrained,
        Mode::Greedy => Decoding::Greedy,
        Mode::Published => Decoding::Published,
    };
    let plan = Plan {
        model: comm.agree(model_folder(&arguments.model))?,
        adapter: arguments.adapter,
        data: arguments.data,
        out: arguments.out,
        decoding,
        batch_size: arguments.batch_size as usize,
        max_new_tokens: arguments.max_new_tokens as usize,
        device: arguments.device.into(),
        force: arguments.force,
        allow_unfinished: arguments.allow_unfinished,
    };
    let bar = progress_bar(comm.as_ref(), "{bar:40} {pos}/{len} questions on rank 0, {eta} left");
    let outcome = predict(&plan, comm.as_ref(), &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    if !comm.is_root() {
        return Ok(ExitCode::SUCCESS);
    }
    let out = plan.out.display();
    match outcome {
        Outcome::UpToDate => note(&format!("{out}: up to date")),
        Outcome::Made(count) => note(&format!("{out}: {count} predictions")),
        Outcome::Stopped(signal) => {
            note(&format!("{out}: stopped by {}; the same command goes on from here", signal.name()));
            return Ok(ExitCode::from(signal.exit_code()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
