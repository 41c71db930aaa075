//! JSON Schemas of the files that are written, each made from the type that is written; `schemas/` keeps a copy of each.
//!
//! Rows of parquet files are described as the JSON objects that readers make of them. What has the form of another project
//! (Croissant, PEFT, transformers, TensorBoard) is described there, and what a build keeps for itself nowhere.

use schemars::{Schema, schema_for};

use crate::build::ShardManifest;
#[cfg(feature = "hub")]
use crate::hub::SourcesLock;
use crate::metrics::Scores;
use crate::mixture::MixtureSummary;
use crate::provenance::{Lineage, Manifest};
use crate::record::{Document, Original, PublishedRecord, Record, Rejected};
use crate::render::{EvaluationRow, PredictionRow, TrainingRow};
#[cfg(feature = "hub")]
use crate::report::ModelManifest;

/// A file that is written, or a row of one, and its JSON Schema.
#[derive(Debug, Clone, Copy)]
pub struct WrittenFile {
    /// Name of the schema: it is kept as `schemas/NAME.schema.json`.
    pub name: &'static str,
    /// What it describes.
    pub what: &'static str,
    /// Makes it (JSON Schema, draft 2020-12).
    pub json_schema: fn() -> Schema,
}

impl WrittenFile {
    /// The schema as it stands in its file, with the end of its last line.
    ///
    /// # Panics
    /// Never: a schema always serialises.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(&(self.json_schema)()).expect("a schema always serialises") + "\n"
    }
}

/// What the library writes, in the order in which data goes through it.
pub const WRITTEN_FILES: &[WrittenFile] = &[
    #[cfg(feature = "hub")]
    WrittenFile {
        name: "sources-lock",
        what: "sources.lock: the commit and the hashes of each source that was fetched",
        json_schema: || schema_for!(SourcesLock),
    },
    WrittenFile { name: "record", what: "a record, a row of a data set", json_schema: || schema_for!(Record) },
    WrittenFile {
        name: "published-record",
        what: "a row of a data set in the published layout",
        json_schema: || schema_for!(PublishedRecord),
    },
    WrittenFile {
        name: "original",
        what: "an English original, a row of originals/",
        json_schema: || schema_for!(Original),
    },
    WrittenFile {
        name: "document",
        what: "a seed document, a row of documents/",
        json_schema: || schema_for!(Document),
    },
    WrittenFile {
        name: "rejected",
        what: "a row of rejected.parquet, with why it was rejected",
        json_schema: || schema_for!(Rejected),
    },
    WrittenFile { name: "manifest", what: "manifest.json of a data set", json_schema: || schema_for!(Manifest) },
    WrittenFile {
        name: "shard",
        what: "shard.json of a part of a build by several processes",
        json_schema: || schema_for!(ShardManifest),
    },
    WrittenFile { name: "mixture", what: "mixture.json", json_schema: || schema_for!(MixtureSummary) },
    WrittenFile {
        name: "training",
        what: "a line of train.jsonl or validation.jsonl",
        json_schema: || schema_for!(TrainingRow),
    },
    WrittenFile {
        name: "evaluation",
        what: "a line of a file of evaluation rows",
        json_schema: || schema_for!(EvaluationRow),
    },
    WrittenFile {
        name: "predictions",
        what: "a line of a file of predictions",
        json_schema: || schema_for!(PredictionRow),
    },
    WrittenFile { name: "scores", what: "the scores of a file of predictions", json_schema: || schema_for!(Scores) },
    WrittenFile {
        name: "lineage",
        what: "FILE.lineage.json: what a file was made from",
        json_schema: || schema_for!(Lineage),
    },
    #[cfg(feature = "hub")]
    WrittenFile {
        name: "model-manifest",
        what: "manifest.json of a published adapter or model",
        json_schema: || schema_for!(ModelManifest<'_>),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_in_the_tree_are_those_of_the_types() {
        for file in WRITTEN_FILES {
            let path = format!("schemas/{}.schema.json", file.name);
            let found = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&path));
            let made = found.unwrap_or_default() == file.text();
            assert!(made, "{path} differs from its type: medinjection schema {} > {path}", file.name);
        }
    }

    #[test]
    fn every_name_is_used_once() {
        let names: std::collections::BTreeSet<&str> = WRITTEN_FILES.iter().map(|file| file.name).collect();
        assert_eq!(names.len(), WRITTEN_FILES.len());
    }
}
