//! `medinjection build`: makes a data set.

use std::fmt::Write;
use std::path::PathBuf;

use super::{Outcome, Terminal};
use crate::build::{Built, Plan, build};
use crate::provenance::{Dataset, REJECTED};
use crate::record::Rejected;

/// Rejected rows that are named in the terminal.
const SHOWN_REJECTED: usize = 5;

/// Make a data set: read the sources, check every record, set duplicates aside, write parquet files and a manifest.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A TOML file with one [[source]] (name, path, resplit) a corpus.
    #[arg(long, value_name = "FILE", required_unless_present = "sample")]
    config: Option<PathBuf>,
    /// Make the built-in sample.
    #[arg(long, conflicts_with = "config")]
    sample: bool,
    /// Directory of the data set.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace a data set made from something else.
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps the data set from being made.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let plan = match &args.config {
        Some(path) => Plan::from_config(path)?,
        None => Plan::sample()?,
    };
    let built = build(&plan, &args.out, args.force)?;
    if built.up_to_date {
        terminal.note(&format!("{}: up to date", args.out.display()));
    }
    terminal.result(&table(&built)?, &built.manifest)?;
    let rejected = built.num_rejected() > 0;
    if rejected {
        show_rejected(args, terminal)?;
    }
    Ok(if rejected && !args.sample { Outcome::DoneWithFindings } else { Outcome::Done })
}

/// Names the first rejected rows and the file that has them all.
fn show_rejected(args: &Args, terminal: &Terminal) -> anyhow::Result<()> {
    for rejected in Dataset::open(&args.out)?.rejected().take(SHOWN_REJECTED) {
        let Rejected { source_name, file, row, reason, detail, .. } = rejected?;
        terminal.note(&format!("rejected: {source_name}, {file}, row {row}: {reason}: {detail}"));
    }
    terminal.note(&format!("every rejected row with its reason: {}", args.out.join(REJECTED).display()));
    Ok(())
}

fn table(built: &Built) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "{:<11} {:<11} {:<16} {:<5} {:>8} {:>8}", "split", "origin", "source", "task", "read", "kept")?;
    let (mut read, mut kept) = (0, 0);
    for count in &built.manifest.counts {
        writeln!(
            text,
            "{:<11} {:<11} {:<16} {:<5} {:>8} {:>8}",
            count.split, count.origin, count.source, count.task, count.num_read, count.num_records
        )?;
        read += count.num_read;
        kept += count.num_records;
    }
    writeln!(text, "{:<11} {:<11} {:<16} {:<5} {read:>8} {kept:>8}", "all", "", "", "")?;
    let rejected: Vec<_> = built
        .manifest
        .sources
        .iter()
        .flat_map(|source| source.rejected.iter().map(move |(reason, number)| (&source.name, reason, number)))
        .collect();
    if !rejected.is_empty() {
        writeln!(text, "\n{:<16} {:<18} {:>8}", "source", "rejected as", "rows")?;
        for (source, reason, number) in rejected {
            writeln!(text, "{source:<16} {reason:<18} {number:>8}")?;
        }
    }
    let warnings = built.manifest.steps.iter().flat_map(|step| &step.warnings);
    let warnings: Vec<String> = warnings.map(|(reason, number)| format!("{reason} {number}")).collect();
    if !warnings.is_empty() {
        writeln!(text, "\nwarnings: {}", warnings.join(", "))?;
    }
    Ok(text)
}
