//! The rows that have to do with one record.

use super::{Place, RejectedFor};
use crate::Result;
use crate::provenance::Dataset;
use crate::record::{Document, Original, Record, Split};

/// The rows that have to do with one record.
pub(super) struct Relations {
    /// The other records of its group, of the data set.
    pub(super) group: Vec<String>,
    /// What was rejected because it was kept.
    pub(super) rejected_for_it: Vec<RejectedFor>,
    /// Its English original, where that is in the data set.
    pub(super) original: Option<Original>,
    /// Its seed document, where that is in the data set.
    pub(super) document: Option<Document>,
}

impl Relations {
    /// The relations of `record`, which was kept or not.
    pub(super) fn of(dataset: &Dataset, record: &Record, was_kept: bool) -> Result<Self> {
        let mut group = Vec::new();
        for key in Split::ALL.iter().flat_map(|split| dataset.keys(*split)) {
            let key = key?;
            if key.group_id == record.group_id && key.id != record.id {
                group.push(key.id);
            }
        }
        let mut rejected_for_it = Vec::new();
        for rejected in dataset.rejected() {
            let rejected = rejected?;
            if let Some(other) = rejected.record.filter(|_| was_kept && rejected.partner_id == record.id) {
                let place = Place::of_record(dataset.manifest(), &other);
                rejected_for_it.push(RejectedFor { id: other.id, reason: rejected.reason, place });
            }
        }
        let translation = record.provenance.translation.as_ref();
        let synthesis = record.provenance.synthesis.as_ref();
        let original = translation.map(|made| optional(dataset.originals(), |row| row.id == made.original_id));
        let document = synthesis.map(|made| optional(dataset.documents(), |row| row.id == made.document_id));
        Ok(Self {
            group,
            rejected_for_it,
            original: original.transpose()?.flatten(),
            document: document.transpose()?.flatten(),
        })
    }
}

/// The identifiers of the records for which `wanted` holds.
pub(super) fn made_from(dataset: &Dataset, wanted: impl Fn(&Record) -> bool) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for record in Split::ALL.iter().flat_map(|split| dataset.records(*split)) {
        let record = record?;
        if wanted(&record) {
            ids.push(record.id);
        }
    }
    Ok(ids)
}

/// The first row for which `wanted` holds, where there is one.
pub(super) fn optional<T>(rows: impl Iterator<Item = Result<T>>, wanted: impl Fn(&T) -> bool) -> Result<Option<T>> {
    for row in rows {
        let row = row?;
        if wanted(&row) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}
