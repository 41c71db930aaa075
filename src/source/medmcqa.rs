//! MedMCQA: questions of Indian medical entrance exams.
//!
//! The authors' rows are `id, question, opa, opb, opc, opd, cop, choice_type, exp, subject_name, topic_name`. The correct
//! option `cop` counts from 1 in the authors' JSON Lines and from 0 on the Hub, under the same name: which of the two a file
//! has is decided from all of its rows, a 0 or a 4 being in one of them only. Rows without a gold (the test split) have `cop`
//! −1 or none. Another variant, of MedXpertQA's authors, has the choices inside `question` and letters in `label`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::choices::{Letters, gold, gold_at, in_order, inside_question};
use super::formats::{Format, each_row, each_value, first_row};
use super::{Question, RowKind, Sink, Source, SourceFile, SourceFiles, SourceInfo, SourceRow, say};
use crate::record::{Choice, ChoiceLabel};
use crate::{Error, Result};

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Pal, A., Umapathi, L. K. and Sankarasubbu, M. (2022). MedMCQA: A Large-scale Multi-Subject Multi-Choice \
                    Dataset for Medical domain Question Answering. CHIL 2022. https://arxiv.org/abs/2203.14371";
    SourceInfo::new("medmcqa", RowKind::Originals, "MIT")
        .with_citation(citation, "https://github.com/medmcqa/medmcqa")
        .on_hub("openlifescienceai/medmcqa")
        .with_files(["train.json", "dev.json", "test.json", "*.jsonl", "data/*.parquet"])
});

/// The corpus.
#[derive(Debug)]
pub(super) struct MedMcqa;

#[derive(Deserialize)]
struct Row {
    id: String,
    question: String,
    opa: String,
    opb: String,
    opc: String,
    opd: String,
    cop: Option<i64>,
}

#[derive(Deserialize)]
struct InsideRow {
    id: String,
    question: String,
    label: Letters,
}

impl Source for MedMcqa {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let format = Format::of(file)?;
            let has_options = first_row(file, format)?.is_some_and(|first| first.contains_key("opa"));
            if has_options {
                read_options(files, (file, format), sink)?;
            } else {
                read_inside(files, (file, format), sink)?;
            }
        }
        Ok(())
    }
}

fn read_options(files: &SourceFiles, (file, format): (&SourceFile, Format), sink: &mut Sink<'_>) -> Result<()> {
    let first_place = first_place(file, format)?;
    let variant = match first_place {
        Some(from) => format!("MedMCQA, cop counted from {from}, {}", format.name()),
        None => format!("MedMCQA without gold, {}", format.name()),
    };
    say(file, &variant, sink)?;
    each_row(files, (file, format, &variant), sink, |row: Row, place| {
        let choices = in_order([row.opa, row.opb, row.opc, row.opd], "options")?;
        let labels = match (row.cop.filter(|cop| *cop != -1), first_place) {
            (Some(cop), Some(from)) => vec![gold_at(cop.saturating_sub(from), &choices, "cop")?],
            _ => Vec::new(),
        };
        Ok(original(row.id, row.question, choices, labels, place))
    })
}

fn read_inside(files: &SourceFiles, (file, format): (&SourceFile, Format), sink: &mut Sink<'_>) -> Result<()> {
    let variant = format!("MedMCQA with the choices inside the question, {}", format.name());
    say(file, &variant, sink)?;
    each_row(files, (file, format, &variant), sink, |row: InsideRow, place| {
        let (question, choices) = inside_question(&row.question)?;
        let labels = gold(&row.label.0, &choices, "label")?;
        Ok(original(row.id, question, choices, labels, place))
    })
}

fn original(
    id: String,
    text: String,
    choices: Vec<Choice>,
    labels: Vec<ChoiceLabel>,
    place: &super::Place<'_>,
) -> SourceRow {
    let question = Question::of_original(text, choices, labels, id);
    question.original(&INFO.name, &INFO.license, place.row_provenance()).into()
}

/// From which number `cop` counts in the whole file; `None` where no row has a gold.
///
/// # Errors
/// [`Error::Format`] where the rows do not tell.
fn first_place(file: &SourceFile, format: Format) -> Result<Option<i64>> {
    #[derive(Deserialize)]
    struct Gold {
        cop: Option<i64>,
    }
    let (mut is_labelled, mut has_zero, mut has_four) = (false, false, false);
    each_value(file, format, |_, row| {
        if let Ok((Gold { cop: Some(cop) }, _)) = row {
            is_labelled |= cop != -1;
            has_zero |= cop == 0;
            has_four |= cop == 4;
        }
        Ok(())
    })?;
    match (is_labelled, has_zero, has_four) {
        (false, ..) => Ok(None),
        (_, true, false) => Ok(Some(0)),
        (_, false, true) => Ok(Some(1)),
        (_, both, _) => {
            let found = if both { "both" } else { "neither" };
            let message = format!(
                "expected a cop of 0 (counted from 0) or of 4 (counted from 1), found {found}; give the whole file"
            );
            Err(Error::format(file.path(), message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::read;

    fn row(cop: &str) -> String {
        format!(r#"{{"id": "x", "question": "Which?", "opa": "a", "opb": "b", "opc": "c", "opd": "d", "cop": {cop}}}"#)
    }

    /// The notes and the gold of each row.
    fn golds(rows: &[&str]) -> Result<(String, Vec<String>)> {
        let text = rows.iter().map(|cop| row(cop)).collect::<Vec<_>>().join("\n");
        let mut rows = read(&MedMcqa, &[("dev.json", &text)])?.into_iter();
        let Some(SourceRow::Note(note)) = rows.next() else { panic!("no note") };
        let gold = |row| match row {
            SourceRow::Original(original) => format!("{:?}", original.answer_labels),
            other => format!("{other:?}"),
        };
        Ok((note.message, rows.map(gold).collect()))
    }

    #[test]
    fn the_place_of_the_gold_is_decided_from_the_whole_file() {
        let (note, found) = golds(&["1", "3", "0"]).unwrap();
        assert_eq!(
            (note.as_str(), found),
            ("MedMCQA, cop counted from 0, JSON Lines", vec!["[B]".into(), "[D]".into(), "[A]".into()])
        );
        let (note, found) = golds(&["1", "3", "4"]).unwrap();
        assert_eq!(
            (note.as_str(), found),
            ("MedMCQA, cop counted from 1, JSON Lines", vec!["[A]".into(), "[C]".into(), "[D]".into()])
        );
        let (note, found) = golds(&["-1", "null"]).unwrap();
        assert_eq!((note.as_str(), found), ("MedMCQA without gold, JSON Lines", vec!["[]".to_owned(), "[]".into()]));
        assert!(golds(&["1", "2"]).unwrap_err().to_string().contains("found neither; give the whole file"));
        assert!(golds(&["0", "4"]).unwrap_err().to_string().contains("found both"));
        assert!(golds(&["4", "9"]).unwrap().1[1].contains("cop: expected the place of one of 4 choices"));
    }

    #[test]
    fn choices_inside_the_question_are_taken_out() {
        let text =
            r#"{"id": "x", "question": "Which?\nAnswer Choices: (A) One (B) Two", "label": ["B"], "topic_name": null}"#;
        let rows = read(&MedMcqa, &[("dev.jsonl", text)]).unwrap();
        let Some(SourceRow::Original(original)) = rows.last() else { panic!("{rows:?}") };
        assert_eq!((original.question.as_str(), original.choices[1].text.as_str()), ("Which?", "Two"));
        assert!(original.provenance.lineage[0].detail.contains("inside the question"));
    }
}
