//! The card's YAML header, as the Hub and `datasets` read it.

use std::collections::BTreeSet;
use std::fmt::{Result, Write};

use crate::build::description::{Creator, Description};
use crate::build::tables::{Rows, Table, keywords, languages, tables, tables_by_origin};
use crate::columnar::{Feature, FeatureType};
use crate::provenance::Manifest;
use crate::record::Origin;

/// Identifiers of licences that the Hub knows, of those that corpora have.
const HUB_LICENSES: &[&str] = &[
    "apache-2.0",
    "mit",
    "bsd-2-clause",
    "bsd-3-clause",
    "cc",
    "cc0-1.0",
    "cc-by-2.0",
    "cc-by-3.0",
    "cc-by-4.0",
    "cc-by-sa-3.0",
    "cc-by-sa-4.0",
    "cc-by-nc-2.0",
    "cc-by-nc-3.0",
    "cc-by-nc-4.0",
    "cc-by-nd-4.0",
    "cc-by-nc-nd-3.0",
    "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-3.0",
    "cc-by-nc-sa-4.0",
    "etalab-2.0",
    "gfdl",
    "odbl",
    "pddl",
    "unlicense",
    "unknown",
];

/// The header with its two rules, and an empty line.
///
/// # Panics
/// Never: writing into a text does not fail.
pub(super) fn front_matter(manifest: &Manifest, description: &Description) -> String {
    let mut text = String::from("---\n");
    header(&mut text, manifest, description).expect("writing into a text does not fail");
    text.push_str("---\n\n");
    text
}

fn header(text: &mut String, manifest: &Manifest, description: &Description) -> Result {
    // A JSON text is a YAML text as well.
    writeln!(text, "pretty_name: {}", serde_json::Value::from(description.title()))?;
    list(text, "language", languages(manifest))?;
    license(text, manifest)?;
    let choices = manifest.counts.iter().any(|count| count.task.is_multiple_choice());
    let task_categories = ["question-answering", "text-generation", "multiple-choice"];
    list(text, "task_categories", task_categories.into_iter().take(if choices { 3 } else { 2 }))?;
    let num_records = manifest.counts.iter().map(|count| count.num_records).sum();
    list(text, "size_categories", [size_category(num_records)])?;
    list(text, "annotations_creators", annotations_creators(manifest, description))?;
    list(text, "language_creators", language_creators(manifest, description))?;
    list(text, "source_datasets", source_datasets(manifest).into_iter().map(serde_json::Value::from))?;
    list(text, "tags", keywords(manifest))?;
    let names = config_names(manifest);
    if !names.is_empty() {
        configs(text, &names)?;
        dataset_info(text, &names)?;
    }
    Ok(())
}

/// The key with its items; nothing where there are none.
fn list<T: std::fmt::Display>(text: &mut String, key: &str, items: impl IntoIterator<Item = T>) -> Result {
    for (index, item) in items.into_iter().enumerate() {
        if index == 0 {
            writeln!(text, "{key}:")?;
        }
        writeln!(text, "- {item}")?;
    }
    Ok(())
}

/// The one licence of all rows where the Hub knows it, else `other` with its name.
fn license(text: &mut String, manifest: &Manifest) -> Result {
    let licenses = manifest.sources.iter().flat_map(|source| source.licenses.keys());
    let licenses: BTreeSet<String> = licenses.map(|license| license.to_lowercase()).collect();
    match licenses.first() {
        Some(only) if licenses.len() == 1 && HUB_LICENSES.contains(&only.as_str()) => writeln!(text, "license: {only}"),
        None => writeln!(text, "license: unknown"),
        Some(_) => {
            let names: Vec<&str> = licenses.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
            let names = if names.is_empty() { "not stated".to_owned() } else { names.join(", ") };
            writeln!(text, "license: other\nlicense_name: {}", serde_json::Value::from(names))
        }
    }
}

/// Who gave the answers, in the Hub's words: the makers of the data set say it, or the origins of its records do.
fn annotations_creators(manifest: &Manifest, description: &Description) -> BTreeSet<Creator> {
    let of_origin = |origin| match origin {
        Origin::Native | Origin::Translated => Creator::Found,
        Origin::Synthetic => Creator::MachineGenerated,
    };
    said(description.annotations_creators()).unwrap_or_else(|| origins(manifest).map(of_origin).collect())
}

/// Who wrote the French, likewise.
fn language_creators(manifest: &Manifest, description: &Description) -> BTreeSet<Creator> {
    let of_origin = |origin| match origin {
        Origin::Native => Creator::Found,
        Origin::Translated | Origin::Synthetic => Creator::MachineGenerated,
    };
    said(description.language_creators()).unwrap_or_else(|| origins(manifest).map(of_origin).collect())
}

fn said(creators: &[Creator]) -> Option<BTreeSet<Creator>> {
    (!creators.is_empty()).then(|| creators.iter().copied().collect())
}

fn origins(manifest: &Manifest) -> impl Iterator<Item = Origin> {
    manifest.counts.iter().filter(|count| count.num_records > 0).map(|count| count.origin)
}

/// The repositories on the Hub of which rows are here; `original` stands for sources that are in none.
fn source_datasets(manifest: &Manifest) -> Vec<&str> {
    let used = manifest.sources.iter().filter(|source| !source.licenses.is_empty());
    let names = used.map(|source| source.hub_repository.as_str());
    let (on_hub, elsewhere): (BTreeSet<&str>, BTreeSet<&str>) = names.partition(|name| !name.is_empty());
    let original = (!elsewhere.is_empty() || on_hub.is_empty()).then_some("original");
    original.into_iter().chain(on_hub).collect()
}

fn size_category(num_records: u64) -> &'static str {
    match num_records {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        _ => "1M<n<10M",
    }
}

/// A name for `load_dataset`, and its splits.
type Config = (String, Vec<(String, Table)>);

/// The configurations: all records, those of each origin, the originals, the documents.
fn config_names(manifest: &Manifest) -> Vec<Config> {
    let splits = |tables: Vec<Table>| tables.into_iter().map(|table| (table.name.clone(), table)).collect::<Vec<_>>();
    let (records, others): (Vec<Table>, Vec<Table>) =
        tables(manifest).into_iter().partition(|table| matches!(table.rows, Rows::Records(_)));
    let records = (!records.is_empty()).then(|| ("default".to_owned(), splits(records)));
    let origins = tables_by_origin(manifest).into_iter().map(|(origin, tables)| (origin.to_string(), splits(tables)));
    let others = others.into_iter().map(|table| (table.name.clone(), vec![("train".to_owned(), table)]));
    records.into_iter().chain(origins).chain(others).collect()
}

fn configs(text: &mut String, configs: &[Config]) -> Result {
    text.push_str("configs:\n");
    for (name, splits) in configs {
        writeln!(text, "- config_name: {name}")?;
        if name == "default" {
            text.push_str("  default: true\n");
        }
        text.push_str("  data_files:\n");
        for (split, table) in splits {
            writeln!(text, "  - split: {split}\n    path: {}*", table.prefix)?;
        }
    }
    Ok(())
}

fn dataset_info(text: &mut String, configs: &[Config]) -> Result {
    text.push_str("dataset_info:\n");
    for (name, splits) in configs {
        writeln!(text, "- config_name: {name}\n  features:")?;
        for feature in splits.iter().take(1).flat_map(|(_, table)| table.rows.features()) {
            yaml_feature(text, &feature, 2)?;
        }
        text.push_str("  splits:\n");
        for (split, table) in splits {
            let (num_bytes, num_rows) = (table.num_bytes, table.num_rows);
            writeln!(text, "  - name: {split}\n    num_bytes: {num_bytes}\n    num_examples: {num_rows}")?;
        }
        let num_bytes: u64 = splits.iter().map(|(_, table)| table.num_bytes).sum();
        writeln!(text, "  download_size: {num_bytes}\n  dataset_size: {num_bytes}")?;
    }
    Ok(())
}

fn yaml_feature(text: &mut String, feature: &Feature, indent: usize) -> Result {
    writeln!(text, "{:indent$}- name: {}", "", feature.name)?;
    yaml_type(text, &feature.feature_type, indent + 2)
}

fn yaml_type(text: &mut String, feature_type: &FeatureType, indent: usize) -> Result {
    let mut fields = |key: &str, fields: &[Feature]| {
        writeln!(text, "{:indent$}{key}:", "")?;
        fields.iter().try_for_each(|field| yaml_feature(text, field, indent))
    };
    match feature_type {
        FeatureType::Struct(named) => fields("struct", named),
        FeatureType::Value(name) => writeln!(text, "{:indent$}dtype: {name}", ""),
        FeatureType::List(item) => match item.as_ref() {
            FeatureType::Struct(named) => fields("list", named),
            FeatureType::Value(name) => writeln!(text, "{:indent$}list: {name}", ""),
            FeatureType::List(_) => {
                writeln!(text, "{:indent$}list:", "")?;
                yaml_type(text, item, indent + 2)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::fixture::manifest;

    #[test]
    fn one_known_licence_is_named_and_others_are_listed() {
        let said = |names: &[&str]| {
            let mut manifest = manifest();
            manifest.sources.truncate(1);
            manifest.sources[0].licenses = names.iter().map(|name| ((*name).to_owned(), 1)).collect();
            let mut text = String::new();
            license(&mut text, &manifest).unwrap();
            text
        };
        assert_eq!(said(&["Apache-2.0"]), "license: apache-2.0\n");
        assert_eq!(said(&["MIT", "CC0-1.0"]), "license: other\nlicense_name: \"cc0-1.0, mit\"\n");
        assert_eq!(said(&["accord: \"DEFT\""]), "license: other\nlicense_name: \"accord: \\\"deft\\\"\"\n");
        assert_eq!(said(&[]), "license: unknown\n");
    }
}
