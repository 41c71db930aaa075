//! `medinjection inspect overlaps`: what stands in a data set more than once.

use std::fmt::{Result, Write};
use std::path::PathBuf;

use super::{Outcome, Terminal};
use crate::inspect::{Overlaps, Pair, RowOf, SharedBetween, overlaps};
use crate::provenance::Dataset;

/// Digits of an identifier that are shown; `inspect trace` finds the row by them.
const SHOWN_DIGITS: usize = 12;

/// Count and name the questions that stand more than once, inside a split and across splits, rejected rows too.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Data set directory.
    dataset: PathBuf,
    /// Most pairs named of each kind; `--json` names all.
    #[arg(long, value_name = "N", default_value_t = 3)]
    limit: usize,
}

/// Runs the command.
///
/// # Errors
/// If the data set cannot be read.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let found = overlaps(&Dataset::open(&args.dataset)?)?;
    let mut text = String::new();
    write_overlaps(&mut text, &found, args.limit)?;
    terminal.result(&text, &found)?;
    Ok(Outcome::Done)
}

fn write_overlaps(text: &mut String, found: &Overlaps, limit: usize) -> Result {
    writeln!(text, "{:<26} {:<24} {:>8} {:>12}", "what", "splits", "pairs", "both kept")?;
    let kinds = [("same question and choices", &found.same_content), ("same question", &found.same_question)];
    for (what, shared) in kinds {
        for shared in shared {
            let (splits, kept) = (splits(shared), shared.num_kept());
            writeln!(text, "{what:<26} {splits:<24} {:>8} {kept:>12}", shared.pairs.len())?;
        }
    }
    let kept = found.same_source_id.iter().filter(|pair| pair.left.is_kept && pair.right.is_kept).count();
    writeln!(text, "{:<26} {:<24} {:>8} {kept:>12}", "same source id", "", found.same_source_id.len())?;
    for (what, shared) in kinds {
        for shared in shared {
            named(text, &format!("{what}, {}", splits(shared)), &shared.pairs, limit)?;
        }
    }
    named(text, "same source id", &found.same_source_id, limit)
}

fn splits(shared: &SharedBetween) -> String {
    let SharedBetween { left, right, .. } = shared;
    if left == right { format!("inside {left}") } else { format!("{left} and {right}") }
}

fn named(text: &mut String, heading: &str, pairs: &[Pair], limit: usize) -> Result {
    if pairs.is_empty() || limit == 0 {
        return Ok(());
    }
    writeln!(text, "\n{heading}:")?;
    for pair in pairs.iter().take(limit) {
        writeln!(text, "  {} = {}", row(&pair.left), row(&pair.right))?;
    }
    let rest = pairs.len().saturating_sub(limit);
    if rest > 0 { writeln!(text, "  and {rest} more (--limit, --json)") } else { Ok(()) }
}

fn row(row: &RowOf) -> String {
    let RowOf { id, source, file, row, is_kept, .. } = row;
    let short = id.get(..SHOWN_DIGITS).unwrap_or(id);
    format!("{short} ({source}, {file}, row {row}{})", if *is_kept { "" } else { ", rejected" })
}
