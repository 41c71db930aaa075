//! E3C, French part: clinical cases out of journal articles, one JSON object a file, with authors, DOI and licence inside.

use std::sync::LazyLock;

use serde::Deserialize;

use super::columns::document;
use super::formats::whole_json;
use super::license::spdx;
use super::{Place, RowKind, Sink, Source, SourceFiles, SourceInfo, say};
use crate::Result;
use crate::record::Document;

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Magnini, B., Altuna, B., Lavelli, A., Speranza, M. and Zanoli, R. (2020). The E3C Project: Collection and \
                    Annotation of a Multilingual Corpus of Clinical Cases. CLiC-it 2020. \
                    https://ceur-ws.org/Vol-2769/paper_55.pdf";
    SourceInfo::new("e3c", RowKind::Documents, "CC-BY-4.0")
        .with_citation(citation, "https://github.com/hltfbk/E3C-Corpus")
        .with_files(["FR*.json"])
});

/// What each file is.
const VARIANT: &str = "E3C JSON object";

/// The corpus.
#[derive(Debug)]
pub(super) struct E3c;

#[derive(Deserialize)]
struct Case {
    id: String,
    text: String,
    authors: Vec<Author>,
    doi: String,
    url: String,
    licence: String,
}

#[derive(Deserialize)]
struct Author {
    author: String,
}

impl Source for E3c {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let place = Place { revision: files.revision(), file, row: 1, format: VARIANT };
            say(file, VARIANT, sink)?;
            sink(match whole_json::<Case>(file)? {
                Ok(case) => read_case(case, &place).into(),
                Err((detail, raw)) => place.unreadable(detail, raw.as_bytes()).into(),
            })?;
        }
        Ok(())
    }
}

fn read_case(case: Case, place: &Place<'_>) -> Document {
    let mut document = document(&INFO, place, case.id, case.text);
    document.license = spdx(&case.licence);
    // The corpus leaves blanks around and inside of names.
    let name = |author: Author| author.author.split_whitespace().collect::<Vec<_>>().join(" ");
    document.authors = case.authors.into_iter().map(name).collect();
    document.reference = if case.doi.is_empty() { case.url } else { case.doi };
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceRow;
    use crate::source::fixture::read;

    #[test]
    fn a_case_keeps_its_authors_doi_and_licence() {
        let text = r#"{"id": "FR1", "text": "Un homme de 55 ans.", "authors": [{"author": " Issam  Serghini"}],
            "doi": "10.1/x", "url": "", "licence": "CC BY 4.0", "language": "fr"}"#;
        let rows = read(&E3c, &[("FR1.json", text), ("FR2.json", "{"), ("FR3.json", "")]).unwrap();
        let documents: Vec<&Document> = rows
            .iter()
            .filter_map(|row| if let SourceRow::Document(document) = row { Some(&**document) } else { None })
            .collect();
        assert_eq!((documents[0].authors[0].as_str(), documents[0].reference.as_str()), ("Issam Serghini", "10.1/x"));
        assert_eq!((documents[0].license.as_str(), documents[0].provenance.source_row), ("CC-BY-4.0", 1));
        let num_unreadable = rows.iter().filter(|row| matches!(row, SourceRow::Unreadable(_))).count();
        assert_eq!((documents.len(), num_unreadable), (1, 2));
    }
}
