//! The files of a data set: each with its hash and size, and one set of files for each table that they make together.

use serde::Serialize;

use crate::build::tables::{Table, tables};
use crate::provenance::Manifest;

const PARQUET: &str = "application/x-parquet";

/// A file, or a set of files.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "@id")]
    id: String,
    name: String,
    description: String,
    encoding_format: &'static str,
    #[serde(flatten)]
    place: Place,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase", untagged)]
enum Place {
    #[serde(rename_all = "camelCase")]
    File {
        content_url: String,
        content_size: String,
        sha256: String,
    },
    Files {
        includes: String,
    },
}

/// The name of the set of files of `table`.
pub(super) fn file_set(table: &Table) -> String {
    format!("{}-files", table.name)
}

/// Every file of every table, each table's after the set that they make.
pub(super) fn distribution(manifest: &Manifest) -> Vec<Resource> {
    let mut resources = Vec::new();
    for table in tables(manifest) {
        resources.push(Resource {
            kind: "cr:FileSet",
            id: file_set(&table),
            name: file_set(&table),
            description: format!("the files of {}: {} rows", table.name, table.num_rows),
            encoding_format: PARQUET,
            place: Place::Files { includes: format!("{}*.parquet", table.prefix) },
        });
        for (name, file) in table.files(manifest) {
            resources.push(Resource {
                kind: "cr:FileObject",
                id: name.clone(),
                name: name.clone(),
                description: format!("{} rows of {}", file.num_rows.unwrap_or(0), table.name),
                encoding_format: PARQUET,
                place: Place::File {
                    content_url: name.clone(),
                    content_size: format!("{} B", file.num_bytes),
                    sha256: file.sha256.clone(),
                },
            });
        }
    }
    resources
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::build::fixture::manifest;

    #[test]
    fn each_file_has_hash_and_size_and_the_rejected_are_left_out() {
        let manifest = manifest();
        let json = serde_json::to_value(distribution(&manifest)).unwrap();
        let files = json.as_array().unwrap().iter().filter(|file| file["@type"] == "cr:FileObject");
        let found: BTreeMap<&str, (&str, &str)> = files
            .map(|file| ["contentUrl", "sha256", "contentSize"].map(|key| file[key].as_str().unwrap()))
            .map(|[url, sha256, size]| (url, (sha256, size)))
            .collect();
        let expected = manifest.files.iter().filter(|(name, _)| name.contains('/'));
        let expected = expected.map(|(name, entry)| (name.as_str(), (entry.sha256.as_str(), "1000 B"))).collect();
        assert_eq!(found, expected);
    }
}
