//! `mixture.json`: what a mixture was asked to be and what it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Field;
use crate::columnar::RecordKey;
use crate::record::{Origin, Task};

/// What a mixture was asked to be, and what it is. Written last, so that its presence means that the files are whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MixtureSummary {
    /// Version of the tool that drew it.
    pub tool_version: String,
    /// Name of the preset; absent for a custom mixture.
    pub preset: Option<String>,
    /// The field that the ratios are about.
    pub field: Field,
    /// Target share of each value of that field.
    pub ratios: BTreeMap<String, f64>,
    /// Number of training records asked for.
    pub size: u64,
    /// Number of validation records asked for.
    pub validation_size: u64,
    /// Seed of the draw.
    pub seed: u64,
    /// Whether open questions were drawn too.
    pub include_open: bool,
    /// How often a record could be drawn.
    pub allow_repetition: u64,
    /// Whether the size could be lowered to what there is.
    pub scale_to_available: bool,
    /// Whether a data set whose groups cross splits was accepted.
    pub allow_leaks: bool,
    /// SHA-256 of the data set's manifest.
    pub dataset: String,
    /// What was drawn for training.
    pub train: SplitSummary,
    /// What was drawn for validation.
    pub validation: SplitSummary,
    /// What a reader should know, for example an origin without a validation split.
    pub notes: Vec<String>,
    /// SHA-256 of each file beside this one.
    pub files: BTreeMap<String, String>,
}

impl MixtureSummary {
    /// Whether `other` was asked to be the same, by the same version, of the same data set.
    #[must_use]
    pub fn same_request(&self, other: &Self) -> bool {
        let request = |summary: &Self| Self {
            train: SplitSummary::default(),
            validation: SplitSummary::default(),
            notes: Vec::new(),
            files: BTreeMap::new(),
            ..summary.clone()
        };
        request(self) == request(other)
    }
}

/// What was drawn for one split.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitSummary {
    /// Number of rows.
    pub num_records: u64,
    /// Rows by origin, source and task, in that order.
    pub composition: Vec<Share>,
}

/// Number of rows of one origin, source and task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// How the records were made.
    pub origin: Origin,
    /// Name of the corpus.
    pub source: String,
    /// Kind of question.
    pub task: Task,
    /// Number of rows.
    pub num_records: u64,
}

impl SplitSummary {
    /// Counts `drawn` rows by origin, source and task.
    pub fn count<'a>(drawn: impl IntoIterator<Item = (&'a RecordKey, u64)>) -> Self {
        let mut counts: BTreeMap<(Origin, &str, Task), u64> = BTreeMap::new();
        for (candidate, times) in drawn {
            *counts.entry((candidate.origin, &candidate.source, candidate.task)).or_default() += times;
        }
        let share = |((origin, source, task), num_records): (_, _)| Share {
            origin,
            source: String::from(source),
            task,
            num_records,
        };
        let composition: Vec<Share> = counts.into_iter().map(share).collect();
        Self { num_records: composition.iter().map(|share| share.num_records).sum(), composition }
    }
}
