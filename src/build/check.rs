//! First pass: rows are read, checked one by one, and staged.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::config::{Input, Plan};
use super::observer::{Options, Step};
use super::ordered::{Jobs, ordered};
use super::preview::{ExpectedRows, expected_rows};
use super::share::{Part, Share};
use super::staging::StagingWriter;
use super::tally::Tally;
use crate::columnar::{Batch, Row};
use crate::dedup::{Deduplicator, Fingerprint, Fingerprinter, Notes, assign_split};
use crate::language::detect_fields;
use crate::provenance::{FileEntry, write_json};
use crate::record::{Finding, LineageStep, Origin, Original, Reason, Record, Rejected, Severity, Split};
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
#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Checked {
    /// Counts so far.
    pub(super) tally: Tally,
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

    /// English originals, as often as they were read.
    pub(super) fn originals(&self) -> PathBuf {
        self.root.join("originals")
    }

    /// Seed documents.
    pub(super) fn documents(&self) -> PathBuf {
        self.root.join("documents")
    }

    /// What is known of the records.
    pub(super) fn notes(&self, plan: &Plan) -> Notes {
        Notes::open(&self.notes_directory(), plan.dedup)
    }

    fn notes_directory(&self) -> PathBuf {
        self.root.join("notes")
    }

    /// The file of the staging that is called `name`, such as `notes/keys`.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The files of the first pass, by their name. Those of several parts of the input, one after the other in each file, are
    /// the files of all parts.
    pub(super) fn files(&self) -> Result<BTreeMap<String, FileEntry>> {
        let entry = |name: String| Ok((name.clone(), FileEntry::of(&self.path(&name), None)?));
        let notes = self.notes_directory();
        let names = std::fs::read_dir(&notes).map_err(Error::io(&notes))?.map(|file| {
            let file = file.map_err(Error::io(&notes))?;
            Ok(format!("notes/{}", file.file_name().to_string_lossy()))
        });
        let rows = ["records", "rejected", "originals", "documents"].map(|name| Ok(name.to_owned()));
        names.chain(rows).map(|name| name.and_then(entry)).collect()
    }

    fn summary(&self) -> PathBuf {
        self.root.join("checked.json")
    }

    /// What an interrupted build found, where it had ended its first pass.
    pub(super) fn checked(&self) -> Option<Checked> {
        serde_json::from_slice(&std::fs::read(self.summary()).ok()?).ok()
    }

    /// Writes down that the first pass has ended.
    pub(super) fn end(&self, checked: &Checked) -> Result<()> {
        write_json(&self.summary(), checked)
    }
}

/// Rows of one input that are checked together.
struct Chunk<'a> {
    number: usize,
    input: &'a Input,
    /// Each with the original that it translates, where it is a translation and that was read already.
    rows: Vec<(SourceRow, Option<Stored>)>,
}

/// What became of a chunk.
struct Outcome {
    /// The number of their input.
    input: usize,
    tally: Tally,
    records: Vec<u8>,
    members: Vec<(String, Split, Fingerprint)>,
    rejected: Vec<u8>,
    originals: Vec<u8>,
    documents: Vec<u8>,
    num_rows: u64,
}

/// Reads and checks every row of `share`; twice, where a translation stands before its original.
pub(super) fn check(plan: &Plan, share: &Share<'_>, staging: &Staging, options: &Options<'_>) -> Result<Checked> {
    let mut originals = Originals::create_in(&staging.root)?;
    if !share.others.is_empty() {
        gather(share, &mut originals)?;
    }
    let parts = &share.own;
    let expected = expected(parts)?;
    options.observer.begin(Step::Check, Some(expected));
    let found = pass(plan, parts, staging, &mut originals, options)?;
    if !originals.came_late() {
        return Ok(found);
    }
    options.observer.begin(Step::Check, Some(expected));
    pass(plan, parts, staging, &mut originals, options)
}

/// The originals of the own part and those of others that its translations name, so that each is known before it is asked for.
fn gather(share: &Share<'_>, originals: &mut Originals) -> Result<()> {
    for Part { input, files, .. } in &share.own {
        input.source.read(files, &mut |row| match row {
            SourceRow::Original(original) => originals.push(&original),
            SourceRow::Record(record) => originals.of(&record).map(|_| ()),
            _ => Ok(()),
        })?;
    }
    let brings = |part: &&Part<'_>| part.input.source.info().kind.has_originals();
    for Part { input, files, .. } in share.others.iter().filter(brings) {
        if !originals.misses_some() {
            break;
        }
        input.source.read(files, &mut |row| match row {
            SourceRow::Original(original) if originals.misses(&original) => originals.push(&original),
            _ => Ok(()),
        })?;
    }
    originals.came_late();
    Ok(())
}

/// Reads and checks every row, with the originals that are known already and those that are read on the way.
fn pass(
    plan: &Plan,
    parts: &[Part<'_>],
    staging: &Staging,
    originals: &mut Originals,
    options: &Options<'_>,
) -> Result<Checked> {
    let mut writers = Writers::create(plan, staging)?;
    let checker = Checker { fingerprinter: Fingerprinter::new(&plan.dedup), rules: &plan.rules, seed: plan.seed };
    ordered(
        options.num_threads.get(),
        |jobs| parts.iter().try_for_each(|part| read(part, originals, jobs)),
        |chunk| checker.check(chunk),
        |outcome| {
            options.observer.advance(outcome.num_rows);
            writers.write(outcome)
        },
    )?;
    writers.finish()
}

/// How many rows `parts` have.
fn expected(parts: &[Part<'_>]) -> Result<ExpectedRows> {
    parts.iter().flat_map(|part| part.files.iter().map(|file| expected_rows(part.input, file))).sum()
}

/// Reads a part chunk by chunk.
fn read<'a>(part: &Part<'a>, originals: &mut Originals, jobs: &mut Jobs<'_, Chunk<'a>>) -> Result<()> {
    let Part { number, input, .. } = *part;
    let info = input.source.info();
    let mut rows = Vec::with_capacity(CHUNK_ROWS);
    input.source.read(&part.files, &mut |row| {
        let original = match &row {
            SourceRow::Original(_) if !info.kind.has_originals() => {
                let message = format!("{}: expected {}, found an English original", info.name, info.kind);
                return Err(Error::Data(format!("{message}; make it a source of originals or of translated records")));
            }
            SourceRow::Original(original) => originals.push(original).map(|()| None),
            SourceRow::Record(record) => originals.of(record),
            _ => Ok(None),
        };
        rows.push((row, original?));
        if rows.len() < CHUNK_ROWS {
            return Ok(());
        }
        jobs(Chunk { number, input, rows: std::mem::replace(&mut rows, Vec::with_capacity(CHUNK_ROWS)) })
    })?;
    if rows.is_empty() { Ok(()) } else { jobs(Chunk { number, input, rows }) }
}

/// Checks rows, on any thread.
struct Checker<'a> {
    fingerprinter: Fingerprinter,
    rules: &'a Rules,
    seed: u64,
}

impl Checker<'_> {
    fn check(&self, chunk: Chunk<'_>) -> Result<Outcome> {
        let Chunk { number, input, rows } = chunk;
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
                SourceRow::Original(original) => originals.push(*original),
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
        Ok(Outcome {
            input: number,
            tally,
            records: staged(&records)?,
            members,
            rejected: staged(&rejected)?,
            originals: staged(&originals)?,
            documents: staged(&documents)?,
            num_rows,
        })
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
    originals: StagingWriter,
    documents: StagingWriter,
    deduplicator: Deduplicator,
    tally: Tally,
}

impl Writers {
    fn create(plan: &Plan, staging: &Staging) -> Result<Self> {
        Ok(Self {
            records: StagingWriter::create(staging.records())?,
            rejected: StagingWriter::create(staging.rejected())?,
            originals: StagingWriter::create(staging.originals())?,
            documents: StagingWriter::create(staging.documents())?,
            deduplicator: Deduplicator::create(&staging.notes_directory(), plan.dedup)?,
            tally: Tally::default(),
        })
    }

    fn write(&mut self, outcome: Outcome) -> Result<()> {
        let Outcome { input, tally, records, members, rejected, originals, documents, num_rows: _ } = outcome;
        self.tally.add(tally);
        self.records.write(input, &records)?;
        self.rejected.write(input, &rejected)?;
        self.originals.write(input, &originals)?;
        self.documents.write(input, &documents)?;
        members.iter().try_for_each(|(id, split, fingerprint)| self.deduplicator.push(id, *split, fingerprint))
    }

    fn finish(self) -> Result<Checked> {
        for writer in [self.records, self.rejected, self.originals, self.documents] {
            writer.finish()?;
        }
        self.deduplicator.finish()?;
        Ok(Checked { tally: self.tally })
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
