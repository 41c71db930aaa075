//! Second pass: staged records go to their split, or to the rejected; then the card and the manifest.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::card::card;
use super::check::{Checked, Staging, rejection};
use super::config::{Input, Plan};
use super::croissant::croissant;
use super::layout::{LayoutEncoder, LayoutGroup, RecordShards};
use super::observer::{Options, Step};
use super::ordered::{Jobs, ordered};
use super::preview::ExpectedRows;
use super::shards::Shards;
use super::staging::StagingReader;
use super::tally::Tally;
use crate::columnar::{Batch, DocumentWriter, OriginalWriter, ROW_GROUP_BYTES, ROW_GROUP_ROWS, RejectedWriter, Row};
use crate::dedup::Verdicts;
use crate::provenance::{FileEntry, Layout, Manifest, REJECTED, SourceEntry, write_atomic};
use crate::record::{Origin, Original, Record, Rejected, Split, redistribution};
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
    let Checked { mut tally } = checked;
    let mut manifest = Manifest::new(plan.resolved());
    manifest.layout = plan.layout;
    write_originals(plan, staging, root, &mut tally, &mut manifest.files)?;
    write_documents(plan, staging, root, &mut manifest.files)?;
    let mut rejected = RejectedWriter::create(&root.join(REJECTED))?;
    each_row(&staging.rejected(), |_, row| rejected.write(row))?;
    let mut parts = Parts::new(plan, root);
    let encoder = LayoutEncoder::new(plan.layout)?;
    let mut sorter = Sorter::new(&verdicts, plan.max_shard_bytes, &mut tally);
    ordered(
        options.num_threads.get(),
        |jobs| sorter.sort(staging, options, jobs),
        |job| match job {
            Job::Keep(part, batches) => Ok(Done::Kept(part, encoder.encode(&batches)?)),
            Job::Reject(rows) => Ok(Done::Rejected(rows)),
        },
        |done| match done {
            Done::Kept(part, row_group) => parts.write(part, row_group),
            Done::Rejected(rows) => rows.into_iter().try_for_each(|row| rejected.write(row)),
        },
    )?;
    parts.finish(&mut manifest.files)?;
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

/// Gives each row of a staged file to `write`, with the number of its input.
fn each_row<T: Row>(path: &Path, mut write: impl FnMut(usize, T) -> Result<()>) -> Result<()> {
    for batch in StagingReader::<T>::open(path)? {
        let (input, batch) = batch?;
        let rows = batch.rows().map_err(|message| Error::format(path, message))?;
        rows.into_iter().try_for_each(|row| write(input, row))?;
    }
    Ok(())
}

/// A corpus and its translation give the same originals; the first to be read is written.
fn write_originals(
    plan: &Plan,
    staging: &Staging,
    root: &Path,
    tally: &mut Tally,
    files: &mut BTreeMap<String, FileEntry>,
) -> Result<()> {
    let mut shards = Shards::<OriginalWriter>::new(root, "originals/originals", plan.max_shard_bytes);
    let mut ids = HashSet::new();
    let path = staging.originals();
    each_row(&path, |input, original: Original| {
        let input = plan.inputs.get(input).ok_or_else(|| Error::format(&path, "expected an input of this build"))?;
        let source = &input.source.info().name;
        if !ids.insert(original.id.clone()) {
            tally.repeated_original(source);
            return Ok(());
        }
        tally.licensed(source, &original.license);
        shards.write(original)
    })?;
    shards.finish(files)
}

fn write_documents(plan: &Plan, staging: &Staging, root: &Path, files: &mut BTreeMap<String, FileEntry>) -> Result<()> {
    let mut shards = Shards::<DocumentWriter>::new(root, "documents/documents", plan.max_shard_bytes);
    each_row(&staging.documents(), |_, document| shards.write(document))?;
    shards.finish(files)
}

/// Records that stand in files of their own.
type Part = (Split, Origin);

/// What the second pass gives to a thread.
enum Job {
    /// A row group of a part, to be encoded.
    Keep(Part, Vec<Batch<Record>>),
    /// Records that are not kept.
    Reject(Vec<Rejected>),
}

/// What comes back.
enum Done {
    Kept(Part, LayoutGroup),
    Rejected(Vec<Rejected>),
}

/// Batches of one part that wait for their row group to be full.
#[derive(Default)]
struct Waiting {
    batches: Vec<Batch<Record>>,
    num_rows: usize,
    num_bytes: usize,
}

/// Sorts staged records by verdict, split and origin.
struct Sorter<'a> {
    verdicts: &'a Verdicts,
    max_group_bytes: usize,
    tally: &'a mut Tally,
    waiting: BTreeMap<Part, Waiting>,
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
            let (_, batch) = batch?;
            self.batch(&batch, jobs, |message| Error::format(&path, message))?;
            options.observer.advance(batch.num_rows() as u64);
        }
        for (part, waiting) in std::mem::take(&mut self.waiting) {
            jobs(Job::Keep(part, waiting.batches))?;
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
        let mut parts = BTreeMap::<Part, Vec<bool>>::new();
        for (row, key) in keys.iter().enumerate().filter(|(row, _)| self.verdicts.keeps(first + row)) {
            parts.entry((key.split, key.origin)).or_insert_with(|| vec![false; keys.len()])[row] = true;
        }
        for (part, keep) in parts {
            let kept = batch.select(keep).map_err(&wrong)?;
            let waiting = self.waiting.entry(part).or_default();
            waiting.num_rows += kept.num_rows();
            waiting.num_bytes += kept.num_bytes();
            waiting.batches.push(kept);
            if waiting.num_rows + batch.num_rows() > ROW_GROUP_ROWS || waiting.num_bytes >= self.max_group_bytes {
                jobs(Job::Keep(part, std::mem::take(waiting).batches))?;
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

/// The files of each part.
struct Parts<'a> {
    plan: &'a Plan,
    root: &'a Path,
    files: BTreeMap<Part, RecordShards>,
}

impl<'a> Parts<'a> {
    const fn new(plan: &'a Plan, root: &'a Path) -> Self {
        Self { plan, root, files: BTreeMap::new() }
    }

    fn write(&mut self, (split, origin): Part, row_group: LayoutGroup) -> Result<()> {
        let Plan { layout, max_shard_bytes, .. } = *self.plan;
        let begin = || RecordShards::new(layout, self.root, &format!("data/{split}-{origin}"), max_shard_bytes);
        self.files.entry((split, origin)).or_insert_with(begin).write(row_group)
    }

    fn finish(self, files: &mut BTreeMap<String, FileEntry>) -> Result<()> {
        self.files.into_values().try_for_each(|shards| shards.finish(files))
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
        hub_repository: input.hub_repository.clone().unwrap_or_else(|| info.hub_repository.clone()),
        revision: input.files.revision().to_owned(),
        rejected: tally.rejected(&info.name),
        notes: tally.notes(&info.name),
        files: input.files.iter().map(|file| (file.name.clone(), entry(file))).collect(),
    }
}
