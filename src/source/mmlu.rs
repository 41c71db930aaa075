//! MMLU: the authors' CSV files, and the Hub's parquet files.
//!
//! The CSV files have no header and six columns: question, four choices, gold letter. The parquet files have `question`,
//! `subject`, `choices` and `answer`, the place of the gold counted from 0.

use std::sync::LazyLock;

use serde::Deserialize;

use super::formats::{Format, csv_rows, each_row, joined};
use super::{Place, Question, RowKind, Sink, Source, SourceFiles, SourceInfo, SourceRow, choices, say};
use crate::Result;
use crate::record::{Choice, ChoiceLabel, Original};

/// Name of the corpus, in its originals.
const NAME: &str = "mmlu";
/// Its licence.
const LICENSE: &str = "MIT";
/// What its CSV files are called.
pub(super) const CSV: &str = "MMLU CSV";
/// What its parquet files are called.
const HUB: &str = "MMLU parquet of the Hub";
/// The paper that presents it.
pub(super) const CITATION: &str = "Hendrycks, D., Burns, C., Basart, S., Zou, A., Mazeika, M., Song, D. and Steinhardt, J. (2021). Measuring Massive \
     Multitask Language Understanding. ICLR 2021. https://arxiv.org/abs/2009.03300.";

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    SourceInfo::new(NAME, RowKind::Originals, LICENSE)
        .with_citation(CITATION, "https://github.com/hendrycks/test")
        .on_hub("cais/mmlu")
        .with_files([
            "*_test.csv",
            "*_val.csv",
            "*_dev.csv",
            "*/*_test.csv",
            "*/*_val.csv",
            "*/*_dev.csv",
            "*/*.parquet",
        ])
});

/// The corpus.
#[derive(Debug)]
pub(super) struct Mmlu;

/// A row of the Hub.
#[derive(Deserialize)]
struct HubRow {
    question: String,
    choices: Vec<String>,
    answer: i64,
}

/// What the six columns hold.
pub(super) struct Columns {
    /// The question.
    pub(super) text: String,
    /// The four choices.
    pub(super) choices: Vec<Choice>,
    /// The gold letter.
    pub(super) gold: ChoiceLabel,
}

impl Source for Mmlu {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let stem = file.name.rsplit_once('.').map_or(file.name.as_str(), |(stem, _)| stem);
            if Format::of(file)? == Format::Parquet {
                say(file, HUB, sink)?;
                each_row(files, (file, Format::Parquet, HUB), sink, |row: HubRow, place| {
                    let choices = choices::in_order(row.choices, "choices")?;
                    let gold = choices::gold_at(row.answer, &choices, "answer")?;
                    Ok(original(Columns { text: row.question, choices, gold }, stem, place).into())
                })?;
                continue;
            }
            say(file, CSV, sink)?;
            csv_rows(file, b',', |row, fields| {
                let place = Place { revision: files.revision(), file, row, format: CSV };
                sink(match fields {
                    Ok(fields) => columns(&fields).map_or_else(
                        |detail| place.unreadable(detail, joined(&fields, b',').as_bytes()).into(),
                        |columns| SourceRow::from(original(columns, stem, &place)),
                    ),
                    Err(unreadable) => unreadable.into(),
                })
            })?;
        }
        Ok(())
    }
}

/// The columns of a row.
///
/// # Errors
/// What was expected and what was found.
pub(super) fn columns(fields: &[String]) -> Result<Columns, String> {
    let [question, a, b, c, d, letter] = fields else {
        return Err(format!("expected 6 columns (question, four choices, letter), found {}", fields.len()));
    };
    let choices = choices::in_order([a, b, c, d].map(String::clone), "choices")?;
    let gold = letter.parse().ok().filter(|gold| choices.iter().any(|choice| choice.label == *gold));
    let gold = gold.ok_or_else(|| format!("expected a letter from A to D in the last column, found {letter:?}"))?;
    Ok(Columns { text: question.clone(), choices, gold })
}

/// The original on the row of a file called `stem`.
pub(super) fn original(columns: Columns, stem: &str, place: &Place<'_>) -> Original {
    let question =
        Question::of_original(columns.text, columns.choices, vec![columns.gold], format!("{stem}/{}", place.row));
    question.original(NAME, LICENSE, place.row_provenance())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Task;
    use crate::source::fixture::read;

    #[test]
    fn a_row_becomes_an_original_with_its_place() {
        let rows =
            read(&Mmlu, &[("anatomy_val.csv", "Which bone?,Tibia,Ulna,Radius,Femur,B\nWhich?,a,b,c,A\n")]).unwrap();
        let [SourceRow::Note(note), SourceRow::Original(original), SourceRow::Unreadable(bad)] = &rows[..] else {
            panic!("{rows:?}")
        };
        assert_eq!((note.message.as_str(), original.source_id.as_str()), (CSV, "anatomy_val/1"));
        assert_eq!((original.provenance.source_file.as_str(), original.provenance.source_row), ("anatomy_val.csv", 1));
        assert_eq!((format!("{:?}", original.answer_labels).as_str(), original.task), ("[B]", Task::Mcqu));
        assert_eq!((bad.row, bad.raw.as_str()), (2, "\"Which?\",\"a\",\"b\",\"c\",\"A\""));
    }
}
