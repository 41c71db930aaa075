//! JSON Schemas of the files that a run is made of, each made from the type that is written; `schemas/` keeps a copy of each.

use medinjection_fr::json_schema::WrittenFile;
use schemars::schema_for;

use crate::checkpoint::CheckpointSummary;
use crate::config::TrainConfig;
use crate::train::{Environment, MetricsLine, Status};

/// What the launcher writes, and what it reads in the same form.
pub const WRITTEN_FILES: &[WrittenFile] = &[
    WrittenFile {
        name: "train-config",
        what: "the configuration of a training (TOML), and config.toml of a run",
        json_schema: || schema_for!(TrainConfig),
    },
    WrittenFile {
        name: "environment",
        what: "environment.json: where and by what a run was made",
        json_schema: || schema_for!(Environment),
    },
    WrittenFile { name: "metrics", what: "a line of metrics.jsonl", json_schema: || schema_for!(MetricsLine) },
    WrittenFile {
        name: "checkpoint",
        what: "checkpoint.json of a checkpoint",
        json_schema: || schema_for!(CheckpointSummary),
    },
    WrittenFile { name: "status", what: "status.json: how a run ended", json_schema: || schema_for!(Status) },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas")
    }

    #[test]
    fn the_schemas_in_the_tree_are_those_of_the_types() {
        for file in WRITTEN_FILES {
            let name = format!("{}.schema.json", file.name);
            let found = std::fs::read_to_string(folder().join(&name)).unwrap_or_default();
            assert!(
                found == file.text(),
                "schemas/{name} differs from its type: medinjection-launch schema {} > schemas/{name}",
                file.name
            );
        }
    }

    #[test]
    fn every_schema_in_the_tree_is_that_of_one_file() {
        let all = || medinjection_fr::json_schema::WRITTEN_FILES.iter().chain(WRITTEN_FILES);
        let expected: BTreeSet<String> = all().map(|file| format!("{}.schema.json", file.name)).collect();
        assert_eq!(expected.len(), all().count());
        let entries = std::fs::read_dir(folder()).unwrap();
        let found: BTreeSet<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(found, expected);
    }
}
