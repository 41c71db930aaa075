//! The tables of a data set, column by column, down to the leaves of nested columns.

use serde::Serialize;

use super::distribution::file_set;
use crate::build::tables::{Rows, Table, described, tables};
use crate::columnar::{Feature, FeatureType};
use crate::provenance::{Layout, Manifest};

/// One table.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordSet {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "@id")]
    id: String,
    name: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Reference>,
    field: Vec<Field>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data: Vec<SplitRow>,
}

#[derive(Serialize)]
struct Reference {
    #[serde(rename = "@id")]
    id: String,
}

#[derive(Serialize)]
struct SplitRow {
    #[serde(rename = "splits/name")]
    name: String,
    #[serde(rename = "splits/num_records")]
    num_records: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "@id")]
    id: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_type: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(rename = "subField")]
    inner: Vec<Field>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    file_set: Reference,
    extract: Extract,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transform: Vec<Transform>,
}

#[derive(Serialize)]
struct Extract {
    column: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Transform {
    json_path: String,
}

/// The splits, then a record set for each table.
pub(super) fn record_sets(manifest: &Manifest) -> Vec<RecordSet> {
    let tables = tables(manifest);
    std::iter::once(splits(&tables)).chain(tables.iter().map(record_set)).collect()
}

fn record_set(table: &Table) -> RecordSet {
    let has_id = table.rows != Rows::Records(Layout::Published);
    let description = match table.rows {
        Rows::Records(_) => format!("French instruction–response pairs of the {} split", table.name),
        Rows::Originals => "English questions that were translated".to_owned(),
        Rows::Documents => "French texts from which questions were written".to_owned(),
    };
    let field = described(table.rows).into_iter().map(|(feature, text)| {
        let source = Leaf { table, column: feature.name.clone(), path: Vec::new() };
        Field { description: text, ..field(&table.name, &feature, &source) }
    });
    RecordSet {
        kind: "cr:RecordSet",
        id: table.name.clone(),
        name: table.name.clone(),
        description,
        data_type: None,
        key: has_id.then(|| Reference { id: format!("{}/id", table.name) }),
        field: field.collect(),
        data: Vec::new(),
    }
}

fn splits(tables: &[Table]) -> RecordSet {
    let field = |name: &str, description: &str, data_type| Field {
        kind: "cr:Field",
        id: format!("splits/{name}"),
        name: name.to_owned(),
        description: description.to_owned(),
        data_type: Some(data_type),
        repeated: false,
        source: None,
        inner: Vec::new(),
    };
    let splits = tables.iter().filter(|table| matches!(table.rows, Rows::Records(_)));
    RecordSet {
        kind: "cr:RecordSet",
        id: "splits".to_owned(),
        name: "splits".to_owned(),
        description: "the splits of the records, each a record set of its own".to_owned(),
        data_type: Some("cr:Split"),
        key: Some(Reference { id: "splits/name".to_owned() }),
        field: vec![
            field("name", "Name of the split.", "sc:Text"),
            field("num_records", "Number of its records.", "sc:Integer"),
        ],
        data: splits.map(|table| SplitRow { name: table.name.clone(), num_records: table.num_rows }).collect(),
    }
}

/// Where the values of a field are: a column of a table, and the names to follow inside of its values.
struct Leaf<'a> {
    table: &'a Table,
    column: String,
    path: Vec<String>,
}

impl Leaf<'_> {
    fn inside(&self, name: &str) -> Self {
        let path = self.path.iter().cloned().chain([name.to_owned()]).collect();
        Self { table: self.table, column: self.column.clone(), path }
    }

    fn source(&self) -> Source {
        Source {
            file_set: Reference { id: file_set(self.table) },
            extract: Extract { column: self.column.clone() },
            // One step a name: a reader takes each step for every item of a list.
            transform: self.path.iter().map(|name| Transform { json_path: name.clone() }).collect(),
        }
    }
}

fn field(parent: &str, feature: &Feature, leaf: &Leaf<'_>) -> Field {
    let id = format!("{parent}/{}", feature.name);
    let (repeated, item) = match &feature.feature_type {
        FeatureType::List(item) => (true, item.as_ref()),
        other => (false, other),
    };
    let inner_fields = match item {
        FeatureType::Struct(fields) => {
            fields.iter().map(|inner| field(&id, inner, &leaf.inside(&inner.name))).collect()
        }
        FeatureType::Value(_) | FeatureType::List(_) => Vec::new(),
    };
    let is_leaf = inner_fields.is_empty();
    Field {
        kind: "cr:Field",
        id,
        name: feature.name.clone(),
        description: String::new(),
        data_type: is_leaf.then(|| data_type(item)),
        repeated,
        source: is_leaf.then(|| leaf.source()),
        inner: inner_fields,
    }
}

fn data_type(feature_type: &FeatureType) -> &'static str {
    match feature_type {
        FeatureType::Value(name) if name.starts_with("float") => "sc:Float",
        FeatureType::Value(name) if name.contains("int") => "sc:Integer",
        _ => "sc:Text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::fixture::manifest;

    #[test]
    fn a_nested_column_is_followed_name_by_name() {
        let json = serde_json::to_value(record_sets(&manifest())).unwrap();
        let named = |list: &serde_json::Value, name: &str| {
            list.as_array().unwrap().iter().find(|item| item["name"] == name).unwrap().clone()
        };
        let provenance = named(&named(&json, "train")["field"], "provenance");
        let lineage = named(&provenance["subField"], "lineage");
        assert_eq!((&lineage["repeated"], &lineage["dataType"]), (&true.into(), &serde_json::Value::Null));
        let expected = serde_json::json!({
            "fileSet": { "@id": "train-files" },
            "extract": { "column": "provenance" },
            "transform": [{ "jsonPath": "lineage" }, { "jsonPath": "step" }],
        });
        assert_eq!(named(&lineage["subField"], "step")["source"], expected);
        assert_eq!(named(&provenance["subField"], "source_row")["dataType"], "sc:Integer");
    }

    #[test]
    fn the_splits_are_listed_with_their_sizes() {
        let json = serde_json::to_value(record_sets(&manifest())).unwrap();
        let expected = serde_json::json!([
            { "splits/name": "train", "splits/num_records": 4 },
            { "splits/name": "test", "splits/num_records": 1 },
        ]);
        assert_eq!(json[0]["data"], expected);
    }
}
