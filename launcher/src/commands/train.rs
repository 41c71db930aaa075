//! `train`: fine-tuning, on one rank or several.

use std::cell::Cell;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use medinjection_launcher::Result;
use medinjection_launcher::config::TrainConfig;
use medinjection_launcher::train::{Evaluation, Event, Options, Outcome, PreviewRow, StepMetrics, train};

use super::{Device, connect, model_folder, note, print, progress_bar};

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
    /// Go on from the last checkpoint of an unfinished run, where there is one
    #[arg(long)]
    resume: bool,
    /// Begin anew where an unfinished run has a checkpoint, and replace a completed run that was made from something else; it is kept in the run's folder "previous" until the
    /// new one is completed
    #[arg(long)]
    force: bool,
}

/// Runs the command; the exit code is a signal's where one has ended the run, 75 for `SIGUSR1`.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let comm = connect()?;
    let mut config = comm.agree(TrainConfig::load(&arguments.config, &arguments.overrides))?;
    config.model.path = comm.agree(model_folder(&config.model.path))?;
    let Arguments { force, resume, dry_run, device, .. } = arguments;
    let options = Options { force: *force, resume: *resume, dry_run: *dry_run, device: (*device).into() };
    let bar = progress_bar(comm.as_ref(), "{bar:40} step {pos}/{len}, {msg}, {eta} left");
    let said = Said::default();
    let outcome = train(&config, options, comm.as_ref(), &|event| match event {
        Event::Note(message) if comm.is_root() => note(message),
        Event::Note(_) => {}
        Event::Step(metrics, num_steps) => {
            bar.set_length(num_steps);
            bar.set_position(metrics.step);
            bar.set_message(format!("loss {:.4}", metrics.loss));
            if bar.is_hidden() && comm.is_root() && said.is_due(metrics.step == num_steps) {
                let StepMetrics { step, loss, tokens_per_second, .. } = metrics;
                note(&format!("step {step}/{num_steps}, loss {loss:.4}, {tokens_per_second:.0} tokens/s"));
            }
        }
        Event::Evaluated(evaluation) => bar.suspend(|| {
            if comm.is_root() {
                note(&described(evaluation));
            }
        }),
    })?;
    bar.finish_and_clear();
    if !comm.is_root() {
        return Ok(ExitCode::SUCCESS);
    }
    let directory = config.output.dir.display();
    match outcome {
        Outcome::UpToDate => note(&format!("{directory}: up to date")),
        Outcome::Completed(steps) => note(&format!("{directory}: {steps} steps")),
        Outcome::Planned(plan, rows) => print(&planned(&plan, &rows, has_colours(comm.world_size()))),
        Outcome::Stopped(signal) => {
            note(&format!("{directory}: stopped by {}; --resume goes on from here", signal.name()));
            return Ok(ExitCode::from(signal.exit_code()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether stdout is a terminal that a reader sees; `mpirun` gives each rank one of its own, whatever it writes to.
fn has_colours(world_size: usize) -> bool {
    let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    world_size == 1 && is_wanted && std::io::stdout().is_terminal()
}

/// The plan, and the first rows with what the loss predicts of them.
fn planned(plan: &str, rows: &[PreviewRow], has_colours: bool) -> String {
    let how = if has_colours { "in green" } else { "between ⟦ and ⟧" };
    let row = |(number, row): (usize, &PreviewRow)| {
        let row = if has_colours { row.coloured() } else { row.to_string() };
        format!("\nrow {number}\n{}\n", row.trim_end())
    };
    let rows: String = (1..).zip(rows).map(row).collect();
    format!("{plan}\n\nthe first rows, with what the loss predicts {how}\n{rows}")
}

/// When a line was last written where there is no terminal for a progress bar.
#[derive(Default)]
struct Said(Cell<Option<Instant>>);

impl Said {
    /// Whether a line is due: the first, the last, and one in ten seconds.
    fn is_due(&self, is_last: bool) -> bool {
        let is_due = is_last || self.0.get().is_none_or(|last| last.elapsed() >= Duration::from_secs(10));
        if is_due {
            self.0.set(Some(Instant::now()));
        }
        is_due
    }
}

fn described(evaluation: &Evaluation) -> String {
    let Evaluation { step, eval_loss, eval_exact_match } = evaluation;
    let exact_match = eval_exact_match.map_or(String::new(), |share| format!(", exact match {:.1} %", 100.0 * share));
    format!("step {step}, validation: loss {eval_loss:.4}{exact_match}")
}
