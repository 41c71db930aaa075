//! `README.md` of a data set: the Hub's card. Every number in it comes from the manifest.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::columnar::{Feature, FeatureType, features};
use crate::provenance::Manifest;
use crate::record::{Document, Original, Record, Split};

/// The card of the data set that `manifest` describes.
pub(super) fn card(manifest: &Manifest) -> String {
    let mut text = front_matter(manifest);
    text.push_str(&body(manifest));
    text
}

fn front_matter(manifest: &Manifest) -> String {
    let licenses: BTreeSet<&str> = manifest.sources.iter().map(|source| source.license.as_str()).collect();
    let license = match licenses.first() {
        Some(only) if licenses.len() == 1 => only.to_lowercase(),
        _ => "other".to_owned(),
    };
    let num_records: u64 = manifest.counts.iter().map(|count| count.num_records).sum();
    let mut text = format!(
        "---\nlanguage:\n- fr\nlicense: {license}\ntask_categories:\n- question-answering\n- multiple-choice\ntags:\n- medical\n- \
         biology\nsize_categories:\n- {}\nconfigs:\n",
        size_category(num_records)
    );
    let splits: Vec<Split> =
        Split::ALL.iter().copied().filter(|split| num_rows(manifest, &prefix(*split)) > 0).collect();
    if !splits.is_empty() {
        text.push_str("- config_name: default\n  default: true\n  data_files:\n");
    }
    for split in &splits {
        let _ = writeln!(text, "  - split: {split}\n    path: {}*", prefix(*split));
    }
    let extra = ["originals", "documents"].map(|name| (name, num_rows(manifest, &format!("{name}/"))));
    let extra: Vec<(&str, u64)> = extra.into_iter().filter(|(_, num_rows)| *num_rows > 0).collect();
    for (name, _) in &extra {
        let _ = writeln!(text, "- config_name: {name}\n  data_files:\n  - split: train\n    path: {name}/*");
    }
    text.push_str("dataset_info:\n");
    let splits: Vec<(String, (u64, u64))> =
        splits.iter().map(|split| (split.to_string(), size(manifest, &prefix(*split)))).collect();
    if !splits.is_empty() {
        info(&mut text, "default", &features::<Record>(), &splits);
    }
    for (name, _) in extra {
        let features = if name == "originals" { features::<Original>() } else { features::<Document>() };
        info(&mut text, name, &features, &[("train".to_owned(), size(manifest, &format!("{name}/")))]);
    }
    text.push_str("---\n\n");
    text
}

fn prefix(split: Split) -> String {
    format!("data/{split}-")
}

/// Rows and bytes of the files whose names begin with `prefix`.
fn size(manifest: &Manifest, prefix: &str) -> (u64, u64) {
    let files = manifest.files.iter().filter(|(name, _)| name.starts_with(prefix));
    files.fold((0, 0), |(rows, bytes), (_, file)| (rows + file.num_rows.unwrap_or(0), bytes + file.num_bytes))
}

fn num_rows(manifest: &Manifest, prefix: &str) -> u64 {
    size(manifest, prefix).0
}

fn size_category(num_records: u64) -> &'static str {
    match num_records {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        _ => "n>1M",
    }
}

fn info(text: &mut String, config_name: &str, features: &[Feature], splits: &[(String, (u64, u64))]) {
    let _ = writeln!(text, "- config_name: {config_name}\n  features:");
    for feature in features {
        yaml_feature(text, feature, 2);
    }
    text.push_str("  splits:\n");
    for (name, (num_rows, num_bytes)) in splits {
        let _ = writeln!(text, "  - name: {name}\n    num_bytes: {num_bytes}\n    num_examples: {num_rows}");
    }
}

fn yaml_feature(text: &mut String, feature: &Feature, indent: usize) {
    let _ = writeln!(text, "{:indent$}- name: {}", "", feature.name);
    yaml_type(text, &feature.feature_type, indent + 2);
}

fn yaml_type(text: &mut String, feature_type: &FeatureType, indent: usize) {
    let mut fields = |key: &str, fields: &[Feature]| {
        let _ = writeln!(text, "{:indent$}{key}:", "");
        for field in fields {
            yaml_feature(text, field, indent);
        }
    };
    match feature_type {
        FeatureType::Struct(named) => fields("struct", named),
        FeatureType::Value(name) => {
            let _ = writeln!(text, "{:indent$}dtype: {name}", "");
        }
        FeatureType::List(item) => match item.as_ref() {
            FeatureType::Struct(named) => fields("list", named),
            FeatureType::Value(name) => {
                let _ = writeln!(text, "{:indent$}list: {name}", "");
            }
            FeatureType::List(_) => {
                let _ = writeln!(text, "{:indent$}list:", "");
                yaml_type(text, item, indent + 2);
            }
        },
    }
}

fn body(manifest: &Manifest) -> String {
    let mut text = String::from(
        "# French biomedical instruction data\n\n\
         Questions and answers in French, of three origins: written in French (native), translated from English (translated), and \
         written by a model from French documents (synthetic). Each row says where it comes from, in which language its fields are, \
         and what the checks found.\n\n## Records\n\n| split | origin | source | task | read | kept |\n|---|---|---|---|---:|---:|\n",
    );
    for count in &manifest.counts {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            count.split, count.origin, count.source, count.task, count.num_read, count.num_records
        );
    }
    let (read, kept) =
        manifest.counts.iter().fold((0, 0), |(read, kept), count| (read + count.num_read, kept + count.num_records));
    let _ = writeln!(text, "| all | | | | {read} | {kept} |");
    for (name, what) in [("originals/", "English originals"), ("documents/", "Seed documents")] {
        match num_rows(manifest, name) {
            0 => {}
            number => {
                let _ = writeln!(text, "\n{what} in `{name}`: {number}.");
            }
        }
    }
    text.push_str("\n## Steps\n\n| step | in | out | rejected | warnings |\n|---|---:|---:|---|---|\n");
    for step in &manifest.steps {
        let listed = |reasons: &std::collections::BTreeMap<String, u64>| {
            reasons.iter().map(|(reason, number)| format!("{reason} {number}")).collect::<Vec<_>>().join(", ")
        };
        let (rejected, warnings) = (listed(&step.rejected), listed(&step.warnings));
        let _ = writeln!(text, "| {} | {} | {} | {rejected} | {warnings} |", step.step, step.num_in, step.num_out);
    }
    text.push_str("\n## Sources\n");
    for source in &manifest.sources {
        let _ = writeln!(
            text,
            "\n### {}\n\n- licence: {}\n- revision: `{}`\n- citation: {}",
            source.name, source.license, source.revision, source.citation
        );
    }
    let _ = writeln!(
        text,
        "\nMade by `medinjection build` {}; `manifest.json` has the hash of every file.",
        manifest.tool_version
    );
    text
}
