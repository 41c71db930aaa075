//! DiaMED: French clinical cases, each with a licence of its own.
//!
//! Rows `identifier, title, clinical_case, …, license, icd-10`, as JSON, JSON Lines, CSV or parquet. Written from the
//! published columns.

use std::sync::LazyLock;

use serde::Deserialize;

use super::columns::document;
use super::formats::{Format, each_row};
use super::license::spdx;
use super::{RowKind, Sink, Source, SourceFiles, SourceInfo, say};
use crate::Result;

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Labrak, Y., Bazoge, A., El Khettari, O., Rouvier, M., Constant dit Beaufils, P., Grabar, N., Daille, B., \
                    Quiniou, S., Morin, E., Gourraud, P.-A. and Dufour, R. (2024). DrBenchmark: A Large Language Understanding \
                    Evaluation Benchmark for French Biomedical Domain. LREC-COLING 2024. https://aclanthology.org/2024.lrec-main.478";
    SourceInfo::new("diamed", RowKind::Documents, "per case")
        .with_citation(citation, "https://huggingface.co/datasets/Dr-BERT/DiaMED")
        .on_hub("Dr-BERT/DiaMED")
        .with_files(["*.json", "*.jsonl", "*.csv", "data/*.parquet"])
});

/// The corpus.
#[derive(Debug)]
pub(super) struct DiaMed;

#[derive(Deserialize)]
struct Row {
    identifier: String,
    clinical_case: String,
    license: Option<String>,
    source_url: Option<String>,
}

impl Source for DiaMed {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let format = Format::of(file)?;
            let variant = format!("DiaMED, {}", format.name());
            say(file, &variant, sink)?;
            each_row(files, (file, format, &variant), sink, |row: Row, place| {
                let mut document = document(&INFO, place, row.identifier, row.clinical_case);
                document.license = row.license.map_or_else(|| "not stated".to_owned(), |license| spdx(&license));
                document.reference = row.source_url.unwrap_or_default();
                Ok(document.into())
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::read;
    use crate::source::{SourceRow, redistribution};

    #[test]
    fn each_case_has_its_own_licence() {
        let text = r#"[{"identifier": "1", "title": "T", "clinical_case": "Un cas.", "license": "CC BY-NC 4.0", "icd-10": "I"},
            {"identifier": "2", "title": "T", "clinical_case": "Un autre."}]"#;
        let rows = read(&DiaMed, &[("train.json", text)]).unwrap();
        let licenses: Vec<&str> = rows
            .iter()
            .filter_map(
                |row| if let SourceRow::Document(document) = row { Some(document.license.as_str()) } else { None },
            )
            .collect();
        assert_eq!(licenses, ["CC-BY-NC-4.0", "not stated"]);
        assert!(redistribution(licenses[0]).is_allowed() && !redistribution(licenses[1]).is_allowed());
    }
}
