//! What the build did not keep.

use serde::{Deserialize, Serialize};

use super::{Reason, Record};

/// A record that the build rejected, or a row that could not be read as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rejected {
    /// The record; absent where the row could not be read.
    pub record: Option<Record>,
    /// Why it was rejected.
    pub reason: Reason,
    /// What was expected and what was found.
    pub detail: String,
    /// Identifier of the record that was kept in its place, for duplicates and leaks; else empty.
    pub partner_id: String,
    /// Name of the corpus.
    pub source_name: String,
    /// Path of the file inside the source.
    pub file: String,
    /// One-based row in that file.
    pub row: u64,
    /// The row as it stood in the file, where it could not be read; else empty.
    pub raw: String,
}
