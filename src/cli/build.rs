//! `medinjection build`: makes a data set.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::{Outcome, Terminal};
use crate::build::{Built, Plan, build};
use crate::columnar::read_rejected;
use crate::provenance::{Layout, REJECTED};
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
    /// Columns of the records: `records` (every field, with provenance) or `published` (five texts); this goes before the
    /// configuration's `output.layout`.
    #[arg(long, value_name = "NAME")]
    layout: Option<Layout>,
    /// Write the published layout though a source's licence forbids to pass it on.
    #[arg(long)]
    allow_restricted: bool,
    /// Replace a data set made from something else.
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps the data set from being made.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let mut plan = match &args.config {
        Some(path) => Plan::from_config(path)?,
        None => Plan::sample()?,
    };
    plan.layout = args.layout.unwrap_or(plan.layout);
    plan.allow_restricted = args.allow_restricted;
    let built = build(&plan, &args.out, args.force)?;
    if built.up_to_date {
        terminal.note(&format!("{}: up to date", args.out.display()));
    }
    for source in &built.manifest.sources {
        for note in &source.notes {
            terminal.note(&format!("{}: {note}", source.name));
        }
    }
    terminal.result(&table(&built)?, &built.manifest)?;
    let rejected = built.num_rejected() > 0;
    if rejected {
        for note in rejected_notes(&args.out)? {
            terminal.note(&note);
        }
    }
    Ok(if rejected && !args.sample { Outcome::DoneWithFindings } else { Outcome::Done })
}

/// Names the first rejected rows and the file that has them all. No other file of the data set, just made, is read.
fn rejected_notes(directory: &Path) -> crate::Result<Vec<String>> {
    let path = directory.join(REJECTED);
    let mut notes = Vec::new();
    for rejected in read_rejected(&path)?.take(SHOWN_REJECTED) {
        let Rejected { source_name, file, row, reason, detail, .. } = rejected?;
        notes.push(format!("rejected: {source_name}, {file}, row {row}: {reason}: {detail}"));
    }
    notes.push(format!("every rejected row with its reason: {}", path.display()));
    Ok(notes)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columnar::RejectedWriter;
    use crate::record::Reason;

    #[test]
    fn the_first_rejected_rows_are_named_from_their_file_alone() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = RejectedWriter::create(&directory.path().join(REJECTED)).unwrap();
        for row in 1..=9 {
            let (detail, source_name, file) = ("expected a list".to_owned(), "essai".to_owned(), "a.json".to_owned());
            let (record, reason, partner_id, raw) = (None, Reason::Unreadable, String::new(), String::new());
            writer.write(Rejected { record, reason, detail, partner_id, source_name, file, row, raw }).unwrap();
        }
        writer.finish().unwrap();
        let notes = rejected_notes(directory.path()).unwrap();
        assert_eq!(notes.len(), SHOWN_REJECTED + 1);
        assert_eq!(notes[4], "rejected: essai, a.json, row 5: unreadable: expected a list");
        assert!(notes[5].ends_with(REJECTED), "{}", notes[5]);
    }
}
