//! FrenchMedMCQA: multiple-choice questions of French pharmacy exams, in the authors' JSON lists.
//!
//! The task follows from the number of correct answers; the key `type` is absent in the test file and is not read.

use std::collections::BTreeMap;

use std::sync::LazyLock;

use serde::Deserialize;

use super::formats::{Format, each_row};
use super::{Answer, Place, Question, RowKind, Sink, Source, SourceFiles, SourceInfo, choices};
use crate::Result;
use crate::record::{Origin, Record, Split};
use crate::text::fold;

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Labrak, Y., Bazoge, A., Dufour, R., Daille, B., Gourraud, P.-A., Morin, E. and Rouvier, M. (2022). \
               FrenchMedMCQA: A French Multiple-Choice Question Answering Dataset for Medical domain. LOUHI 2022. \
               https://aclanthology.org/2022.louhi-1.5";
    SourceInfo::new("frenchmedmcqa", RowKind::Records(Origin::Native), "Apache-2.0")
        .with_citation(citation, "https://github.com/qanastek/FrenchMedMCQA")
        .on_hub("qanastek/frenchmedmcqa")
        .with_files(["train.json", "dev.json", "test.json", "data/train.json", "data/dev.json", "data/test.json"])
});

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
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let split = split(&file.name);
            let form = (file, Format::JsonList, "FrenchMedMCQA JSON list");
            each_row(files, form, sink, |row, place| Ok(record(row, split, place)?.into()))?;
        }
        Ok(())
    }
}

fn record(row: Row, split: Split, place: &Place<'_>) -> Result<Record, String> {
    let choices = choices::from_object(&row.answers, "answers")?;
    let labels = choices::gold(&row.correct_answers, &choices, "correct_answers")?;
    if let Some(expected) = row.nbr_correct_answers.filter(|expected| *expected != labels.len()) {
        return Err(format!(
            "correct_answers: expected {expected} as nbr_correct_answers says, found {}",
            labels.len()
        ));
    }
    let question = Question {
        // The same question with other choices is still the same question: it must not be learnt and then asked.
        group: fold(&row.question),
        text: row.question,
        context: String::new(),
        choices,
        answer: Answer::Labels(labels),
        task: None,
        split,
        source_id: row.id,
    };
    Ok(question.record(&INFO, Origin::Native, place.provenance()))
}

fn split(file_name: &str) -> Split {
    match file_name.rsplit('/').next() {
        Some("train.json") => Split::Train,
        Some("dev.json") => Split::Validation,
        _ => Split::Test,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Task;
    use crate::source::{SourceRow, Unreadable};

    const GOOD: &str = r#"{"id": "1", "question": "Quel ion ?", "answers": {"a": "Na", "b": "K", "c": "Cl"},
        "correct_answers": ["b"], "subject_name": "pharmacie", "nbr_correct_answers": 1}"#;

    fn read(name: &str, text: &str) -> Vec<SourceRow> {
        crate::source::fixture::read(&FrenchMedMcqa, &[(name, text)]).unwrap()
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
