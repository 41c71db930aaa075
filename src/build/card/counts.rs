//! The numbers of the card: records by kind, languages, findings, what was rejected, steps.

use std::collections::BTreeMap;
use std::fmt::{Result, Write};

use super::markdown::table;
use crate::provenance::Manifest;

/// The tables of numbers; one without rows is left out.
pub(super) fn counts(text: &mut String, manifest: &Manifest) -> Result {
    text.push_str("\n## Records\n\n");
    let (read, kept) =
        manifest.counts.iter().fold((0, 0), |(read, kept), count| (read + count.num_read, kept + count.num_records));
    let rows = manifest.counts.iter().map(|count| {
        let [split, origin, task] =
            [count.split.as_str(), count.origin.as_str(), count.task.as_str()].map(str::to_owned);
        [split, origin, count.source.clone(), task, count.num_read.to_string(), count.num_records.to_string()]
    });
    let none = String::new;
    let all = ["all".to_owned(), none(), none(), none(), read.to_string(), kept.to_string()];
    table(text, ["split", "origin", "source", "task", "read", "kept"], rows.chain([all]))?;
    text.push_str(
        "\n`mcqu` has one correct choice, `mcq` may have several, `oeq` is open; `native` was written in French, \
         `translated` from English, `synthetic` by a model from a French document.\n",
    );
    numbers(text, "Languages", ["language of the instruction", "records"], &manifest.languages)?;
    numbers(text, "Findings", ["finding with which records were kept", "findings"], &warnings(manifest))?;
    rejected(text, manifest)?;
    notes(text, manifest)?;
    text.push_str("\n## Steps\n\n");
    let rows = manifest.steps.iter().map(|step| {
        [
            step.step.clone(),
            step.num_in.to_string(),
            step.num_out.to_string(),
            step.rejected.values().sum::<u64>().to_string(),
        ]
    });
    table(text, ["step", "in", "out", "rejected"], rows)
}

/// Findings of every step with which rows went on, by reason.
pub(in crate::build) fn warnings(manifest: &Manifest) -> BTreeMap<String, u64> {
    let mut warnings = BTreeMap::new();
    for (reason, number) in manifest.steps.iter().flat_map(|step| &step.warnings) {
        *warnings.entry(reason.clone()).or_default() += number;
    }
    warnings
}

fn numbers(text: &mut String, title: &str, names: [&str; 2], numbers: &BTreeMap<String, u64>) -> Result {
    if numbers.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n## {title}\n")?;
    table(text, names, numbers.iter().map(|(name, number)| [name.clone(), number.to_string()]))
}

fn rejected(text: &mut String, manifest: &Manifest) -> Result {
    let rows: Vec<[String; 3]> = manifest
        .sources
        .iter()
        .flat_map(|source| source.rejected.iter().map(|(reason, number)| (source.name.clone(), reason, number)))
        .map(|(source, reason, number)| [reason.clone(), source, number.to_string()])
        .collect();
    text.push_str("\n## Rejected\n\n");
    if rows.is_empty() {
        text.push_str("No row was rejected.\n");
        return Ok(());
    }
    table(text, ["reason", "source", "rows"], rows)
}

fn notes(text: &mut String, manifest: &Manifest) -> Result {
    let notes = manifest.sources.iter().flat_map(|source| source.notes.iter().map(move |note| (&source.name, note)));
    for (index, (source, note)) in notes.enumerate() {
        if index == 0 {
            text.push_str("\n## Notes on the sources\n\n");
        }
        writeln!(text, "- {source}: {note}")?;
    }
    Ok(())
}
