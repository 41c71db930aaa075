//! MMLU-FR: MMLU's CSV files with their machine translation, row by row.
//!
//! `<subject>_test.fr.csv` stands beside the English `<subject>_test.csv`: row `n` translates row `n`, which is checked by
//! the number of rows and by the gold letters. Where a French file stands alone (`dev`), its records name no original.

use std::sync::LazyLock;

use super::formats::{csv_rows, joined};
use super::mmlu::{CITATION, CSV, Columns, columns, original};
use super::{
    Answer, Place, Question, RowKind, Sink, Source, SourceFile, SourceFiles, SourceInfo, SourceRow, Unreadable,
};
use crate::record::{Choice, Origin, Original, Record, Split, Task, Translation};
use crate::text::fold;
use crate::{Error, Result};

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let homepage = "https://github.com/OpenNMT/OpenNMT-py/tree/master/eval_llm";
    SourceInfo::new("mmlu_fr", RowKind::Records(Origin::Translated), "MIT")
        .with_citation(format!("{CITATION} French translation: OpenNMT-py, eval_llm."), homepage)
        .with_files(["*_test.fr.csv", "*_dev.fr.csv", "*_test.csv", "*_dev.csv"])
});

/// The corpus.
#[derive(Debug)]
pub(super) struct MmluFr;

impl Source for MmluFr {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    /// A subject, in both languages.
    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name.strip_suffix(".fr.csv").or_else(|| file_name.strip_suffix(".csv")).unwrap_or(file_name))
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for french in files.iter() {
            let Some(stem) = french.name.strip_suffix(".fr.csv") else { continue };
            let english = files.get(&format!("{stem}.csv"));
            let originals = match english {
                Some(english) => aligned_originals(files, (french, english), stem, sink)?,
                None => Vec::new(),
            };
            csv_rows(french, b',', |row, fields| {
                let original = english.map(|file| (file, &originals[index(row)]));
                let place = Place { revision: files.revision(), file: french, row, format: CSV };
                let found = fields.and_then(|fields| {
                    let record = columns(&fields).and_then(|columns| record(&place, columns, stem, original));
                    record.map_err(|detail| place.unreadable(detail, joined(&fields, b',').as_bytes()))
                });
                sink(found.map_or_else(SourceRow::from, SourceRow::from))
            })?;
        }
        Ok(())
    }
}

fn index(row: u64) -> usize {
    usize::try_from(row - 1).unwrap_or(usize::MAX)
}

/// The originals of the English file by row, given to the sink; `None` where a row cannot be read.
fn aligned_originals(
    files: &SourceFiles,
    (french, english): (&SourceFile, &SourceFile),
    stem: &str,
    sink: &mut Sink<'_>,
) -> Result<Vec<Option<Original>>> {
    let mut originals = Vec::new();
    csv_rows(english, b',', |row, fields| {
        let place = Place { revision: files.revision(), file: english, row, format: CSV };
        let original: Result<Original, Unreadable> = fields.and_then(|fields| {
            let columns = columns(&fields).map(|columns| original(columns, stem, &place));
            columns.map_err(|detail| place.unreadable(detail, joined(&fields, b',').as_bytes()))
        });
        originals.push(original.as_ref().ok().cloned());
        sink(original.map_or_else(SourceRow::from, SourceRow::from))
    })?;
    let mut num_rows = 0_usize;
    csv_rows(french, b',', |_, _| {
        num_rows += 1;
        Ok(())
    })?;
    if num_rows == originals.len() {
        return Ok(originals);
    }
    let message = format!(
        "expected the {} rows of its original {}, found {num_rows}; take both files from the same release",
        originals.len(),
        english.name
    );
    Err(Error::format(french.path(), message))
}

fn record(
    place: &Place<'_>,
    columns: Columns,
    stem: &str,
    original: Option<(&SourceFile, &Option<Original>)>,
) -> Result<Record, String> {
    let Columns { text, choices, gold } = columns;
    let original = match original {
        None => None,
        Some((_, Some(original))) => Some(original),
        Some((english, None)) => {
            return Err(format!("expected an original that can be read on row {} of {}", place.row, english.name));
        }
    };
    if let Some(expected) = original.and_then(|original| original.answer_labels.first()).filter(|label| **label != gold)
    {
        return Err(format!("expected the gold letter of the original, {expected}, found {gold}"));
    }
    let group = match original {
        Some(original) => group(&original.question, &original.choices),
        None => group(&text, &choices),
    };
    let mut provenance = place.provenance();
    provenance.translation = Some(Translation {
        original_id: original.map(|original| original.id.clone()).unwrap_or_default(),
        engine: "machine translation published with OpenNMT-py".to_owned(),
        ..Translation::default()
    });
    let question = Question {
        text,
        context: String::new(),
        choices,
        answer: Answer::Labels(vec![gold]),
        task: Some(Task::Mcqu),
        split: if stem.ends_with("_dev") { Split::Validation } else { Split::Test },
        source_id: format!("{stem}/{}", place.row),
        group,
    };
    Ok(question.record(&INFO, Origin::Translated, provenance))
}

/// The group of an original: many questions of MMLU are only "Which of the following is true?", so the choices count.
fn group(question: &str, choices: &[Choice]) -> String {
    let texts: Vec<String> = choices.iter().map(|choice| fold(&choice.text)).collect();
    format!("{}\n{}", fold(question), texts.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Result<Vec<SourceRow>> {
        crate::source::fixture::read(&MmluFr, files)
    }

    #[test]
    fn a_row_is_linked_to_its_original() {
        let rows = read(&[
            ("anatomy_test.fr.csv", "Quel os ?,Tibia,Ulna,Radius,\"Os,\nplat\",B"),
            ("anatomy_test.csv", "Which bone?,Tibia,Ulna,Radius,Flat bone,B\n"),
            ("anatomy_dev.fr.csv", "Quel nerf ?,a,b,c,d,A\n"),
        ])
        .unwrap();
        let [SourceRow::Record(alone), SourceRow::Original(original), SourceRow::Record(linked)] = &rows[..] else {
            panic!("{rows:?}")
        };
        let original_id = |record: &Record| record.provenance.translation.clone().unwrap().original_id;
        assert_eq!(original_id(linked), original.id);
        assert_eq!((original_id(alone).as_str(), alone.split), ("", Split::Validation));
        assert_eq!((linked.choices[3].text.as_str(), linked.source_id.as_str()), ("Os,\nplat", "anatomy_test/1"));
    }

    #[test]
    fn files_that_are_not_aligned_are_refused_by_name() {
        let refusal = read(&[("x_test.fr.csv", "q,a,b,c,d,A\n"), ("x_test.csv", "q,a,b,c,d,A\nr,a,b,c,d,B\n")]);
        let refusal = refusal.unwrap_err().to_string();
        assert!(
            refusal.starts_with("x_test.fr.csv: expected the 2 rows of its original x_test.csv, found 1"),
            "{refusal}"
        );
    }

    #[test]
    fn wrong_rows_are_rows() {
        let rows = read(&[
            ("x_test.fr.csv", "q,a,b,c,d,A\nq,a,b,c,d,E\nq,a,b\nq,a,b,c,d,C\n"),
            ("x_test.csv", "q,a,b,c,d,B\nq,a,b,c,d,A\nq,a,b,c,d,A\nq,a,b,c,A\n"),
        ])
        .unwrap();
        let details: Vec<&str> = rows
            .iter()
            .filter_map(|row| match row {
                SourceRow::Unreadable(unreadable) => Some(unreadable.detail.as_str()),
                _ => None,
            })
            .collect();
        let expected = [
            "expected 6 columns (question, four choices, letter), found 5",
            "expected the gold letter of the original, B, found A",
            "expected a letter from A to D in the last column, found \"E\"",
            "expected 6 columns (question, four choices, letter), found 3",
            "expected an original that can be read on row 4 of x_test.csv",
        ];
        assert_eq!(details, expected);
    }
}
