//! `medinjection schema`: prints the JSON Schema of a file that the tools write.

use clap::ValueEnum;
use schemars::{Schema, schema_for};

use super::{Outcome, Terminal};
use crate::mixture::MixtureSummary;
use crate::provenance::Manifest;
use crate::record::Record;
use crate::render::PredictionRow;

/// Print the JSON Schema of a file that the tools write.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which file.
    name: Name,
}

/// A file whose schema is kept under `schemas/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Name {
    /// One record, as JSON.
    Record,
    /// `manifest.json` of a data set.
    Manifest,
    /// `mixture.json`.
    Mixture,
    /// One line of a predictions file.
    Predictions,
}

impl Name {
    /// The schema (JSON Schema, draft 2020-12).
    #[must_use]
    pub(super) fn json_schema(self) -> Schema {
        match self {
            Self::Record => schema_for!(Record),
            Self::Manifest => schema_for!(Manifest),
            Self::Mixture => schema_for!(MixtureSummary),
            Self::Predictions => schema_for!(PredictionRow),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let schema = args.name.json_schema();
    terminal.result(&serde_json::to_string_pretty(&schema)?, &schema)?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_in_the_tree_are_those_of_the_types() {
        for name in Name::value_variants() {
            let file = format!("schemas/{}.schema.json", format!("{name:?}").to_lowercase());
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
            let expected = serde_json::to_string_pretty(&name.json_schema()).unwrap() + "\n";
            let found = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(found, expected, "{file} differs: medinjection schema {name:?} > {file}");
        }
    }
}
