//! Where a row of a data set came from, what was done to it and what became of it.

mod find;
mod related;

use serde::Serialize;

use crate::provenance::{Dataset, Manifest};
use crate::record::{
    Document, Finding, LineageStep, Origin, Original, Provenance, Reason, Record, Rejected, RowProvenance, Split,
    Synthesis, Task, Translation,
};
use crate::{Error, Result};

use self::find::find;
use self::related::{Relations, optional};

/// Everything that a data set knows of one of its rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// Identifier of the row.
    pub id: String,
    /// What kind of row it is.
    pub kind: RowKind,
    /// The text of the row, as far as one line shows it: question, English question, or text.
    pub text: String,
    /// Where it came from.
    pub place: Place,
    /// For records: what it may be used for, how it was made, and what it asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordFacts>,
    /// What was done to it, in order.
    pub lineage: Vec<LineageStep>,
    /// For records: each check with what it found; a standard check of the record alone that found nothing is there too.
    pub checks: Vec<Check>,
    /// For records: those that share its group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// For rejected records: why, and in whose favour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Rejection>,
    /// Records that were rejected because this one was kept.
    pub rejected_for_it: Vec<RejectedFor>,
    /// How it was translated, and its English original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translation: Option<Related<Translation>>,
    /// How it was synthesised, and its seed document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synthesis: Option<Related<Synthesis>>,
    /// For originals and documents: the records made from it.
    pub made_from_it: Vec<String>,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RowKind {
    /// A record of the data set.
    Record,
    /// A record that the build rejected.
    Rejected,
    /// An English original.
    Original,
    /// A seed document.
    Document,
}

/// Where a row came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Name of the corpus.
    pub source: String,
    /// Identifier inside the corpus.
    pub source_id: String,
    /// Licence of the row.
    pub license: String,
    /// Revision of the corpus.
    pub revision: String,
    /// Path of the file inside the corpus; empty where the row does not say.
    pub file: String,
    /// SHA-256 of that file; empty where the manifest does not know it.
    pub file_sha256: String,
    /// One-based row in that file; 0 where the row does not say.
    pub row: u64,
}

/// What a record is used for, how it was made, and what it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RecordFacts {
    /// What it may be used for.
    pub split: Split,
    /// How it was made.
    pub origin: Origin,
    /// Kind of question.
    pub task: Task,
}

/// One check of a record, with what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is looked for.
    pub reason: Reason,
    /// What was found; usually nothing.
    pub findings: Vec<Finding>,
}

/// The records that share a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Identifier of the group.
    pub id: String,
    /// Identifiers of its other records in the data set.
    pub others: Vec<String>,
}

/// Why a record was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Why.
    pub reason: Reason,
    /// What was expected and what was found.
    pub detail: String,
    /// Identifier of the record that was kept in its place; empty where there is none.
    pub partner_id: String,
}

/// A record that was rejected because another was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedFor {
    /// Its identifier.
    pub id: String,
    /// Why it was rejected.
    pub reason: Reason,
    /// Where it came from.
    pub place: Place,
}

/// How a record was made from another row, and that row's own place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Related<T> {
    /// How it was made.
    pub how: T,
    /// Where the other row came from; none where it is not in the data set.
    pub place: Option<Place>,
    /// The other row's text.
    pub text: String,
}

/// Traces the row of `dataset` whose identifier is `id`, or begins with it where it has at least six digits.
///
/// A record of the data set goes before a rejected one of the same content.
///
/// # Errors
/// [`Error::Data`] if no row, or more than one, has such an identifier; the message lists the nearest ones. Else what
/// keeps a file from being read.
pub fn trace(dataset: &Dataset, id: &str) -> Result<Trace> {
    let found = find(dataset, id)?;
    let manifest = dataset.manifest();
    match found.kind {
        RowKind::Record => {
            let records = Split::ALL.iter().flat_map(|split| dataset.records(*split));
            let record = first(records, |record| record.id == found.id)?;
            traced_record(dataset, &record, None)
        }
        RowKind::Rejected => {
            let with_id = |rejected: &Rejected| rejected.record.as_ref().is_some_and(|record| record.id == found.id);
            let mut rejected = first(dataset.rejected(), with_id)?;
            let record = rejected
                .record
                .take()
                .ok_or_else(|| Error::Data(format!("{}: expected a record, found none", found.id)))?;
            traced_record(dataset, &record, Some(rejected))
        }
        RowKind::Original => {
            let original = first(dataset.originals(), |original| original.id == found.id)?;
            let made = related::made_from(dataset, |record| {
                record.provenance.translation.as_ref().is_some_and(|made| made.original_id == original.id)
            })?;
            let Original { id, question, provenance, .. } = &original;
            Ok(row(RowKind::Original, [id, question], Place::of_original(manifest, &original), provenance, made))
        }
        RowKind::Document => {
            let document = first(dataset.documents(), |document| document.id == found.id)?;
            let made = related::made_from(dataset, |record| {
                record.provenance.synthesis.as_ref().is_some_and(|made| made.document_id == document.id)
            })?;
            let Document { id, text, provenance, .. } = &document;
            Ok(row(RowKind::Document, [id, text], Place::of_document(manifest, &document), provenance, made))
        }
    }
}

fn traced_record(dataset: &Dataset, record: &Record, rejected: Option<Rejected>) -> Result<Trace> {
    let relations = Relations::of(dataset, record, rejected.is_none())?;
    let provenance = &record.provenance;
    let check = |reason: &Reason| Check {
        reason: *reason,
        findings: record.findings.iter().filter(|finding| finding.reason == *reason).cloned().collect(),
    };
    // The build compares a translation with its original where that is in the data set. Nothing in a record says that a rule
    // of a user's own looked at it, so that these are named where they found something.
    let is_certain = |check: &Check| {
        let was_made = !check.reason.is_of_translation() || relations.original.is_some();
        !check.findings.is_empty() || was_made && check.reason != Reason::Custom
    };
    let checks = Reason::ALL.iter().filter(|reason| reason.is_of_record()).map(check).filter(is_certain);
    let manifest = dataset.manifest();
    let (original, document) = (&relations.original, &relations.document);
    Ok(Trace {
        kind: if rejected.is_some() { RowKind::Rejected } else { RowKind::Record },
        text: record.instruction.clone(),
        place: Place::of_record(manifest, record),
        record: Some(RecordFacts { split: record.split, origin: record.origin, task: record.task }),
        lineage: provenance.lineage.clone(),
        checks: checks.collect(),
        rejection: rejected.map(|Rejected { reason, detail, partner_id, .. }| Rejection { reason, detail, partner_id }),
        translation: provenance.translation.clone().map(|how| Related {
            how,
            place: original.as_ref().map(|original| Place::of_original(manifest, original)),
            text: original.as_ref().map(|original| original.question.clone()).unwrap_or_default(),
        }),
        synthesis: provenance.synthesis.clone().map(|how| Related {
            how,
            place: document.as_ref().map(|document| Place::of_document(manifest, document)),
            text: document.as_ref().map(|document| document.text.clone()).unwrap_or_default(),
        }),
        id: record.id.clone(),
        group: Some(Group { id: record.group_id.clone(), others: relations.group }),
        rejected_for_it: relations.rejected_for_it,
        made_from_it: Vec::new(),
    })
}

/// The trace of an original or a document, of which `made` are the records.
fn row(kind: RowKind, [id, text]: [&String; 2], place: Place, provenance: &RowProvenance, made: Vec<String>) -> Trace {
    Trace {
        id: id.clone(),
        kind,
        text: text.clone(),
        place,
        record: None,
        lineage: provenance.lineage.clone(),
        checks: Vec::new(),
        group: None,
        rejection: None,
        rejected_for_it: Vec::new(),
        translation: None,
        synthesis: None,
        made_from_it: made,
    }
}

/// The first row for which `wanted` holds; there must be one.
fn first<T>(rows: impl Iterator<Item = Result<T>>, wanted: impl Fn(&T) -> bool) -> Result<T> {
    let vanished =
        || Error::Data("expected the row that was found before, found none; was the data set replaced?".to_owned());
    optional(rows, wanted)?.ok_or_else(vanished)
}

impl Place {
    fn of_record(manifest: &Manifest, record: &Record) -> Self {
        let Provenance { source_revision, source_file, source_row, .. } = &record.provenance;
        let place = Self {
            source: record.source.clone(),
            source_id: record.source_id.clone(),
            license: record.license.clone(),
            ..Self::default()
        };
        place.at(manifest, source_revision, source_file, *source_row)
    }

    fn of_original(manifest: &Manifest, original: &Original) -> Self {
        let RowProvenance { source_revision, source_file, source_row, .. } = &original.provenance;
        let place = Self {
            source: original.source.clone(),
            source_id: original.source_id.clone(),
            license: original.license.clone(),
            ..Self::default()
        };
        place.at(manifest, source_revision, source_file, *source_row)
    }

    fn of_document(manifest: &Manifest, document: &Document) -> Self {
        let RowProvenance { source_revision, source_file, source_row, .. } = &document.provenance;
        let place = Self {
            source: document.source.clone(),
            source_id: document.source_id.clone(),
            license: document.license.clone(),
            ..Self::default()
        };
        place.at(manifest, source_revision, source_file, *source_row)
    }

    /// The same, in this row of this file; a row's source can be another than the one whose file it stood in, so the
    /// revision says which file is meant.
    fn at(self, manifest: &Manifest, revision: &str, file: &str, row: u64) -> Self {
        let source = manifest.sources.iter().find(|source| source.revision == revision);
        let entry = source.and_then(|source| source.files.get(file));
        Self {
            revision: revision.to_owned(),
            file: file.to_owned(),
            file_sha256: entry.map(|entry| entry.sha256.clone()).unwrap_or_default(),
            row,
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
