//! `README.md` of a data set: the Hub's card. Every number in it comes from the manifest.

pub(super) mod bibtex;
mod counts;
mod front_matter;
mod licences;
mod markdown;

use std::fmt::{Result, Write};

pub(super) use self::counts::warnings;
use self::markdown::{cell, table};
use super::description::Description;
use super::tables::{Rows, Table, described, tables, tables_by_origin};
use crate::columnar::FeatureType;
use crate::provenance::{Layout, Manifest};

/// The card of the data set that `manifest` describes.
///
/// # Panics
/// Never: writing into a text does not fail.
pub(super) fn card(manifest: &Manifest, description: &Description) -> String {
    let mut text = front_matter::front_matter(manifest, description);
    body(&mut text, manifest, description).expect("writing into a text does not fail");
    text
}

fn body(text: &mut String, manifest: &Manifest, description: &Description) -> Result {
    writeln!(text, "# {}\n\n{}", description.title(), description.text())?;
    loading(text, manifest)?;
    counts::counts(text, manifest)?;
    columns(text, manifest)?;
    licences::licences(text, manifest)?;
    text.push_str(LIMITATIONS);
    writeln!(text, "\n## Citation\n\n```bibtex\n{}```", bibtex::entries(manifest))?;
    making(text, manifest)
}

const LIMITATIONS: &str = "\n## Limitations\n\n\
    - Answers, and the answers of models trained on them, are not medical advice: nothing here may be used on patients \
    without review by physicians.\n\
    - Translated records can carry errors of translation, synthetic ones errors of fact. The checks find defects of form, \
    language and translation; they do not know medicine, and nothing here says that a physician reviewed a record.\n\
    - Exam questions follow the country and the year of their exam; guidelines have changed since.\n\
    - Personal data are looked for by pattern, so what has another form is not found.\n";

/// How to read it; every line works in the directory of the data set.
fn loading(text: &mut String, manifest: &Manifest) -> Result {
    let tables = tables(manifest);
    text.push_str("\n## Loading\n\n```python\nfrom datasets import load_dataset\n\n");
    for table in &tables {
        match table.rows {
            Rows::Records(_) => {
                writeln!(text, "{0} = load_dataset(\".\", split=\"{0}\")  # {1} rows", table.name, table.num_rows)?;
            }
            Rows::Originals | Rows::Documents => writeln!(
                text,
                "{0} = load_dataset(\".\", \"{0}\", split=\"train\")  # {1} rows",
                table.name, table.num_rows
            )?,
        }
    }
    for (origin, tables) in tables_by_origin(manifest) {
        for Table { name, num_rows, .. } in tables.iter().take(1) {
            writeln!(text, "{origin} = load_dataset(\".\", \"{origin}\", split=\"{name}\")  # {num_rows} rows")?;
        }
    }
    text.push_str("```\n\nThe files are plain parquet; `croissant.json` describes every column for other readers.\n");
    Ok(())
}

/// What each column holds.
fn columns(text: &mut String, manifest: &Manifest) -> Result {
    let tables = tables(manifest);
    let first_of_records = tables.iter().find(|table| matches!(table.rows, Rows::Records(_)));
    let others = tables.iter().filter(|table| !matches!(table.rows, Rows::Records(_)));
    for Table { rows, name, .. } in first_of_records.into_iter().chain(others) {
        let title = if let Rows::Records(_) = rows { "records" } else { name.as_str() };
        let rows = described(*rows).into_iter();
        let rows =
            rows.map(|(feature, meaning)| [format!("`{}`", feature.name), shape(&feature.feature_type), meaning]);
        writeln!(text, "\n## Columns of {title}\n")?;
        table(text, ["column", "type", "what it holds"], rows)?;
    }
    if manifest.layout == Layout::Published && first_of_records.is_some() {
        text.push_str(
            "\nChoices are the last lines of `instruction`, each `(A) …`, under the line `Choix de réponses :`. This layout \
             has no room for provenance: build in the layout `records` to have it.\n",
        );
    }
    Ok(())
}

fn shape(feature_type: &FeatureType) -> String {
    match feature_type {
        FeatureType::Value(name) => name.clone(),
        FeatureType::List(item) => format!("list of {}", shape(item)),
        FeatureType::Struct(fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            format!("{{{}}}", names.join(", "))
        }
    }
}

/// What it was made from, so that it can be made again.
fn making(text: &mut String, manifest: &Manifest) -> Result {
    writeln!(text, "\n## Making\n\nMade by `medinjection build` {} from:\n", manifest.tool_version)?;
    for source in &manifest.sources {
        writeln!(text, "- {}, {} files, revision `{}`", cell(&source.name), source.files.len(), source.revision)?;
    }
    text.push_str(
        "\n`manifest.json` has the SHA-256 of every file that was read and written and the whole configuration: the same \
         inputs, configuration and version give the same bytes.\n",
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::fixture::{assert_snapshot, manifest};

    #[test]
    fn a_small_data_set_has_this_card() {
        assert_snapshot("README.md", &card(&manifest(), &Description::default()));
    }

    #[test]
    fn the_published_layout_has_its_own_columns() {
        let mut manifest = manifest();
        manifest.layout = Layout::Published;
        let card = card(&manifest, &Description::default());
        for line in ["| `type` | string |", "Choix de réponses :", "  - name: type\n    dtype: string\n"] {
            assert!(card.contains(line), "{line} in {card}");
        }
        assert!(!card.contains("answer_labels: "), "{card}");
    }
}
