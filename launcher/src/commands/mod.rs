//! The commands: arguments, terminal and exit codes. Nothing in the library of this package prints.

mod import_gguf;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Fine-tune and evaluate causal language models on French biomedical instruction data.
#[derive(Debug, Parser)]
#[command(name = "medinjection-launch", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    ImportGguf(import_gguf::Arguments),
}

/// Reads the arguments, runs the command, and gives the exit code: 0 done, 2 could not be done.
pub(crate) fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::ImportGguf(arguments) => Ok(import_gguf::run(&arguments)?),
    }
}

/// Prints a message to stderr.
fn note(message: &str) {
    // Nothing can be done where even stderr is gone.
    let _ = writeln!(std::io::stderr().lock(), "{message}");
}
