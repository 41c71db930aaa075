//! Second pass: staged records go to their split, or to the rejected; then the card and the manifest.

use std::collections::BTreeMap;
use std::path::Path;

use super::card::card;
use super::check::{Checked, rejection};
use super::config::{Input, Plan};
use super::croissant::croissant;
use super::layout::RecordShards;
use super::tally::Tally;
use crate::columnar::{RejectedWriter, read_records};
use crate::dedup::Verdict;
use crate::provenance::{FileEntry, Layout, Manifest, REJECTED, SourceEntry, write_atomic};
use crate::record::{Record, Split, redistribution};
use crate::{Error, Result};

/// Writes the files of the data set into `root`, the manifest last.
pub(super) fn write(plan: &Plan, checked: Checked, root: &Path) -> Result<Manifest> {
    let Checked { staging, deduplicator, mut rejected, originals, documents, mut tally } = checked;
    let mut splits: BTreeMap<Split, RecordShards> = Split::ALL
        .iter()
        .map(|split| (*split, RecordShards::new(plan.layout, root, &format!("data/{split}"), plan.max_shard_bytes)))
        .collect();
    for (record, verdict) in read_records(&staging)?.zip(deduplicator.verdicts()) {
        if let Some(record) = kept(record?, verdict, &mut tally, &mut rejected)?
            && let Some(shards) = splits.get_mut(&record.split)
        {
            shards.write(record)?;
        }
    }
    std::fs::remove_file(&staging).map_err(Error::io(&staging))?;

    let mut manifest = Manifest::new(plan.resolved());
    manifest.layout = plan.layout;
    for shards in splits.into_values() {
        shards.finish(&mut manifest.files)?;
    }
    originals.finish(&mut manifest.files)?;
    documents.finish(&mut manifest.files)?;
    let num_rejected = rejected.finish()?;
    manifest.files.insert(REJECTED.to_owned(), FileEntry::of(&root.join(REJECTED), Some(num_rejected))?);
    manifest.sources = plan.inputs.iter().map(|input| source_entry(input, &tally)).collect();
    manifest.steps = tally.steps();
    manifest.counts = tally.counts();

    manifest.languages = tally.languages();
    if plan.layout == Layout::Published {
        manifest.refuse_restricted(plan.allow_restricted)?;
    }
    for (name, text) in
        [("README.md", card(&manifest, &plan.description)), ("croissant.json", croissant(&manifest, &plan.description))]
    {
        let path = root.join(name);
        write_atomic(&path, text.as_bytes())?;
        manifest.files.insert(name.to_owned(), FileEntry::of(&path, None)?);
    }
    manifest.write(root)?;
    Ok(manifest)
}

/// The record, where the verdict is that it stays; else it is rejected.
fn kept(
    mut record: Record,
    verdict: Verdict,
    tally: &mut Tally,
    rejected: &mut RejectedWriter,
) -> Result<Option<Record>> {
    let Some(finding) = verdict.finding() else {
        tally.kept(&record);
        return Ok(Some(record));
    };
    let (Verdict::Duplicate { partner_id } | Verdict::Leak { partner_id }) = verdict else { return Ok(Some(record)) };
    tally.repeated(&record, finding.reason);
    let (reason, detail) = (finding.reason, finding.detail.clone());
    record.findings.push(finding);
    rejected.write(rejection(record, reason, detail, partner_id))?;
    Ok(None)
}

fn source_entry(input: &Input, tally: &Tally) -> SourceEntry {
    let info = input.source.info();
    let entry = |file: &crate::source::SourceFile| FileEntry {
        sha256: file.sha256.clone(),
        num_bytes: file.num_bytes,
        num_rows: None,
    };
    let licenses = tally.licenses(&info.name);
    let strictest = licenses.keys().map(|license| redistribution(license)).max();
    SourceEntry {
        name: info.name.clone(),
        license: info.license.clone(),
        redistribution: strictest.unwrap_or_else(|| info.redistribution()),
        licenses,
        citation: info.citation.clone(),
        homepage: info.homepage.clone(),
        revision: input.files.revision().to_owned(),
        rejected: tally.rejected(&info.name),
        notes: tally.notes(&info.name),
        files: input.files.iter().map(|file| (file.name.clone(), entry(file))).collect(),
    }
}
