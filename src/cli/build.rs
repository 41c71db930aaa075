//! `medinjection build`: makes a data set.

use std::num::{NonZeroU16, NonZeroUsize};
use std::path::{Path, PathBuf};

use super::build_progress::Progress;
use super::{Outcome, Terminal, build_text};
use crate::build::{Built, BuiltShard, Options, Plan, Shard, build_shard, build_with, merge_shards, preview};
use crate::columnar::read_rejected;
use crate::provenance::{Layout, REJECTED};
use crate::record::Rejected;

/// Rejected rows that are named in the terminal.
const SHOWN_REJECTED: usize = 5;

/// Make a data set: read the sources, check every record, set duplicates aside, write parquet files and a manifest.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
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
    /// Threads that check and encode; one a processor where none is given. The data set does not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Only say what would be read and written, and about how much.
    #[arg(long, conflicts_with_all = ["shard", "merge"])]
    dry_run: bool,
    /// Only read and check the share I of N of the files, and keep what was found in `DIR.shards`, for `--merge N`.
    #[arg(long, value_name = "I/N", conflicts_with = "merge")]
    shard: Option<Shard>,
    /// Make the data set from what N shards found, each made with the same configuration and output; the same bytes as without.
    #[arg(long, value_name = "N")]
    merge: Option<u32>,
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
    let defaults = Options::default();
    let num_threads = args.threads.and_then(NonZeroU16::new).map_or(defaults.num_threads, NonZeroUsize::from);
    if args.dry_run {
        let preview = preview(&plan, &args.out, args.force)?;
        terminal.result(&build_text::preview(&preview, &args.out, num_threads.get())?, &preview)?;
        return Ok(Outcome::Done);
    }
    let progress = Progress::new(terminal, !terminal.is_json());
    let options = Options { force: args.force, num_threads, observer: &progress };
    if let Some(shard) = args.shard {
        let built = build_shard(&plan, &args.out, shard, &options)?;
        progress.end();
        shard_result(&built, terminal)?;
        return Ok(Outcome::Done);
    }
    let built = match args.merge {
        Some(count) => merge_shards(&plan, &args.out, count, &options)?,
        None => build_with(&plan, &args.out, &options)?,
    };
    progress.end();
    data_set_result(args, &built, terminal)
}

/// What was found is told by the merge, which alone has the last word.
fn shard_result(built: &BuiltShard, terminal: &Terminal) -> anyhow::Result<()> {
    if built.up_to_date {
        terminal.note(&format!("{}: up to date", built.path.display()));
    }
    terminal.result(&build_text::shard(built)?, built)
}

fn data_set_result(args: &Args, built: &Built, terminal: &Terminal) -> anyhow::Result<Outcome> {
    if built.up_to_date {
        terminal.note(&format!("{}: up to date", args.out.display()));
    }
    for source in &built.manifest.sources {
        for note in &source.notes {
            terminal.note(&format!("{}: {note}", source.name));
        }
    }
    terminal.result(&build_text::built(&built.manifest)?, &built.manifest)?;
    for remark in build_text::remarks(&built.manifest) {
        terminal.note(&remark);
    }
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
