//! MMLU-FR: MMLU's CSV files with their machine translation, row by row.
//!
//! `<subject>_test.fr.csv` stands beside the English `<subject>_test.csv`: row `n` translates row `n`, which is checked by
//! the number of rows and by the gold letters. Where a French file stands alone (`dev`), its records name no original.

use super::formats::{csv_rows, unreadable_csv};
use super::{Sink, Source, SourceFile, SourceFiles, SourceInfo, SourceRow, Unreadable, provenance};
use crate::record::{
    Choice, ChoiceLabel, Origin, Original, Record, Split, Task, Translation, format_answer, short_hash,
};
use crate::text::fold;
use crate::{Error, Result};

const INFO: SourceInfo = SourceInfo {
    name: "mmlu_fr",
    origin: Origin::Translated,
    license: "MIT",
    citation: "Hendrycks, D., Burns, C., Basart, S., Zou, A., Mazeika, M., Song, D. and Steinhardt, J. (2021). Measuring \
               Massive Multitask Language Understanding. ICLR 2021. https://arxiv.org/abs/2009.03300. French translation: \
               OpenNMT-py, eval_llm.",
    homepage: "https://github.com/OpenNMT/OpenNMT-py/tree/master/eval_llm",
    hub_repository: "",
    file_patterns: &["*_test.fr.csv", "*_dev.fr.csv", "*_test.csv", "*_dev.csv"],
};

/// Name of the English corpus, in its originals.
const ENGLISH: &str = "mmlu";

/// The corpus.
#[derive(Debug)]
pub(super) struct MmluFr;

impl Source for MmluFr {
    fn info(&self) -> &'static SourceInfo {
        &INFO
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for french in files.iter() {
            let Some(stem) = french.name.strip_suffix(".fr.csv") else { continue };
            let english = files.get(&format!("{stem}.csv"));
            let originals = match english {
                Some(english) => aligned_originals(french, english, stem, sink)?,
                None => Vec::new(),
            };
            csv_rows(french, |row, fields| {
                let original = english.map(|file| (file, &originals[index(row)]));
                let found =
                    fields.and_then(|fields| record(&Place { files, file: french, row, stem }, &fields, original));
                sink(found.map_or_else(SourceRow::Unreadable, |record| SourceRow::Record(Box::new(record))))
            })?;
        }
        Ok(())
    }
}

/// Where a French row stands.
struct Place<'a> {
    files: &'a SourceFiles,
    file: &'a SourceFile,
    row: u64,
    stem: &'a str,
}

/// What the six columns hold.
struct Question {
    text: String,
    choices: Vec<Choice>,
    gold: ChoiceLabel,
}

fn index(row: u64) -> usize {
    usize::try_from(row - 1).unwrap_or(usize::MAX)
}

/// The originals of the English file by row, given to the sink; `None` where a row cannot be read.
fn aligned_originals(
    french: &SourceFile,
    english: &SourceFile,
    stem: &str,
    sink: &mut Sink<'_>,
) -> Result<Vec<Option<Original>>> {
    let mut originals = Vec::new();
    csv_rows(english, |row, fields| {
        let parsed = fields.and_then(|fields| question(english, row, &fields));
        let original = parsed.map(|question| original(question, &format!("{stem}/{row}")));
        originals.push(original.as_ref().ok().cloned());
        sink(original.map_or_else(SourceRow::Unreadable, |original| SourceRow::Original(Box::new(original))))
    })?;
    let mut num_rows = 0_usize;
    csv_rows(french, |_, _| {
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

fn question(file: &SourceFile, row: u64, fields: &[String]) -> Result<Question, Unreadable> {
    let wrong = |detail: &str| unreadable_csv(file, row, detail, fields);
    let [question, a, b, c, d, letter] = fields else {
        return Err(wrong(&format!("expected 6 columns (question, four choices, letter), found {}", fields.len())));
    };
    let choices = ('A'..='D')
        .zip([a, b, c, d])
        .filter_map(|(letter, text)| Some(Choice { label: ChoiceLabel::try_from(letter).ok()?, text: text.clone() }));
    let choices: Vec<Choice> = choices.collect();
    let gold = letter.parse().ok().filter(|gold| choices.iter().any(|choice| choice.label == *gold));
    let gold =
        gold.ok_or_else(|| wrong(&format!("expected a letter from A to D in the last column, found {letter:?}")))?;
    Ok(Question { text: question.clone(), choices, gold })
}

fn original(question: Question, source_id: &str) -> Original {
    let Question { text: question, choices, gold } = question;
    let texts: Vec<&str> = choices.iter().map(|choice| choice.text.as_str()).collect();
    let content = serde_json::json!([ENGLISH, source_id, question, texts, gold]);
    Original {
        id: short_hash(content.to_string().as_bytes()),
        question,
        context: String::new(),
        choices,
        answer_labels: vec![gold],
        task: Task::Mcqu,
        source: ENGLISH.to_owned(),
        source_id: source_id.to_owned(),
        license: INFO.license.to_owned(),
    }
}

fn record(
    place: &Place<'_>,
    fields: &[String],
    original: Option<(&SourceFile, &Option<Original>)>,
) -> Result<Record, Unreadable> {
    let Place { files, file, row, stem } = *place;
    let Question { text: question, choices, gold } = question(file, row, fields)?;
    let original = match original {
        None => None,
        Some((_, Some(original))) => Some(original),
        Some((english, None)) => {
            let detail = format!("expected an original that can be read on row {row} of {}", english.name);
            return Err(unreadable_csv(file, row, &detail, fields));
        }
    };
    if let Some(expected) = original.and_then(|original| original.answer_labels.first()).filter(|label| **label != gold)
    {
        let detail = format!("expected the gold letter of the original, {expected}, found {gold}");
        return Err(unreadable_csv(file, row, &detail, fields));
    }
    let group_id = match original {
        Some(original) => group_id(&original.question, &original.choices),
        None => group_id(&question, &choices),
    };
    let mut provenance = provenance(files.revision(), &file.name, row, "MMLU CSV");
    provenance.translation = Some(Translation {
        original_id: original.map(|original| original.id.clone()).unwrap_or_default(),
        engine: "machine translation published with OpenNMT-py".to_owned(),
        ..Translation::default()
    });
    let mut record = Record {
        id: String::new(),
        instruction: question,
        context: String::new(),
        choices,
        answer_labels: vec![gold],
        answer: format_answer(&[gold]),
        task: Task::Mcqu,
        origin: INFO.origin,
        split: if stem.ends_with("_dev") { Split::Validation } else { Split::Test },
        source: INFO.name.to_owned(),
        source_id: format!("{stem}/{row}"),
        group_id,
        license: INFO.license.to_owned(),
        provenance,
        languages: Vec::new(),
        findings: Vec::new(),
    };
    record.id = record.content_id();
    Ok(record)
}

/// The group of an original: many questions of MMLU are only "Which of the following is true?", so the choices count.
fn group_id(question: &str, choices: &[Choice]) -> String {
    let texts: Vec<String> = choices.iter().map(|choice| fold(&choice.text)).collect();
    let content = format!("{}\n{}", fold(question), texts.join("\n"));
    format!("{}/{}", INFO.name, short_hash(content.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &'static str)]) -> Result<Vec<SourceRow>> {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        let mut rows = Vec::new();
        MmluFr.read(&SourceFiles::embedded(&files), &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
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
