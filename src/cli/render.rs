//! `medinjection render`: writes the questions of a split as evaluation rows.

use std::path::PathBuf;

use super::{Outcome, Terminal};
use crate::provenance::Dataset;
use crate::record::{Origin, Split, Task};
use crate::render::{Filter, write_evaluation};

/// Write the questions of a split as evaluation rows (JSON Lines), for predict.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Data set directory.
    #[arg(long, value_name = "DIR")]
    dataset: PathBuf,
    /// train, validation or test.
    #[arg(long)]
    split: Split,
    /// Where the rows go.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Keep this source only; may be given several times.
    #[arg(long, value_name = "NAME")]
    source: Vec<String>,
    /// Keep this task only (mcqu, mcq, oeq); may be given several times.
    #[arg(long)]
    task: Vec<Task>,
    /// Keep this origin only (native, translated, synthetic); may be given several times.
    #[arg(long)]
    origin: Vec<Origin>,
    /// Replace rows made from something else.
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps the rows from being written.
pub(super) fn run(args: Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let dataset = Dataset::open(&args.dataset)?;
    let filter = Filter { sources: args.source, origins: args.origin, tasks: args.task };
    match write_evaluation(&dataset, args.split, &filter, &args.out, args.force)? {
        None => terminal.note(&format!("{}: up to date", args.out.display())),
        Some(num_rows) => {
            let result = serde_json::json!({ "out": args.out, "num_rows": num_rows });
            terminal.result(&format!("{}: {num_rows} questions", args.out.display()), &result)?;
        }
    }
    Ok(Outcome::Done)
}
