//! MedXpertQA, text part: expert questions with ten options, which stand inside the question once more.
//!
//! The authors' JSON Lines have `id, question, options[{letter, content}], label`; those of medagents-benchmark have options
//! by letter and the gold in `answer_idx`. The repetition is taken out of the question; a question whose repetition differs
//! from its options keeps it, and its lineage says so.

use std::sync::LazyLock;

use serde::Deserialize;

use super::choices::{Letters, Options, gold};
use super::columns::Id;
use super::formats::{Format, each_row, first_row};
use super::{Question, RowKind, Sink, Source, SourceFiles, SourceInfo, say};
use crate::Result;
use crate::record::{Choice, LineageStep};

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Zuo, Y., Qu, S., Li, Y. et al. (2025). MedXpertQA: Benchmarking Expert-Level Medical Reasoning and \
                    Understanding. ICML 2025. https://arxiv.org/abs/2501.18362";
    SourceInfo::new("medxpertqa", RowKind::Originals, "MIT")
        .with_citation(citation, "https://github.com/TsinghuaC3I/MedXpertQA")
        .on_hub("TsinghuaC3I/MedXpertQA")
        .with_files(["*.jsonl", "Text/*.jsonl", "Text/*.parquet"])
});

/// The corpus.
#[derive(Debug)]
pub(super) struct MedXpertQa;

#[derive(Deserialize)]
struct Row {
    #[serde(alias = "realidx")]
    id: Id,
    question: String,
    options: Options,
    #[serde(alias = "answer_idx")]
    label: Letters,
}

impl Source for MedXpertQa {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let format = Format::of(file)?;
            let is_again = first_row(file, format)?.is_some_and(|first| first.contains_key("answer_idx"));
            let by = if is_again { "as published again in medagents-benchmark" } else { "as the authors publish it" };
            let variant = format!("MedXpertQA {by}, {}", format.name());
            say(file, &variant, sink)?;
            each_row(files, (file, format, &variant), sink, |row: Row, place| {
                let choices = row.options.choices("options")?;
                let labels = gold(&row.label.0, &choices, "label")?;
                let (text, step) = without_choices(row.question, &choices);
                let mut provenance = place.row_provenance();
                provenance.lineage.push(LineageStep { step: "choices".to_owned(), detail: step.to_owned() });
                let question = Question::of_original(text, choices, labels, row.id.0);
                Ok(question.original(&INFO.name, &INFO.license, provenance).into())
            })?;
        }
        Ok(())
    }
}

/// The question without the choices that it repeats, and what was done.
fn without_choices(question: String, choices: &[Choice]) -> (String, &'static str) {
    let Some((before, repeated)) = question.rsplit_once("\nAnswer Choices: ") else {
        return (question, "the question repeats none");
    };
    let written: Vec<String> = choices.iter().map(|choice| format!("({}) {}", choice.label, choice.text)).collect();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    if words(repeated) == words(&written.join(" ")) {
        return (before.trim_end().to_owned(), "repetition taken out of the question");
    }
    (question, "repetition in the question differs from the choices and stays")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceRow;
    use crate::source::fixture::read;

    const ROW: &str = r#"{"id": "Text-1", "question": "Which?\nAnswer Choices: (A) One (B) Two", "label": ["B"],
        "options": [{"letter": "A", "content": "One"}, {"letter": "B", "content": "Two"}]}"#;

    fn original(text: &str) -> crate::record::Original {
        match read(&MedXpertQa, &[("test.jsonl", &text.replace('\n', " "))]).unwrap().pop() {
            Some(SourceRow::Original(original)) => *original,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn repeated_choices_are_taken_out() {
        let original = original(ROW);
        assert_eq!((original.question.as_str(), format!("{:?}", original.answer_labels).as_str()), ("Which?", "[B]"));
        assert!(original.provenance.lineage[0].detail.contains("as the authors publish it"));
    }

    #[test]
    fn a_repetition_that_differs_stays_and_that_is_said() {
        let original = original(&ROW.replace("(B) Two", "(B) Deux"));
        assert!(original.question.ends_with("(B) Deux"));
        assert!(original.provenance.lineage[1].detail.contains("differs"));
    }
}
