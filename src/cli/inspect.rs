//! `medinjection inspect`: looks into a data set, or into what would make one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::bail;

use super::{Outcome, Terminal, inspect_language};
use crate::inspect::{Stats, stats};
use crate::provenance::Dataset;
use crate::record::{Original, Record, Split};

/// Look into a data set, or into the sources of one.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Count records by split, origin, source and task, with lengths and languages.
    Stats {
        /// Data set directory.
        dataset: PathBuf,
    },
    /// Show records with their choices, answer and provenance.
    Show(Show),
    Overlaps(super::overlaps::Args),
    Trace(super::trace::Args),
    Preview(super::preview::Args),
    Language(inspect_language::Args),
}

#[derive(Debug, clap::Args)]
struct Show {
    /// Data set directory.
    dataset: PathBuf,
    /// Identifier of a record, or its beginning.
    id: Option<String>,
    /// Records of this split only.
    #[arg(long)]
    split: Option<Split>,
    /// Most records shown, 1 or more: the first that fit, of train, then validation, then test.
    #[arg(long, value_name = "N", default_value_t = 3, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
}

/// Runs the command.
///
/// # Errors
/// If the data set cannot be read, or holds no such record.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    match &args.what {
        What::Stats { dataset } => {
            let stats = stats(&Dataset::open(dataset)?)?;
            terminal.result(&stats_table(&stats)?, &stats)?;
        }
        What::Overlaps(args) => return super::overlaps::run(args, terminal),
        What::Trace(args) => return super::trace::run(args, terminal),
        What::Preview(args) => return super::preview::run(args, terminal),
        What::Language(args) => return inspect_language::run(args, terminal),
        What::Show(show) => {
            let dataset = Dataset::open(&show.dataset)?;
            let records = find(&dataset, show)?;
            let originals = originals_of(&dataset, &records)?;
            let mut text = String::new();
            for record in &records {
                write_record(&mut text, record, originals.get(&record.id))?;
            }
            terminal.result(&text, &records)?;
        }
    }
    Ok(Outcome::Done)
}

fn stats_table(stats: &[Stats]) -> Result<String, std::fmt::Error> {
    let mut text = format!(
        "{:<10} {:<10} {:<20} {:<5} {:>8} {:>8} {:>24}  {}\n",
        "split", "origin", "source", "task", "records", "groups", "prompt characters", "language of instruction"
    );
    writeln!(text, "{:<10} {:<10} {:<20} {:<5} {:>8} {:>8} {:>24}", "", "", "", "", "", "", "min median p95 max")?;
    for row in stats {
        let chars = row.prompt_chars;
        let chars = format!("{} {} {} {}", chars.min, chars.median, chars.p95, chars.max);
        let languages: Vec<_> = row.languages.iter().map(|(language, count)| format!("{language} {count}")).collect();
        writeln!(
            text,
            "{:<10} {:<10} {:<20} {:<5} {:>8} {:>8} {chars:>24}  {}",
            row.split,
            row.origin,
            row.source,
            row.task,
            row.num_records,
            row.num_groups,
            languages.join(", ")
        )?;
    }
    let num_records: u64 = stats.iter().map(|row| row.num_records).sum();
    writeln!(text, "{:<10} {:<10} {:<20} {:<5} {num_records:>8}", "all", "", "", "")?;
    Ok(text)
}

fn find(dataset: &Dataset, show: &Show) -> anyhow::Result<Vec<Record>> {
    let splits = show.split.as_ref().map_or(Split::ALL, std::slice::from_ref);
    let mut found = Vec::new();
    for record in splits.iter().flat_map(|split| dataset.records(*split)) {
        let record = record?;
        if show.id.as_ref().is_none_or(|id| record.id.starts_with(id.as_str())) {
            found.push(record);
        }
        if found.len() as u64 == show.limit {
            break;
        }
    }
    if found.is_empty() {
        let wanted =
            show.id.as_ref().map_or("any record".to_owned(), |id| format!("a record whose id begins with {id:?}"));
        let split = show.split.map_or(String::new(), |split| format!(" in split {split}"));
        bail!("{}: expected {wanted}{split}, found none; see what there is with inspect stats", show.dataset.display());
    }
    Ok(found)
}

/// The English original of each translated record, by the record's identifier.
fn originals_of(dataset: &Dataset, records: &[Record]) -> anyhow::Result<BTreeMap<String, Original>> {
    let translation = |record: &Record| record.provenance.translation.clone();
    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in records {
        if let Some(translation) = translation(record) {
            wanted.entry(translation.original_id).or_default().push(record.id.clone());
        }
    }
    let mut found = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    for original in dataset.originals() {
        let original = original?;
        for id in wanted.get(&original.id).into_iter().flatten() {
            found.insert(id.clone(), original.clone());
        }
    }
    Ok(found)
}

fn write_record(text: &mut String, record: &Record, original: Option<&Original>) -> std::fmt::Result {
    writeln!(
        text,
        "{}  {} {} {}  {} {}",
        record.id, record.split, record.origin, record.task, record.source, record.source_id
    )?;
    writeln!(text, "  {}", record.instruction)?;
    if !record.context.is_empty() {
        writeln!(text, "  Contexte : {}", record.context)?;
    }
    for choice in &record.choices {
        let mark = if record.answer_labels.contains(&choice.label) { '*' } else { ' ' };
        writeln!(text, "  {mark} ({}) {}", choice.label, choice.text)?;
    }
    writeln!(text, "  answer: {}", record.answer)?;
    if let Some(original) = original {
        writeln!(text, "  original: {}", original.question)?;
        for choice in &original.choices {
            writeln!(text, "      ({}) {}", choice.label, choice.text)?;
        }
    }
    if let Some(synthesis) = &record.provenance.synthesis {
        writeln!(text, "  written by: {}, from document {}", synthesis.model, synthesis.document_id)?;
        writeln!(text, "  evidence: « {} »", synthesis.evidence)?;
    }
    for finding in &record.findings {
        writeln!(text, "  finding: {} in {}: {}", finding.reason, finding.field, finding.detail)?;
    }
    let provenance = &record.provenance;
    writeln!(text, "  from: {} row {}, {}", provenance.source_file, provenance.source_row, record.license)?;
    writeln!(text)
}
