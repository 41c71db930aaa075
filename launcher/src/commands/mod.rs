//! The commands: arguments, terminal and exit codes. Nothing in the library of this package prints.

mod doctor;
mod import_gguf;
mod merge;
mod plan;
mod predict;
mod schema;
mod train;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use medinjection_fr::cli::{completions, man};
use medinjection_launcher::comm::{self, Communicator};
use medinjection_launcher::ffi::exit_at_once;
use medinjection_launcher::guard::{first_line, is_guarded};
use medinjection_launcher::model::find_model;
use medinjection_launcher::{Error, Result, device};

/// Fine-tune and evaluate causal language models on French biomedical instruction data.
#[derive(Debug, Parser)]
#[command(name = "medinjection-launch", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(train::Arguments),
    ImportGguf(import_gguf::Arguments),
    Predict(predict::Arguments),
    Merge(merge::Arguments),
    Plan(plan::Arguments),
    Doctor(doctor::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Args),
    Man(man::Args),
}

/// Where a model computes, as named on the command line.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Device {
    /// A GPU where there is one, otherwise the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU, or an error.
    Cuda,
}

impl From<Device> for device::DeviceChoice {
    fn from(device: Device) -> Self {
        match device {
            Device::Auto => Self::Auto,
            Device::Cpu => Self::Cpu,
            Device::Cuda => Self::Cuda,
        }
    }
}

/// The folder of a model that is named by its folder, or as `org/name[@revision]` in the Hugging Face cache.
fn model_folder(model: &Path) -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = || variable("XDG_CACHE_HOME").unwrap_or_else(|| variable("HOME").unwrap_or_default().join(".cache"));
    let home = || variable("HF_HOME").unwrap_or_else(|| caches().join("huggingface"));
    find_model(model, &variable("HF_HUB_CACHE").unwrap_or_else(|| home().join("hub")))
}

/// Reads the arguments, runs the command, and gives the exit code: 0 done, 1 a peer was lost, 2 could not be done, 130 or 143 stopped by a signal.
pub(crate) fn main() -> ExitCode {
    end_at_a_panic();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            if comm::is_first_process() {
                // Nothing can be done where even stderr is gone.
                let _ = error.print();
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(arguments.command) {
        Ok(code) => code,
        // The first rank says why, and ends with the code; launchers end the siblings of whoever is first to do so.
        Err(Error::Rank { .. }) if !comm::is_first_process() => ExitCode::SUCCESS,
        // Where ranks are out of step, each says what it saw.
        Err(error @ Error::Collective { .. }) => {
            note(&format!("error: {error}"));
            exit_at_once(1)
        }
        Err(error) => {
            note(&format!("error: {error}"));
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let done = |()| ExitCode::SUCCESS;
    match command {
        Command::Train(arguments) => train::run(&arguments),
        Command::Predict(arguments) => predict::run(arguments),
        Command::Merge(arguments) => merge::run(&arguments).map(done),
        Command::ImportGguf(arguments) => import_gguf::run(&arguments).map(done),
        Command::Plan(arguments) => plan::run(&arguments).map(done),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Schema(arguments) => {
            schema::run(&arguments);
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions(arguments) => {
            print(&arguments.script(Arguments::command()));
            Ok(ExitCode::SUCCESS)
        }
        Command::Man(arguments) => {
            for page in arguments.write(Arguments::command())? {
                print(&format!("{}\n", page.display()));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Joins the ranks; where that fails on all of them alike, only the first speaks.
fn connect() -> Result<Box<dyn Communicator>> {
    comm::connect().map_err(|error| match error {
        error if comm::is_first_process() => error,
        error => Error::Rank { rank: 0, message: error.to_string() },
    })
}

/// Makes a panic, such as libtorch's when memory runs out, end the process with the code of a failure.
///
/// Unwinding would enter MPI's last barrier, and wait for ranks that wait for this one; an exit makes the launcher end them.
fn end_at_a_panic() {
    std::panic::set_hook(Box::new(|panic| {
        if is_guarded() {
            return;
        }
        let first = first_line(panic.payload());
        let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
        note(&format!("error: libtorch or this program failed, perhaps for want of memory: {first}{place}"));
        std::process::exit(2);
    }));
}

/// A progress bar on stderr, where that is a terminal and this rank the one that speaks.
fn progress_bar(comm: &dyn Communicator, template: &str) -> ProgressBar {
    if !comm.is_root() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Prints a result to stdout.
fn print(text: &str) {
    // Whoever closes the pipe has read enough.
    let _ = write!(std::io::stdout().lock(), "{text}");
}

/// Prints a message to stderr.
fn note(message: &str) {
    // Nothing can be done where even stderr is gone.
    let _ = writeln!(std::io::stderr().lock(), "{message}");
}
