//! `medinjection inspect trace`: where a row came from and what became of it.

use std::fmt::{Result, Write};
use std::path::PathBuf;

use super::{Outcome, Terminal};
use crate::inspect::{Place, Related, RowKind, Trace, trace};
use crate::provenance::Dataset;
use crate::record::LineageStep;

/// Characters of a text that are shown.
const SHOWN_CHARACTERS: usize = 200;
/// Identifiers that are shown of a list.
const SHOWN_IDS: usize = 10;

/// Say where a row came from: file, hash and row, each step, each check, and the rows that have to do with it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Data set directory.
    dataset: PathBuf,
    /// Identifier of a record, a rejected record, an original or a document, or at least its first six digits.
    id: String,
}

/// Runs the command.
///
/// # Errors
/// If the data set cannot be read, or no row, or more than one, has the identifier.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let trace = trace(&Dataset::open(&args.dataset)?, &args.id)?;
    let mut text = String::new();
    write_trace(&mut text, &trace)?;
    terminal.result(&text, &trace)?;
    Ok(Outcome::Done)
}

fn write_trace(text: &mut String, trace: &Trace) -> Result {
    let kind = match trace.kind {
        RowKind::Record => "record",
        RowKind::Rejected => "rejected record",
        RowKind::Original => "English original",
        RowKind::Document => "seed document",
    };
    write!(text, "{kind} {}", trace.id)?;
    if let Some(facts) = &trace.record {
        write!(text, ": {}, {}, {}", facts.split, facts.origin, facts.task)?;
    }
    writeln!(text, "\n  {}", shown(&trace.text))?;
    if let Some(rejection) = &trace.rejection {
        writeln!(text, "rejected: {}: {}", rejection.reason, rejection.detail)?;
        if !rejection.partner_id.is_empty() {
            writeln!(text, "  in favour of {}", rejection.partner_id)?;
        }
    }
    place(text, "from", &trace.place)?;
    lineage(text, &trace.lineage)?;
    checks(text, trace)?;
    if let Some(group) = &trace.group {
        let others = if group.others.is_empty() { "no other record".to_owned() } else { ids(&group.others) };
        writeln!(text, "group {}: {others}", group.id)?;
    }
    for rejected in &trace.rejected_for_it {
        writeln!(text, "rejected in its favour: {} as {}", rejected.id, rejected.reason)?;
        place(text, "  from", &rejected.place)?;
    }
    if let Some(translation) = &trace.translation {
        let how = &translation.how;
        let scores = how.scores.iter().map(|(name, score)| format!("{name} {score}"));
        let engine = [&how.engine, &how.model, &how.prompt_version].map(String::clone);
        writeln!(text, "translated: {}", said(engine.into_iter().chain(scores)))?;
        related(text, "original", &how.original_id, translation)?;
    }
    if let Some(synthesis) = &trace.synthesis {
        let how = &synthesis.how;
        let model = [&how.model, &how.prompt_version, &how.task_name].map(String::clone);
        writeln!(text, "synthesised: {}\n  evidence: « {} »", said(model), shown(&how.evidence))?;
        related(text, "document", &how.document_id, synthesis)?;
    }
    if !trace.made_from_it.is_empty() {
        writeln!(text, "records made from it: {}", ids(&trace.made_from_it))?;
    }
    Ok(())
}

fn place(text: &mut String, word: &str, place: &Place) -> Result {
    writeln!(text, "{word}: {} {}, licence {}", place.source, place.source_id, place.license)?;
    let indent = word.len() - word.trim_start().len() + 2;
    writeln!(text, "{:indent$}revision {}", "", place.revision)?;
    let hash = if place.file_sha256.is_empty() { "unknown" } else { &place.file_sha256 };
    writeln!(text, "{:indent$}file {}, row {}, SHA-256 {hash}", "", place.file, place.row)
}

fn lineage(text: &mut String, steps: &[LineageStep]) -> Result {
    (1..).zip(steps).try_for_each(|(number, step)| writeln!(text, "step {number}: {}: {}", step.step, step.detail))
}

fn checks(text: &mut String, trace: &Trace) -> Result {
    for finding in trace.checks.iter().flat_map(|check| &check.findings) {
        writeln!(text, "{}: {} in {}: {}", finding.severity, finding.reason, finding.field, finding.detail)?;
    }
    let silent: Vec<&str> =
        trace.checks.iter().filter(|check| check.findings.is_empty()).map(|check| check.reason.as_str()).collect();
    if silent.is_empty() { Ok(()) } else { writeln!(text, "nothing found by: {}", silent.join(", ")) }
}

fn related<T>(text: &mut String, word: &str, id: &str, related: &Related<T>) -> Result {
    match &related.place {
        Some(from) => {
            writeln!(text, "{word} {id}\n  {}", shown(&related.text))?;
            place(text, "  from", from)
        }
        None if id.is_empty() => writeln!(text, "{word}: not known"),
        None => writeln!(text, "{word} {id}: not in the data set"),
    }
}

/// What is known of a list of facts, of which some are empty.
fn said(facts: impl IntoIterator<Item = String>) -> String {
    let known: Vec<String> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
    if known.is_empty() { "nobody says how".to_owned() } else { known.join(", ") }
}

fn ids(ids: &[String]) -> String {
    let shown = ids.iter().take(SHOWN_IDS).cloned().collect::<Vec<_>>().join(", ");
    match ids.len().saturating_sub(SHOWN_IDS) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The beginning of a text, on one line.
fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SHOWN_CHARACTERS {
        return line;
    }
    line.chars().take(SHOWN_CHARACTERS).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_and_texts_are_cut() {
        assert_eq!(shown("a\n b"), "a b");
        assert_eq!(shown(&"é".repeat(300)).chars().count(), SHOWN_CHARACTERS + 1);
        assert!(ids(&vec!["1".to_owned(); 12]).ends_with("1 and 2 more"));
        assert_eq!(said([String::new(), "gpt".to_owned()]), "gpt");
    }
}
