//! MMLU-Pro: questions with up to ten options; the category `health` only.
//!
//! The Hub's parquet has `question_id, question, options, answer, answer_index, category, src`; the JSON Lines published
//! again in medagents-benchmark have options by letter and the gold in `answer_idx`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::choices::{Letters, Options, gold};
use super::columns::Id;
use super::formats::{Format, each_row, first_row};
use super::{Question, RowKind, Sink, Source, SourceFiles, SourceInfo, SourceRow, say};
use crate::Result;

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Wang, Y., Ma, X., Zhang, G. et al. (2024). MMLU-Pro: A More Robust and Challenging Multi-Task Language \
                    Understanding Benchmark. NeurIPS 2024. https://arxiv.org/abs/2406.01574";
    SourceInfo::new("mmlu_pro", RowKind::Originals, "Apache-2.0")
        .with_citation(citation, "https://github.com/TIGER-AI-Lab/MMLU-Pro")
        .on_hub("TIGER-Lab/MMLU-Pro")
        .with_files(["*.jsonl", "data/*.parquet"])
});

/// The one category that is read.
const CATEGORY: &str = "health";

/// The corpus.
#[derive(Debug)]
pub(super) struct MmluPro;

#[derive(Deserialize)]
struct Row {
    #[serde(alias = "realidx")]
    question_id: Id,
    question: String,
    options: Options,
    answer_idx: Option<Letters>,
    answer: String,
    category: String,
}

impl Source for MmluPro {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let format = Format::of(file)?;
            let by_letter = first_row(file, format)?.is_some_and(|first| first.contains_key("answer_idx"));
            let variant =
                format!("MMLU-Pro, options {}, {}", if by_letter { "by letter" } else { "in a list" }, format.name());
            say(file, &variant, sink)?;
            let mut num_others = 0_u64;
            let mut inner = |row| match row {
                // A row of another category is no row of this corpus.
                SourceRow::Note(_) => {
                    num_others += 1;
                    Ok(())
                }
                row => sink(row),
            };
            each_row(files, (file, format, &variant), &mut inner, |row: Row, place| {
                if row.category != CATEGORY {
                    return Ok(super::Note { file: String::new(), message: row.category }.into());
                }
                let choices = row.options.choices("options")?;
                // The Hub's column `answer` is the letter, the other variant's the text.
                let letters = row.answer_idx.unwrap_or_else(|| Letters::listed(&row.answer));
                let labels = gold(&letters.0, &choices, "answer")?;
                let question = Question::of_original(row.question, choices, labels, row.question_id.0);
                Ok(question.original(&INFO.name, &INFO.license, place.row_provenance()).into())
            })?;
            if num_others > 0 {
                say(file, format!("{num_others} rows of other categories than {CATEGORY} are passed over"), sink)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::read;

    #[test]
    fn both_variants_give_the_same_question() {
        let listed = r#"{"question_id": 1, "question": "Q?", "options": ["x", "y"], "answer": "B", "answer_index": 1, "category": "health"}"#;
        let lettered = r#"{"realidx": 1, "question": "Q?", "options": {"A": "x", "B": "y"}, "answer": "y", "answer_idx": "B", "category": "health"}"#;
        let id = |text| match read(&MmluPro, &[("test.jsonl", text)]).unwrap().pop() {
            Some(SourceRow::Original(original)) => original.id,
            other => panic!("{other:?}"),
        };
        assert_eq!(id(listed), id(lettered));
    }

    #[test]
    fn other_categories_are_passed_over_and_counted() {
        let text = r#"{"question_id": 1, "question": "Q?", "options": ["x"], "answer": "A", "category": "law"}"#;
        let rows = read(&MmluPro, &[("test.jsonl", text)]).unwrap();
        let [SourceRow::Note(_), SourceRow::Note(note)] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(note.message, "1 rows of other categories than health are passed over");
    }
}
