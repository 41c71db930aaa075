//! First pass: rows are read, checked one by one, and staged.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::config::{Input, Plan};
use super::observer::{Options, Step};
use super::ordered::{Jobs, ordered};
use super::preview::{ExpectedRows, expected_rows};
use super::shards::Shards;
use super::staging::StagingWriter;
use super::tally::Tally;
use crate::columnar::{Batch, DocumentWriter, OriginalWriter, Row};
use crate::dedup::{Deduplicator, Fingerprint, Fingerprinter, Notes, assign_split};
use crate::language::detect_fields;
use crate::provenance::{FileEntry, write_atomic};
use crate::record::{Document, Finding, LineageStep, Origin, Original, Reason, Record, Rejected, Severity, Split};
use crate::source::{SourceRow, Unreadable};
use crate::validate::{Originals, Rules, Stored};
use crate::{Error, Result};

/// Rows that are checked together.
const CHUNK_ROWS: usize = 512;

/// Where the first pass leaves things for the second, inside its directory.
#[derive(Debug, Clone)]
pub(super) struct Staging {
    root: PathBuf,
}

/// What the first pass found, written when it has ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Checked {
    /// Counts so far.
    pub(super) tally: Tally,
    /// Files of originals and documents, all written.
    pub(super) files: std::collections::BTreeMap<String, FileEntry>,
}

impl Staging {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Records without error findings, in the order in which they were read.
    pub(super) fn records(&self) -> PathBuf {
        self.root.join("records")
    }

    /// Rows that the first pass rejected.
    pub(super) fn rejected(&self) -> PathBuf {
        self.root.join("rejected")
    }

    /// Directory of finished files, of originals and documents.
    pub(super) fn finished(&self) -> PathBuf {
        self.root.join("finished")
    }

    /// What is known of the records.
    pub(super) fn notes(&self, plan: &Plan) -> Notes {
        Notes::open(&self.notes_directory(), plan.dedup)
    }

    fn notes_directory(&self) -> PathBuf {
        self.root.join("notes")
    }

    fn summary(&self) -> PathBuf {
        self.root.join("checked.json")
    }

    /// What an interrupted build found, where it had ended its first pass.
    pub(super) fn checked(&self) -> Option<Checked> {
        serde_json::from_slice(&std::fs::read(self.summary()).ok()?).ok()
    }
}

/// Rows of one input that are checked together.
struct Chunk<'a> {
    input: &'a Input,
    /// Each with the original that it translates, where it is a translation and that was read already.
    rows: Vec<(SourceRow, Option<Stored>)>,
}

/// What became of a chunk.
struct Outcome<'a> {
    tally: Tally,
    records: Vec<u8>,
    members: Vec<(String, Split, Fingerprint)>,
    rejected: Vec<u8>,
    /// Each with the source that gave it.
    originals: Vec<(&'a str, Original)>,
    documents: Vec<Document>,
    num_rows: u64,
}

/// Reads and checks every row of `plan`; twice, where a translation stands before its original.
pub(super) fn check(plan: &Plan, staging: &Staging, options: &Options<'_>) -> Result<Checked> {
    let finished = staging.finished();
    if finished.exists() {
        std::fs::remove_dir_all(&finished).map_err(Error::io(&finished))?;
    }
    let mut originals = Originals::create_in(&staging.root)?;
    let expected = expected(plan)?;
    let mut found = pass(plan, staging, &mut originals, expected, options)?;
    if originals.came_late() {
        std::fs::remove_dir_all(&finished).map_err(Error::io(&finished))?;
        found = pass(plan, staging, &mut originals, expected, options)?;
    }
    let summary = serde_json::to_vec(&found).map_err(|error| Error::format(staging.summary(), error))?;
    write_atomic(&staging.summary(), &summary)?;
    Ok(found)
}

/// Reads and checks every row, with the originals that are known already and those that are read on the way.
fn pass(
    plan: &Plan,
    staging: &Staging,
    originals: &mut Originals,
    expected: ExpectedRows,
    options: &Options<'_>,
) -> Result<Checked> {
    options.observer.begin(Step::Check, Some(expected));
    let mut writers = Writers::create(plan, staging, &staging.finished())?;
    let checker = Checker { fingerprinter: Fingerprinter::new(&plan.dedup), rules: &plan.rules, seed: plan.seed };
    ordered(
        options.num_threads.get(),
        |jobs| plan.inputs.iter().try_for_each(|input| read(input, originals, jobs)),
        |chunk| checker.check(chunk),
        |outcome| {
            options.observer.advance(outcome.num_rows);
            writers.write(outcome)
        },
    )?;
    writers.finish()
}

/// How many rows the inputs of `plan` have.
fn expected(plan: &Plan) -> Result<ExpectedRows> {
    plan.inputs.iter().flat_map(|input| input.files.iter().map(|file| expected_rows(input, file))).sum()
}

/// Reads an input chunk by chunk.
fn read<'a>(input: &'a Input, originals: &mut Originals, jobs: &mut Jobs<'_, Chunk<'a>>) -> Result<()> {
    let mut rows = Vec::with_capacity(CHUNK_ROWS);
    input.source.read(&input.files, &mut |row| {
        let original = match &row {
            SourceRow::Original(original) => originals.push(original).map(|()| None),
            SourceRow::Record(record) => originals.of(record),
            _ => Ok(None),
        };
        rows.push((row, original?));
        if rows.len() < CHUNK_ROWS {
            return Ok(());
        }
        jobs(Chunk { input, rows: std::mem::replace(&mut rows, Vec::with_capacity(CHUNK_ROWS)) })
    })?;
    if rows.is_empty() { Ok(()) } else { jobs(Chunk { input, rows }) }
}

/// Checks rows, on any thread.
struct Checker<'a> {
    fingerprinter: Fingerprinter,
    rules: &'a Rules,
    seed: u64,
}

impl Checker<'_> {
    fn check<'a>(&self, chunk: Chunk<'a>) -> Result<Outcome<'a>> {
        let Chunk { input, rows } = chunk;
        let num_rows = rows.len() as u64;
        let source_name = &input.source.info().name;
        let mut tally = Tally::default();
        let (mut records, mut rejected) = (Vec::new(), Vec::new());
        let (mut originals, mut documents) = (Vec::new(), Vec::new());
        for (row, original) in rows {
            match row {
                SourceRow::Record(record) => {
                    let original = original.map(|stored| stored.open()).transpose()?;
                    match self.record(*record, original.as_ref(), input, &mut tally) {
                        Ok(record) => records.push(record),
                        Err(rejection) => rejected.push(*rejection),
                    }
                }
                SourceRow::Original(original) => originals.push((source_name.as_str(), *original)),
                SourceRow::Document(document) => {
                    tally.licensed(source_name, &document.license);
                    documents.push(*document);
                }
                SourceRow::Note(note) => tally.note(source_name, note),
                SourceRow::Unreadable(row) => rejected.push(unreadable(row, source_name, &mut tally)),
            }
        }
        let member = |record: &Record| (record.id.clone(), record.split, self.fingerprinter.fingerprint(record));
        let members = records.iter().map(member).collect();
        let (records, rejected) = (staged(&records)?, staged(&rejected)?);
        Ok(Outcome { tally, records, members, rejected, originals, documents, num_rows })
    }

    /// The record with its languages and findings, or its rejection.
    fn record(
        &self,
        mut record: Record,
        original: Option<&Original>,
        input: &Input,
        tally: &mut Tally,
    ) -> Result<Record, Box<Rejected>> {
        if let Some(ratios) = input.resplit {
            let detail = format!("from {} by hash of group_id, seed {}", record.split, self.seed);
            record.split = assign_split(&record.group_id, ratios, self.seed);
            record.provenance.lineage.push(LineageStep { step: "resplit".to_owned(), detail });
        }
        record.languages = detect_fields(&record);
        record.findings = self.rules.check(&record, original);
        if original.is_none() && record.origin == Origin::Translated {
            tally.not_compared(&input.source.info().name);
        }
        tally.read(&record);
        let errors: Vec<&Finding> =
            record.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
        if let Some(first) = errors.first() {
            let reason = first.reason;
            let details: Vec<String> =
                errors.iter().map(|finding| format!("{}: {}", finding.field, finding.detail)).collect();
            tally.invalid(&record, reason);
            return Err(Box::new(rejection(record, reason, details.join("; "), String::new())));
        }
        tally.valid();
        Ok(record)
    }
}

/// The bytes of a batch; none where there are no rows.
fn staged<T: Row>(rows: &[T]) -> Result<Vec<u8>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    Batch::encode(rows).to_bytes().map_err(|message| Error::format("staging", message))
}

fn unreadable(unreadable: Unreadable, source_name: &str, tally: &mut Tally) -> Rejected {
    tally.unreadable(source_name);
    let Unreadable { file, row, detail, raw } = unreadable;
    Rejected {
        record: None,
        reason: Reason::Unreadable,
        detail,
        partner_id: String::new(),
        source_name: source_name.to_owned(),
        file,
        row,
        raw,
    }
}

/// The files that the first pass writes.
struct Writers {
    records: StagingWriter,
    rejected: StagingWriter,
    deduplicator: Deduplicator,
    originals: Shards<OriginalWriter>,
    original_ids: HashSet<String>,
    documents: Shards<DocumentWriter>,
    tally: Tally,
}

impl Writers {
    fn create(plan: &Plan, staging: &Staging, finished: &Path) -> Result<Self> {
        Ok(Self {
            records: StagingWriter::create(staging.records())?,
            rejected: StagingWriter::create(staging.rejected())?,
            deduplicator: Deduplicator::create(&staging.notes_directory(), plan.dedup)?,
            originals: Shards::new(finished, "originals/originals", plan.max_shard_bytes),
            original_ids: HashSet::new(),
            documents: Shards::new(finished, "documents/documents", plan.max_shard_bytes),
            tally: Tally::default(),
        })
    }

    fn write(&mut self, outcome: Outcome<'_>) -> Result<()> {
        let Outcome { tally, records, members, rejected, originals, documents, num_rows: _ } = outcome;
        self.tally.add(tally);
        for (writer, batch) in [(&mut self.records, records), (&mut self.rejected, rejected)] {
            if !batch.is_empty() {
                writer.write(&batch)?;
            }
        }
        for (id, split, fingerprint) in &members {
            self.deduplicator.push(id, *split, fingerprint)?;
        }
        for (source, original) in originals {
            // A corpus and its translation give the same originals; the first to be read is written.
            if self.original_ids.insert(original.id.clone()) {
                self.tally.licensed(source, &original.license);
                self.originals.write(original)?;
            } else {
                self.tally.repeated_original(source);
            }
        }
        documents.into_iter().try_for_each(|document| self.documents.write(document))
    }

    fn finish(self) -> Result<Checked> {
        self.records.finish()?;
        self.rejected.finish()?;
        self.deduplicator.finish()?;
        let mut checked = Checked { tally: self.tally, files: std::collections::BTreeMap::new() };
        self.originals.finish(&mut checked.files)?;
        self.documents.finish(&mut checked.files)?;
        Ok(checked)
    }
}

/// The row of `rejected.parquet` for a record.
pub(super) fn rejection(record: Record, reason: Reason, detail: String, partner_id: String) -> Rejected {
    Rejected {
        reason,
        detail,
        partner_id,
        source_name: record.source.clone(),
        file: record.provenance.source_file.clone(),
        row: record.provenance.source_row,
        raw: String::new(),
        record: Some(record),
    }
}
