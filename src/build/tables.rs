//! The tables of a data set, as its card and `croissant.json` both name them: one a split, the originals, the documents.

use std::collections::BTreeSet;

use crate::columnar::{Feature, features};
use crate::provenance::{FileEntry, Layout, Manifest};
use crate::record::{Document, Origin, Original, PublishedRecord, Record, Split};

/// One table: rows of one kind, in the files whose names begin with `prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// Name of the table: that of the split, `originals`, `documents`.
    pub(super) name: String,
    /// What its rows are.
    pub(super) rows: Rows,
    /// How the names of its files begin.
    pub(super) prefix: String,
    /// Its number of rows.
    pub(super) num_rows: u64,
    /// The size of its files.
    pub(super) num_bytes: u64,
}

/// What the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    Records(Layout),
    Originals,
    Documents,
}

impl Table {
    /// Its files with their names.
    pub(super) fn files<'a>(
        &self,
        manifest: &'a Manifest,
    ) -> impl Iterator<Item = (&'a String, &'a FileEntry)> + use<'a> {
        let prefix = self.prefix.clone();
        manifest.files.iter().filter(move |(name, _)| name.starts_with(&prefix))
    }
}

impl Rows {
    /// The columns.
    pub(super) fn features(self) -> Vec<Feature> {
        match self {
            Self::Records(Layout::Records) => features::<Record>(),
            Self::Records(Layout::Published) => features::<PublishedRecord>(),
            Self::Originals => features::<Original>(),
            Self::Documents => features::<Document>(),
        }
    }

    /// JSON Schema of a row, whose descriptions are those of the columns.
    pub(super) fn json_schema(self) -> schemars::Schema {
        match self {
            Self::Records(Layout::Records) => schemars::schema_for!(Record),
            Self::Records(Layout::Published) => schemars::schema_for!(PublishedRecord),
            Self::Originals => schemars::schema_for!(Original),
            Self::Documents => schemars::schema_for!(Document),
        }
    }
}

/// The tables that have rows: splits first, then originals and documents.
pub(super) fn tables(manifest: &Manifest) -> Vec<Table> {
    let records = Rows::Records(manifest.layout);
    let splits =
        Split::ALL.iter().filter_map(|split| table(manifest, split.as_str(), records, format!("data/{split}-")));
    let others = [("originals", Rows::Originals), ("documents", Rows::Documents)];
    let others = others.into_iter().filter_map(|(name, rows)| table(manifest, name, rows, format!("{name}/")));
    splits.chain(others).collect()
}

/// The splits of each origin.
pub(super) fn tables_by_origin(manifest: &Manifest) -> Vec<(Origin, Vec<Table>)> {
    let of_origin = |origin: Origin| {
        let of_split = |split: &Split| {
            let prefix = format!("data/{split}-{origin}-");
            table(manifest, split.as_str(), Rows::Records(manifest.layout), prefix)
        };
        (origin, Split::ALL.iter().filter_map(of_split).collect::<Vec<_>>())
    };
    let origins = Origin::ALL.iter().map(|origin| of_origin(*origin));
    origins.filter(|(_, tables)| !tables.is_empty()).collect()
}

/// The table of the files whose names begin with `prefix`; `None` without rows.
fn table(manifest: &Manifest, name: &str, rows: Rows, prefix: String) -> Option<Table> {
    let mut table = Table { name: name.to_owned(), rows, prefix, num_rows: 0, num_bytes: 0 };
    for (_, file) in table.files(manifest) {
        table.num_rows += file.num_rows.unwrap_or(0);
        table.num_bytes += file.num_bytes;
    }
    (table.num_rows > 0).then_some(table)
}

/// What each top-level column holds, by its name.
pub(super) fn described(rows: Rows) -> Vec<(Feature, String)> {
    let schema = rows.json_schema();
    let described = |feature: Feature| {
        let text = schema.pointer(&format!("/properties/{}/description", feature.name));
        let text = text.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        (feature, plain(&text))
    };
    rows.features().into_iter().map(described).collect()
}

/// The text without the marks of links in Rust's documentation.
fn plain(text: &str) -> String {
    text.replace("[`", "`").replace("`]", "`").replace('\n', " ")
}

/// The languages of the rows.
pub(super) fn languages(manifest: &Manifest) -> Vec<&'static str> {
    let has_originals = tables(manifest).iter().any(|table| table.rows == Rows::Originals);
    if has_originals { vec!["fr", "en"] } else { vec!["fr"] }
}

/// What the data set is about, and the origins of its records.
pub(super) fn keywords(manifest: &Manifest) -> Vec<String> {
    let origins: BTreeSet<&str> = manifest.counts.iter().map(|count| count.origin.as_str()).collect();
    ["medical", "biology", "french", "instruction-tuning"].into_iter().chain(origins).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::fixture::manifest;

    #[test]
    fn files_that_name_no_origin_are_of_none() {
        let mut manifest = manifest();
        let files = std::mem::take(&mut manifest.files).into_iter();
        manifest.files =
            files.map(|(name, file)| (name.replace("-native", "").replace("-translated", ""), file)).collect();
        assert_eq!(tables_by_origin(&manifest), []);
    }

    #[test]
    fn tables_are_those_with_rows_and_every_column_is_described() {
        let manifest = manifest();
        let names: Vec<String> = tables(&manifest).into_iter().map(|table| table.name).collect();
        assert_eq!(names, ["train", "test", "originals", "documents"]);
        for table in tables(&manifest) {
            for (feature, text) in described(table.rows) {
                assert!(!text.is_empty() && !text.contains("[`"), "{} of {}: {text}", feature.name, table.name);
            }
        }
        let by_origin = tables_by_origin(&manifest);
        let of_origin = |(origin, tables): &(Origin, Vec<Table>)| {
            (*origin, tables.iter().map(|table| (table.name.clone(), table.num_rows)).collect::<Vec<_>>())
        };
        let expected = [
            (Origin::Native, vec![("train".to_owned(), 2), ("test".to_owned(), 1)]),
            (Origin::Translated, vec![("train".to_owned(), 2)]),
        ];
        assert_eq!(by_origin.iter().map(of_origin).collect::<Vec<_>>(), expected);
        assert_eq!(languages(&manifest), ["fr", "en"]);
        assert_eq!(keywords(&manifest)[4..], ["native", "translated"]);
    }
}
