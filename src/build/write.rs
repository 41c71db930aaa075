//! Second pass: staged records go to their split, or to the rejected; then the card and the manifest.

use std::collections::BTreeMap;
use std::path::Path;

use super::card::card;
use super::check::{Checked, Staging, rejection};
use super::config::{Input, Plan};
use super::croissant::croissant;
use super::layout::{LayoutEncoder, LayoutGroup, RecordShards};
use super::observer::{Options, Step};
use super::ordered::{Jobs, ordered};
use super::preview::ExpectedRows;
use super::staging::StagingReader;
use super::tally::Tally;
use crate::columnar::{Batch, ROW_GROUP_BYTES, ROW_GROUP_ROWS, RejectedWriter};
use crate::dedup::Verdicts;
use crate::provenance::{FileEntry, Layout, Manifest, REJECTED, SourceEntry, write_atomic};
use crate::record::{Record, Rejected, Split, redistribution};
use crate::{Error, Result};

/// Writes the files of the data set into `root`, the manifest last.
pub(super) fn write(
    plan: &Plan,
    staging: &Staging,
    checked: Checked,
    root: &Path,
    options: &Options<'_>,
) -> Result<Manifest> {
    options.observer.begin(Step::Deduplicate, None);
    let verdicts = staging.notes(plan).verdicts(options.num_threads.get())?;
    let num_rows = verdicts.len() as u64;
    options.observer.begin(Step::Write, Some(ExpectedRows { num_rows, is_estimate: false }));
    let Checked { mut tally, files } = checked;
    let mut manifest = Manifest::new(plan.resolved());
    manifest.layout = plan.layout;
    let mut rejected = RejectedWriter::create(&root.join(REJECTED))?;
    for batch in StagingReader::<Rejected>::open(&staging.rejected())? {
        let rows = batch?.rows().map_err(|message| Error::format(staging.rejected(), message))?;
        rows.into_iter().try_for_each(|row| rejected.write(row))?;
    }
    let mut splits = Splits::new(plan, root);
    let encoder = LayoutEncoder::new(plan.layout)?;
    let mut sorter = Sorter::new(&verdicts, plan.max_shard_bytes, &mut tally);
    ordered(
        options.num_threads.get(),
        |jobs| sorter.sort(staging, options, jobs),
        |job| match job {
            Job::Keep(split, batches) => Ok(Done::Kept(split, encoder.encode(&batches)?)),
            Job::Reject(rows) => Ok(Done::Rejected(rows)),
        },
        |done| match done {
            Done::Kept(split, row_group) => splits.write(split, row_group),
            Done::Rejected(rows) => rows.into_iter().try_for_each(|row| rejected.write(row)),
        },
    )?;
    splits.finish(&mut manifest.files)?;
    adopt(&staging.finished(), root, files, &mut manifest.files)?;
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

/// Moves the files that the first pass finished into the data set.
fn adopt(
    finished: &Path,
    root: &Path,
    files: BTreeMap<String, FileEntry>,
    entries: &mut BTreeMap<String, FileEntry>,
) -> Result<()> {
    for (name, entry) in files {
        let path = root.join(&name);
        let directory = path.parent().unwrap_or(root);
        std::fs::create_dir_all(directory).map_err(Error::io(directory))?;
        // A link, so that an interruption after this leaves the first pass whole; else a copy.
        let from = finished.join(&name);
        std::fs::hard_link(&from, &path)
            .or_else(|_| std::fs::copy(&from, &path).map(|_| ()))
            .map_err(Error::io(&path))?;
        entries.insert(name, entry);
    }
    Ok(())
}

/// What the second pass gives to a thread.
enum Job {
    /// A row group of a split, to be encoded.
    Keep(Split, Vec<Batch<Record>>),
    /// Records that are not kept.
    Reject(Vec<Rejected>),
}

/// What comes back.
enum Done {
    Kept(Split, LayoutGroup),
    Rejected(Vec<Rejected>),
}

/// Batches of one split that wait for their row group to be full.
#[derive(Default)]
struct Waiting {
    batches: Vec<Batch<Record>>,
    num_rows: usize,
    num_bytes: usize,
}

/// Sorts staged records by verdict and split.
struct Sorter<'a> {
    verdicts: &'a Verdicts,
    max_group_bytes: usize,
    tally: &'a mut Tally,
    waiting: BTreeMap<Split, Waiting>,
    num_seen: usize,
}

impl<'a> Sorter<'a> {
    fn new(verdicts: &'a Verdicts, max_shard_bytes: usize, tally: &'a mut Tally) -> Self {
        let max_group_bytes = ROW_GROUP_BYTES.min(max_shard_bytes);
        Self { verdicts, max_group_bytes, tally, waiting: BTreeMap::new(), num_seen: 0 }
    }

    fn sort(&mut self, staging: &Staging, options: &Options<'_>, jobs: &mut Jobs<'_, Job>) -> Result<()> {
        let path = staging.records();
        for batch in StagingReader::<Record>::open(&path)? {
            let batch = batch?;
            self.batch(&batch, jobs, |message| Error::format(&path, message))?;
            options.observer.advance(batch.num_rows() as u64);
        }
        for (split, waiting) in std::mem::take(&mut self.waiting) {
            jobs(Job::Keep(split, waiting.batches))?;
        }
        Ok(())
    }

    fn batch(
        &mut self,
        batch: &Batch<Record>,
        jobs: &mut Jobs<'_, Job>,
        wrong: impl Fn(String) -> Error,
    ) -> Result<()> {
        let keys = batch.keys().map_err(&wrong)?;
        let first = self.num_seen;
        self.num_seen += keys.len();
        let stays = |row: usize| self.verdicts.keeps(first + row);
        for split in Split::ALL {
            let keep: Vec<bool> = keys.iter().enumerate().map(|(row, key)| key.split == *split && stays(row)).collect();
            if keep.contains(&true) {
                let part = batch.select(keep).map_err(&wrong)?;
                let waiting = self.waiting.entry(*split).or_default();
                waiting.num_rows += part.num_rows();
                waiting.num_bytes += part.num_bytes();
                waiting.batches.push(part);
                if waiting.num_rows + batch.num_rows() > ROW_GROUP_ROWS || waiting.num_bytes >= self.max_group_bytes {
                    jobs(Job::Keep(*split, std::mem::take(waiting).batches))?;
                }
            }
        }
        self.waiting.retain(|_, waiting| !waiting.batches.is_empty());
        let languages = batch.instruction_languages().map_err(&wrong)?;
        for (row, (key, language)) in keys.iter().zip(&languages).enumerate() {
            if self.verdicts.keeps(first + row) {
                self.tally.kept(key, language.as_deref());
            }
        }
        let reject: Vec<bool> = (0..keys.len()).map(|row| !self.verdicts.keeps(first + row)).collect();
        if reject.contains(&true) {
            let places = (0..keys.len()).filter(|row| reject[*row]).map(|row| first + row).collect::<Vec<_>>();
            let records = batch.select(reject).and_then(|batch| batch.rows()).map_err(&wrong)?;
            let rows = records.into_iter().zip(places).filter_map(|(record, place)| self.rejected(record, place));
            jobs(Job::Reject(rows.collect()))?;
        }
        Ok(())
    }

    fn rejected(&mut self, mut record: Record, place: usize) -> Option<Rejected> {
        let verdict = self.verdicts.get(place);
        let (finding, partner_id) = verdict.finding()?;
        self.tally.repeated(&record, finding.reason);
        let (reason, detail) = (finding.reason, finding.detail.clone());
        record.findings.push(finding);
        Some(rejection(record, reason, detail, partner_id.to_owned()))
    }
}

/// The files of each split.
struct Splits(BTreeMap<Split, RecordShards>);

impl Splits {
    fn new(plan: &Plan, root: &Path) -> Self {
        let shards = |split: &Split| {
            (*split, RecordShards::new(plan.layout, root, &format!("data/{split}"), plan.max_shard_bytes))
        };
        Self(Split::ALL.iter().map(shards).collect())
    }

    fn write(&mut self, split: Split, row_group: LayoutGroup) -> Result<()> {
        self.0.get_mut(&split).map_or(Ok(()), |shards| shards.write(row_group))
    }

    fn finish(self, files: &mut BTreeMap<String, FileEntry>) -> Result<()> {
        self.0.into_values().try_for_each(|shards| shards.finish(files))
    }
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
