//! FrenchMedMCQA: multiple-choice questions of French pharmacy exams, in the authors' JSON lists.
//!
//! The task follows from the number of correct answers; the key `type` is absent in the test file and is not read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::formats::{json_list, json_row};
use super::{Sink, Source, SourceFile, SourceFiles, SourceInfo, SourceRow, choices, provenance};
use crate::Result;
use crate::record::{Origin, Record, Split, Task, format_answer, short_hash};
use crate::text::fold;

const INFO: SourceInfo = SourceInfo {
    name: "frenchmedmcqa",
    origin: Origin::Native,
    license: "Apache-2.0",
    citation: "Labrak, Y., Bazoge, A., Dufour, R., Daille, B., Gourraud, P.-A., Morin, E. and Rouvier, M. (2022). \
               FrenchMedMCQA: A French Multiple-Choice Question Answering Dataset for Medical domain. LOUHI 2022. \
               https://aclanthology.org/2022.louhi-1.5",
    homepage: "https://github.com/qanastek/FrenchMedMCQA",
    hub_repository: "qanastek/frenchmedmcqa",
    file_patterns: &["train.json", "dev.json", "test.json"],
};

/// The corpus.
#[derive(Debug)]
pub(super) struct FrenchMedMcqa;

/// One element of a list, as the authors publish it.
#[derive(Deserialize)]
struct Row {
    id: String,
    question: String,
    answers: BTreeMap<String, String>,
    correct_answers: Vec<String>,
    nbr_correct_answers: Option<usize>,
}

impl Source for FrenchMedMcqa {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            json_list(file, |row, value| {
                sink(json_row(file, row, &value, |value| {
                    Ok(SourceRow::Record(Box::new(record(files.revision(), file, row, value)?)))
                }))
            })?;
        }
        Ok(())
    }
}

fn record(revision: &str, file: &SourceFile, row_number: u64, value: &Value) -> Result<Record, String> {
    let row = Row::deserialize(value).map_err(|error| error.to_string())?;
    let choices = choices::from_object(&row.answers, "answers")?;
    let answer_labels = choices::gold(&row.correct_answers, &choices, "correct_answers")?;
    if let Some(expected) = row.nbr_correct_answers.filter(|expected| *expected != answer_labels.len()) {
        return Err(format!(
            "correct_answers: expected {expected} as nbr_correct_answers says, found {}",
            answer_labels.len()
        ));
    }
    let folded = fold(&row.question);
    let mut record = Record {
        id: String::new(),
        instruction: row.question,
        context: String::new(),
        choices,
        answer: format_answer(&answer_labels),
        task: if answer_labels.len() == 1 { Task::Mcqu } else { Task::Mcq },
        answer_labels,
        origin: INFO.origin,
        split: split(&file.name),
        source: INFO.name.to_owned(),
        source_id: row.id,
        // The same question with other choices is still the same question: it must not be learnt and then asked.
        group_id: format!("{}/{}", INFO.name, short_hash(folded.as_bytes())),
        license: INFO.license.to_owned(),
        provenance: provenance(revision, &file.name, row_number, "FrenchMedMCQA JSON list"),
        languages: Vec::new(),
        findings: Vec::new(),
    };
    record.id = record.content_id();
    Ok(record)
}

fn split(file_name: &str) -> Split {
    match file_name {
        "train.json" => Split::Train,
        "dev.json" => Split::Validation,
        _ => Split::Test,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Unreadable;

    const GOOD: &str = r#"{"id": "1", "question": "Quel ion ?", "answers": {"a": "Na", "b": "K", "c": "Cl"},
        "correct_answers": ["b"], "subject_name": "pharmacie", "nbr_correct_answers": 1}"#;

    fn read(name: &'static str, text: &str) -> Vec<SourceRow> {
        let files = SourceFiles::embedded(&[(name, Box::leak(text.as_bytes().into()))]);
        let mut rows = Vec::new();
        FrenchMedMcqa
            .read(&files, &mut |row| {
                rows.push(row);
                Ok(())
            })
            .unwrap();
        rows
    }

    fn detail(text: &str) -> String {
        match read("train.json", &format!("[{GOOD}, {text}]")).pop() {
            Some(SourceRow::Unreadable(Unreadable { row: 2, file, detail, .. })) if file == "train.json" => detail,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_row_becomes_a_record() {
        let rows = read("dev.json", &format!("[{GOOD}]"));
        let SourceRow::Record(record) = &rows[0] else { panic!("{rows:?}") };
        assert_eq!((record.instruction.as_str(), record.answer.as_str(), record.task), ("Quel ion ?", "B", Task::Mcqu));
        assert_eq!((record.split, record.choices.len(), record.provenance.source_row), (Split::Validation, 3, 1));
    }

    #[test]
    fn several_correct_answers_make_the_other_task() {
        let text = GOOD.replace(r#"["b"]"#, r#"["c", "a"]"#).replace("answers\": 1", "answers\": 2");
        let rows = read("test.json", &format!("[{text}]"));
        let SourceRow::Record(record) = &rows[0] else { panic!("{rows:?}") };
        assert_eq!((record.answer.as_str(), record.task, record.split), ("A, C", Task::Mcq, Split::Test));
    }

    #[test]
    fn a_row_that_cannot_be_read_says_what_was_expected_and_the_others_are_read() {
        assert_eq!(
            detail(&GOOD.replace(r#"["b"]"#, r#"["z"]"#)),
            "correct_answers: expected letters among A, B, C, found \"z\""
        );
        assert!(detail(&GOOD.replace(r#"["b"]"#, r#"["é"]"#)).contains("found \"é\""));
        assert!(
            detail(&GOOD.replace("\"a\":", "\"é\":")).contains("answers: expected a letter from A to Z, found 'é'")
        );
        assert!(detail(&GOOD.replace("question", "qestion")).contains("missing field `question`"));
        assert!(detail(&GOOD.replace("\"K\"", "7")).contains("invalid type: integer"));
        assert!(
            detail(&GOOD.replace("answers\": 1", "answers\": 2"))
                .contains("expected 2 as nbr_correct_answers says, found 1")
        );
        assert!(detail("null").contains("invalid type: null"));
    }
}
