//! MedQA: questions of the United States medical licensing exam, with four or five options.
//!
//! JSON Lines: `question, answer, options{A..}, meta_info, answer_idx`, with `metamap_phrases` where there are four options,
//! and `realidx` where medagents-benchmark published them again. The number of options is told from the first row.

use std::sync::LazyLock;

use serde::Deserialize;

use super::choices::{Letters, Options, gold};
use super::formats::{Format, each_row, first_row};
use super::{Question, RowKind, Sink, Source, SourceFile, SourceFiles, SourceInfo, say};
use crate::Result;

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Jin, D., Pan, E., Oufattole, N., Weng, W.-H., Fang, H. and Szolovits, P. (2021). What Disease Does This \
                    Patient Have? A Large-Scale Open Domain Question Answering Dataset from Medical Exams. Applied \
                    Sciences 11(14). https://arxiv.org/abs/2009.13081";
    SourceInfo::new("medqa", RowKind::Originals, "MIT")
        .with_citation(citation, "https://github.com/jind11/MedQA")
        .on_hub("GBaker/MedQA-USMLE-4-options")
        .with_files(["*.jsonl", "US/*.jsonl", "US/4_options/*.jsonl", "data/*.parquet"])
});

/// The corpus.
#[derive(Debug)]
pub(super) struct MedQa;

#[derive(Deserialize)]
struct Row {
    question: String,
    options: Options,
    answer_idx: Letters,
    answer: Option<String>,
}

impl Source for MedQa {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let format = Format::of(file)?;
            let variant = variant(file, format)?;
            say(file, &variant, sink)?;
            let stem = file.name.rsplit_once('.').map_or(file.name.as_str(), |(stem, _)| stem);
            each_row(files, (file, format, &variant), sink, |row: Row, place| {
                let choices = row.options.choices("options")?;
                let labels = gold(&row.answer_idx.0, &choices, "answer_idx")?;
                let text = choices.iter().find(|choice| labels.contains(&choice.label)).map(|choice| &choice.text);
                if row.answer.is_some() && row.answer.as_ref() != text {
                    return Err(format!(
                        "answer: expected the text of the option {:?}, found {:?}",
                        labels, row.answer
                    ));
                }
                let question = Question::of_original(row.question, choices, labels, format!("{stem}/{}", place.row));
                Ok(question.original(&INFO.name, &INFO.license, place.row_provenance()).into())
            })?;
        }
        Ok(())
    }
}

fn variant(file: &SourceFile, format: Format) -> Result<String> {
    let Some(first) = first_row(file, format)? else { return Ok(format!("MedQA without rows, {}", format.name())) };
    let num_options =
        first.get("options").and_then(|options| options.as_object().map(serde_json::Map::len)).unwrap_or(0);
    let by = if first.contains_key("realidx") { ", as published again in medagents-benchmark" } else { "" };
    Ok(format!("MedQA with {num_options} options, {}{by}", format.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceRow;
    use crate::source::fixture::read;

    const ROW: &str = r#"{"question": "Which ion?", "answer": "K", "options": {"A": "Na", "B": "K"}, "meta_info": "step1", "answer_idx": "B"}"#;

    #[test]
    fn the_variant_is_told_from_the_first_row_and_said() {
        let again = ROW.replacen('{', "{\"realidx\": 0, ", 1);
        let rows = read(&MedQa, &[("test.jsonl", ROW), ("x.jsonl", &again)]).unwrap();
        let notes: Vec<&str> = rows
            .iter()
            .filter_map(|row| if let SourceRow::Note(note) = row { Some(note.message.as_str()) } else { None })
            .collect();
        assert_eq!(notes[0], "MedQA with 2 options, JSON Lines");
        assert_eq!(notes[1], "MedQA with 2 options, JSON Lines, as published again in medagents-benchmark");
        let SourceRow::Original(original) = &rows[1] else { panic!("{rows:?}") };
        assert_eq!((format!("{:?}", original.answer_labels).as_str(), original.source_id.as_str()), ("[B]", "test/1"));
        assert_eq!(original.provenance.lineage[0].detail, notes[0]);
    }

    #[test]
    fn an_answer_that_contradicts_its_letter_is_not_read() {
        let rows = read(&MedQa, &[("test.jsonl", &ROW.replace("\"answer\": \"K\"", "\"answer\": \"Na\""))]).unwrap();
        let Some(SourceRow::Unreadable(bad)) = rows.last() else { panic!("{rows:?}") };
        assert!(bad.detail.starts_with("answer: expected the text of the option [B]"), "{}", bad.detail);
    }
}
