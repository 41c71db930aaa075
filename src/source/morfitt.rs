//! MORFITT: French biomedical abstracts, in the authors' TSV files (`identifier, abstract, specialities`).

use std::sync::LazyLock;

use serde::Deserialize;

use super::columns::document;
use super::formats::{Format, each_row};
use super::{RowKind, Sink, Source, SourceFiles, SourceInfo, say};
use crate::Result;

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Labrak, Y., Rouvier, M. and Dufour, R. (2023). MORFITT: A multi-label corpus of French scientific \
                    articles in the biomedical domain. TALN 2023. https://hal.science/hal-04125879";
    SourceInfo::new("morfitt", RowKind::Documents, "CC-BY-SA-4.0")
        .with_citation(citation, "https://github.com/qanastek/MORFITT")
        .on_hub("qanastek/MORFITT")
        .with_files(["train.tsv", "dev.tsv", "test.tsv", "data/*.tsv", "data/*.parquet"])
});

/// The corpus.
#[derive(Debug)]
pub(super) struct Morfitt;

#[derive(Deserialize)]
struct Row {
    #[serde(alias = "id")]
    identifier: String,
    #[serde(rename = "abstract")]
    text: String,
}

impl Source for Morfitt {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let format = Format::of(file)?;
            let variant = format!("MORFITT, {}", format.name());
            say(file, &variant, sink)?;
            each_row(files, (file, format, &variant), sink, |row: Row, place| {
                Ok(document(&INFO, place, row.identifier, row.text).into())
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceRow;
    use crate::source::fixture::read;

    #[test]
    fn an_abstract_becomes_a_document_under_share_alike() {
        let text = "identifier\tabstract\tspecialities\n1\t\" Un \"\"essai\"\".\"\tpsychology|genetics\n2\tseul\n";
        let rows = read(&Morfitt, &[("dev.tsv", text)]).unwrap();
        let [SourceRow::Note(_), SourceRow::Document(document), SourceRow::Unreadable(bad)] = &rows[..] else {
            panic!("{rows:?}")
        };
        assert_eq!((document.text.as_str(), document.license.as_str()), (" Un \"essai\".", "CC-BY-SA-4.0"));
        assert_eq!((bad.row, bad.detail.as_str()), (3, "expected 3 columns as in the header, found 2"));
        assert!(INFO.redistribution().is_allowed());
    }
}
