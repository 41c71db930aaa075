//! Questions that a model wrote from clinical cases: `questions.jsonl` beside `documents.jsonl`.
//!
//! The excerpt becomes the context of the record. Excerpt and evidence must stand in the case, letter for letter: a
//! question whose evidence cannot be found is not read.

use std::collections::BTreeMap;

use std::sync::LazyLock;

use serde::Deserialize;

use super::formats::{Format, each_row};
use super::license::spdx;
use super::{Answer, Place, Question, RowKind, Sink, Source, SourceFiles, SourceInfo, choices};
use crate::record::{Document, Origin, Record, Split, Synthesis, short_hash};
use crate::{Error, Result};

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Magnini, B., Altuna, B., Lavelli, A., Speranza, M. and Zanoli, R. (2020). The E3C Project: Collection and \
               Annotation of a Multilingual Corpus of Clinical Cases. CLiC-it 2020. https://ceur-ws.org/Vol-2769/paper_55.pdf. \
               The authors of each case stand in `documents/`.";
    SourceInfo::new("case_questions", RowKind::Records(Origin::Synthetic), "CC-BY-4.0")
        .with_citation(citation, "https://github.com/hltfbk/E3C-Corpus")
        .with_files(["documents.jsonl", "questions.jsonl"])
});

/// The corpus.
#[derive(Debug)]
pub(super) struct CaseQuestions;

#[derive(Deserialize)]
struct CaseRow {
    id: String,
    text: String,
    authors: Vec<String>,
    doi: String,
    licence: String,
}

#[derive(Deserialize)]
struct QuestionRow {
    source_id: String,
    document: String,
    question: String,
    excerpt: String,
    choices: BTreeMap<String, String>,
    correct_answers: Vec<String>,
    evidence: String,
}

impl Source for CaseQuestions {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        let (Some(documents), Some(questions)) = (files.get("documents.jsonl"), files.get("questions.jsonl")) else {
            let path = files.iter().next().map_or_else(Default::default, |file| file.path().to_path_buf());
            return Err(Error::format(path, "expected both documents.jsonl and questions.jsonl, found one of them"));
        };
        let mut cases = BTreeMap::new();
        let format = Format::JsonLines;
        each_row(files, (documents, format, "case questions, documents"), sink, |row, place| {
            let document = document(row, place);
            cases.insert(document.source_id.clone(), document.clone());
            Ok(document.into())
        })?;
        each_row(
            files,
            (questions, format, "case questions"),
            sink,
            |row, place| Ok(record(&cases, row, place)?.into()),
        )
    }
}

fn document(row: CaseRow, place: &Place<'_>) -> Document {
    let content = serde_json::json!([INFO.name, row.id, row.text]);
    Document {
        id: short_hash(content.to_string().as_bytes()),
        text: row.text,
        source: INFO.name.clone(),
        source_id: row.id,
        license: spdx(&row.licence),
        authors: row.authors,
        reference: row.doi,
        provenance: place.row_provenance(),
    }
}

fn record(cases: &BTreeMap<String, Document>, row: QuestionRow, place: &Place<'_>) -> Result<Record, String> {
    let case = cases.get(&row.document);
    let case = case.ok_or_else(|| format!("document: expected an id of documents.jsonl, found {:?}", row.document))?;
    for (key, passage) in [("excerpt", &row.excerpt), ("evidence", &row.evidence)] {
        if passage.trim().is_empty() || !case.text.contains(passage.as_str()) {
            return Err(format!("{key}: expected a passage of document {}, found {passage:?}", row.document));
        }
    }
    let choices = choices::from_object(&row.choices, "choices")?;
    let labels = choices::gold(&row.correct_answers, &choices, "correct_answers")?;
    let question = Question {
        text: row.question,
        context: row.excerpt,
        choices,
        answer: Answer::Labels(labels),
        task: None,
        split: Split::Train,
        source_id: row.source_id,
        group: String::new(),
    };
    let mut record = question.record(&INFO, Origin::Synthetic, place.provenance());
    record.group_id = format!("{}/{}", INFO.name, row.document);
    record.license.clone_from(&case.license);
    record.provenance.synthesis = Some(Synthesis {
        model: "claude (Anthropic)".to_owned(),
        prompt_version: "sample-1".to_owned(),
        task_name: "case_mcq".to_owned(),
        document_id: case.id.clone(),
        evidence: row.evidence,
    });
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceRow;

    const CASE: &str = r#"{"id": "FR1", "text": "Un homme de 55 ans tousse.", "authors": ["X"], "doi": "10.1/x",
        "url": "", "source": "", "publication_date": "", "licence": "CC BY 4.0"}"#;
    const QUESTION: &str = r#"{"source_id": "FR1-1", "document": "FR1", "question": "Quel signe ?",
        "excerpt": "homme de 55 ans tousse", "choices": {"A": "Toux", "B": "Fièvre"}, "correct_answers": ["A"], "evidence": "tousse"}"#;

    fn read(question: &str) -> Vec<SourceRow> {
        let line = |text: &str| text.replace('\n', " ");
        let files = [("documents.jsonl", line(CASE)), ("questions.jsonl", line(question))];
        let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
        crate::source::fixture::read(&CaseQuestions, &files).unwrap()
    }

    #[test]
    fn a_question_keeps_its_case_excerpt_and_evidence() {
        let rows = read(QUESTION);
        let [SourceRow::Document(document), SourceRow::Record(record)] = &rows[..] else { panic!("{rows:?}") };
        let synthesis = record.provenance.synthesis.as_ref().unwrap();
        assert_eq!((&synthesis.document_id, synthesis.evidence.as_str()), (&document.id, "tousse"));
        assert_eq!((record.context.as_str(), record.license.as_str()), ("homme de 55 ans tousse", "CC-BY-4.0"));
        assert_eq!((record.group_id.as_str(), record.split), ("case_questions/FR1", Split::Train));
    }

    #[test]
    fn evidence_that_is_not_in_the_case_makes_the_row_unreadable() {
        let detail = |question: String| match read(&question).pop() {
            Some(SourceRow::Unreadable(unreadable)) => unreadable.detail,
            other => panic!("{other:?}"),
        };
        let wrong = detail(QUESTION.replace(r#""evidence": "tousse""#, r#""evidence": "crache""#));
        assert_eq!(wrong, "evidence: expected a passage of document FR1, found \"crache\"");
        assert!(detail(QUESTION.replace(r#""document": "FR1""#, r#""document": "FR2""#)).contains("found \"FR2\""));
        assert!(detail(QUESTION.replace(r#"["A"]"#, r#"["C"]"#)).contains("expected letters among A, B"));
        assert!(detail("{".to_owned()).contains("expected a JSON object"));
    }
}
