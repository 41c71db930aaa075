//! The command line: arguments, terminal and exit codes. Nothing below this module prints.

mod build;
mod build_progress;
mod build_text;
pub mod completions;
#[cfg(feature = "hub")]
mod fetch;
#[cfg(feature = "hub")]
mod hub_environment;
#[cfg(feature = "hub")]
mod hub_watcher;
mod inspect;
mod inspect_language;
pub mod man;
mod mix;
mod overlaps;
mod preview;
#[cfg(feature = "hub")]
mod publish;
#[cfg(feature = "hub")]
mod publish_model;
#[cfg(feature = "hub")]
mod pull;
mod render;
mod report;
pub mod schema;
mod score;
mod sources;
mod terminal;
mod trace;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use terminal::Terminal;

/// What a command that ran to its end has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Done,
    /// Exit code 1: done, and defects were found in the data.
    DoneWithFindings,
}

/// Build, check, mix, evaluate and report French biomedical instruction data.
#[derive(Debug, Parser)]
#[command(name = "medinjection", version, arg_required_else_help = true)]
pub struct Arguments {
    /// Print results as JSON, where there is a result.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Sources(sources::Args),
    #[cfg(feature = "hub")]
    Fetch(fetch::Args),
    #[cfg(feature = "hub")]
    Publish(publish::Args),
    #[cfg(feature = "hub")]
    Pull(pull::Args),
    Build(build::Args),
    Mix(mix::Args),
    Render(render::Args),
    Inspect(inspect::Args),
    Schema(schema::Args),
    Validate(validate::Args),
    /// Score a file of predictions: exact match, jaccard, hamming score, with intervals.
    Score(score::Args),
    /// Write one HTML page that compares base and tuned model of one run or several.
    Report(report::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Reads the arguments, runs the command, and gives the exit code: 0 done, 1 done with findings, 2 could not be done.
#[must_use]
pub fn main() -> ExitCode {
    crate::columnar::silence_guarded_panics();
    let arguments = Arguments::parse();
    let terminal = Terminal::new(arguments.json);
    match run(arguments.command, &terminal) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::DoneWithFindings) => ExitCode::from(1),
        Err(error) => {
            terminal.error(&error);
            ExitCode::from(2)
        }
    }
}

fn run(command: Command, terminal: &Terminal) -> anyhow::Result<Outcome> {
    match command {
        Command::Sources(args) => sources::run(&args, terminal),
        #[cfg(feature = "hub")]
        Command::Fetch(args) => fetch::run(&args, terminal),
        #[cfg(feature = "hub")]
        Command::Publish(args) => publish::run(&args, terminal),
        #[cfg(feature = "hub")]
        Command::Pull(args) => pull::run(&args, terminal),
        Command::Build(args) => build::run(&args, terminal),
        Command::Mix(args) => mix::run(&args, terminal),
        Command::Render(args) => render::run(args, terminal),
        Command::Inspect(args) => inspect::run(&args, terminal),
        Command::Schema(args) => schema::run(&args, terminal),
        Command::Validate(args) => validate::run(&args, terminal),
        Command::Score(args) => score::run(&args, terminal),
        Command::Report(args) => report::run(&args, terminal),
        Command::Completions(args) => completions::run(&args, terminal),
        Command::Man(args) => man::run(&args, terminal),
    }
}
