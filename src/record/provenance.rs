//! Where a record came from, what was done to it, and what language it is in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where a record came from and what was done to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Revision of the source: a commit, a version, or `sha256:` and the hash of the file.
    pub source_revision: String,
    /// Path of the file inside the source.
    pub source_file: String,
    /// One-based row in that file.
    pub source_row: u64,
    /// What was done to the record, in order.
    pub lineage: Vec<LineageStep>,
    /// For translated records.
    pub translation: Option<Translation>,
    /// For synthetic records.
    pub synthesis: Option<Synthesis>,
}

/// Where an original or a document came from and how it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowProvenance {
    /// Revision of the source: a commit, a version, or `sha256:` and the hash of the files.
    pub source_revision: String,
    /// Path of the file inside the source.
    pub source_file: String,
    /// One-based row in that file.
    pub source_row: u64,
    /// What was done to it, in order.
    pub lineage: Vec<LineageStep>,
}

/// One thing that was done to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LineageStep {
    /// Name of the step: `read`, `resplit`, …
    pub step: String,
    /// Its parameters or outcome.
    pub detail: String,
}

/// How a record was translated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Translation {
    /// Identifier of the [`Original`](super::Original); empty where it is not known.
    pub original_id: String,
    /// Program or service.
    pub engine: String,
    /// Model, where one is known.
    pub model: String,
    /// Version of the prompt, where there was one.
    pub prompt_version: String,
    /// Quality scores by metric name.
    pub scores: BTreeMap<String, f64>,
}

/// How a record was synthesised.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Synthesis {
    /// The model that wrote it.
    pub model: String,
    /// Version of the prompt.
    pub prompt_version: String,
    /// Name of the generation task.
    pub task_name: String,
    /// Identifier of the seed [`Document`](super::Document).
    pub document_id: String,
    /// Passage of the document that proves the answer, quoted to the letter.
    pub evidence: String,
}

/// Language of one text field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldLanguage {
    /// The field: `instruction`, `choices.B`, …
    pub field: String,
    /// ISO 639-1 code, or `und` where the text does not tell.
    pub language: String,
    /// Probability of that language, between 0 and 1.
    pub confidence: f64,
}
