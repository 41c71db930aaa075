//! First pass: rows are read, checked one by one, and staged.

use std::path::{Path, PathBuf};

use super::config::{Input, Plan};
use super::shards::Shards;
use super::tally::Tally;
use crate::Result;
use crate::columnar::{RecordWriter, RejectedWriter};
use crate::dedup::{Deduplicator, assign_split};
use crate::language::detect_fields;
use crate::provenance::REJECTED;
use crate::record::{Document, Finding, LineageStep, Original, Reason, Record, Rejected, Severity};
use crate::source::{SourceRow, Unreadable};

/// What the first pass leaves to the second.
pub(super) struct Checked {
    /// Records without error findings, in the order in which they were read.
    pub(super) staging: PathBuf,
    /// What the second pass needs to know of them all.
    pub(super) deduplicator: Deduplicator,
    /// `rejected.parquet`, begun.
    pub(super) rejected: RejectedWriter,
    /// Originals, all written.
    pub(super) originals: Shards<Original>,
    /// Documents, all written.
    pub(super) documents: Shards<Document>,
    /// Counts so far.
    pub(super) tally: Tally,
}

/// Reads and checks every row of `plan`.
pub(super) fn check(plan: &Plan, root: &Path) -> Result<Checked> {
    let staging = root.join("staging.parquet");
    let mut staged = RecordWriter::create(&staging)?;
    let mut checked = Checked {
        staging,
        deduplicator: Deduplicator::new(),
        rejected: RejectedWriter::create(&root.join(REJECTED))?,
        originals: Shards::new(root, "originals/originals", plan.max_shard_bytes),
        documents: Shards::new(root, "documents/documents", plan.max_shard_bytes),
        tally: Tally::default(),
    };
    for input in &plan.inputs {
        input.source.read(&input.files, &mut |row| match row {
            SourceRow::Record(record) => checked.record(*record, input, plan, &mut staged),
            SourceRow::Original(original) => {
                checked.tally.licensed(&input.source.info().name, &original.license);
                checked.originals.write(*original)
            }
            SourceRow::Document(document) => {
                checked.tally.licensed(&input.source.info().name, &document.license);
                checked.documents.write(*document)
            }
            SourceRow::Unreadable(row) => checked.unreadable(row, &input.source.info().name),
            SourceRow::Note(note) => {
                checked.tally.note(&input.source.info().name, note);
                Ok(())
            }
        })?;
    }
    staged.finish()?;
    Ok(checked)
}

impl Checked {
    fn record(&mut self, mut record: Record, input: &Input, plan: &Plan, staged: &mut RecordWriter) -> Result<()> {
        if let Some(ratios) = input.resplit {
            let seed = plan.seed;
            let detail = format!("from {} by hash of group_id, seed {seed}", record.split);
            record.split = assign_split(&record.group_id, ratios, seed);
            record.provenance.lineage.push(LineageStep { step: "resplit".to_owned(), detail });
        }
        record.languages = detect_fields(&record);
        record.findings = plan.rules.check(&record);
        self.tally.read(&record);
        let errors: Vec<&Finding> =
            record.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
        if let Some(first) = errors.first() {
            let reason = first.reason;
            let details: Vec<String> =
                errors.iter().map(|finding| format!("{}: {}", finding.field, finding.detail)).collect();
            let detail = details.join("; ");
            self.tally.invalid(&record, reason);
            return self.rejected.write(rejection(record, reason, detail, String::new()));
        }
        self.tally.valid();
        self.deduplicator.push(&record);
        staged.write(record)
    }

    fn unreadable(&mut self, unreadable: Unreadable, source_name: &str) -> Result<()> {
        self.tally.unreadable(source_name);
        let Unreadable { file, row, detail, raw } = unreadable;
        self.rejected.write(Rejected {
            record: None,
            reason: Reason::Unreadable,
            detail,
            partner_id: String::new(),
            source_name: source_name.to_owned(),
            file,
            row,
            raw,
        })
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
