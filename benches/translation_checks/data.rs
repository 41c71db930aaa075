//! Aligned rows: MMLU with its translation, TICO-19 as open questions.

use std::collections::BTreeMap;
use std::path::Path;

use medinjection_fr::record::{
    Choice, ChoiceLabel, Origin, Original, Provenance, Record, RowProvenance, Split, Task, format_answer,
};

/// Subjects from which `lexicon/learn.py` learned.
const LEARNED: &[&str] =
    &["college_medicine", "high_school_biology", "high_school_psychology", "professional_psychology"];

/// Units of TICO-19's file whose French is another unit's.
const MISALIGNED: &[std::ops::Range<usize>] = &[462..735, 1085..1094, 1106..1121];

/// A translation and its original.
pub(crate) struct Row {
    pub(crate) record: Record,
    pub(crate) original: Original,
    /// Subject or set, and number.
    pub(crate) place: String,
}

impl Row {
    /// Both texts, side by side.
    pub(crate) fn shown(&self) -> String {
        let mut lines = vec![format!("    {} | {}", self.original.question, self.record.instruction)];
        let choices = self.original.choices.iter().zip(&self.record.choices);
        lines.extend(
            choices.map(|(english, french)| format!("    {} {} | {}", english.label, english.text, french.text)),
        );
        lines.join("\n")
    }
}

/// The rows of `directory`, the subjects they are of, and the subjects left out because the lexicon knows them.
pub(crate) fn mmlu(directory: &Path, all: bool) -> (Vec<Row>, Vec<String>, Vec<String>) {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix("_test.fr.csv")?.to_owned()))
        .filter(|subject| directory.join(format!("{subject}_test.csv")).is_file())
        .collect();
    names.sort();
    let (left_out, subjects): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|subject| !all && LEARNED.contains(&subject.as_str()));
    let mut rows = Vec::new();
    for subject in &subjects {
        let table = |ending: &str| cells_of(&directory.join(format!("{subject}_test{ending}")));
        for (index, (english, french)) in table(".csv").iter().zip(&table(".fr.csv")).enumerate() {
            let cells = |row: &csv::StringRecord| -> Vec<String> { row.iter().map(str::to_owned).collect() };
            rows.push(row(&cells(english), &cells(french), format!("{subject}:{}", index + 1)));
        }
    }
    (rows, subjects, left_out)
}

/// The texts of question and choices in `<subject>_test.reference.csv`, row by row; `None` where there is no such file.
pub(crate) fn references(directory: &Path, rows: &[Row]) -> Vec<Option<Vec<String>>> {
    let mut tables: BTreeMap<String, Vec<csv::StringRecord>> = BTreeMap::new();
    let reference = |row: &Row| {
        let (subject, number) = row.place.split_once(':').unwrap();
        let table = tables.entry(subject.to_owned()).or_insert_with(|| {
            let path = directory.join(format!("{subject}_test.reference.csv"));
            if path.is_file() { cells_of(&path) } else { Vec::new() }
        });
        let cells = table.get(number.parse::<usize>().unwrap() - 1)?;
        Some(cells.iter().take(1 + row.record.choices.len()).map(str::to_owned).collect())
    };
    rows.iter().map(reference).collect()
}

fn cells_of(path: &Path) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).unwrap();
    reader.records().map(Result::unwrap).collect()
}

/// The units of TICO-19 from which the lexicon was not learned, or all; those that are aligned, and those that are not.
pub(crate) fn tico(path: &Path, all: bool) -> (Vec<Row>, Vec<Row>) {
    let text = std::fs::read_to_string(path).unwrap();
    let segment = |unit: &str| {
        let segment = unit.split("<seg>").nth(1).unwrap().split("</seg>").next().unwrap();
        let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
        plain.iter().fold(segment.to_owned(), |text, (entity, sign)| text.replace(entity, sign))
    };
    let units = text.split("<tuv xml:lang=\"en\">").skip(1).enumerate();
    let units = units.filter(|(index, _)| all || index % 3 == 0 || is_misaligned(*index));
    let rows = units.map(|(index, unit)| {
        let (english, french) = unit.split_once("<tuv xml:lang=\"fr\">").unwrap();
        (is_misaligned(index), row(&[segment(english)], &[segment(french)], format!("tico19:{index}")))
    });
    let (misaligned, aligned): (Vec<_>, Vec<_>) = rows.partition(|(misaligned, _)| *misaligned);
    let rows = |rows: Vec<(bool, Row)>| rows.into_iter().map(|(_, row)| row).collect();
    (rows(aligned), rows(misaligned))
}

fn is_misaligned(index: usize) -> bool {
    MISALIGNED.iter().any(|stretch| stretch.contains(&index))
}

/// A row of question, choices and letter, or of one text.
fn row(english: &[String], french: &[String], place: String) -> Row {
    let choices = |cells: &[String]| -> Vec<Choice> {
        let texts = cells.iter().skip(1).take(cells.len().saturating_sub(2)).enumerate();
        texts
            .map(|(index, text)| Choice { label: ChoiceLabel::from_index(index).unwrap(), text: text.clone() })
            .collect()
    };
    let labels = |cells: &[String]| -> Vec<ChoiceLabel> {
        cells.iter().skip(1).last().map(|letter| letter.trim().parse().unwrap()).into_iter().collect()
    };
    let task = if english.len() == 1 { Task::Oeq } else { Task::Mcqu };
    let answer_labels = labels(french);
    let record = Record {
        id: place.clone(),
        instruction: french[0].clone(),
        context: String::new(),
        choices: choices(french),
        answer: format_answer(&answer_labels),
        answer_labels,
        task,
        origin: Origin::Translated,
        split: Split::Test,
        source: String::new(),
        source_id: String::new(),
        group_id: place.clone(),
        license: String::new(),
        provenance: Provenance::default(),
        languages: Vec::new(),
        findings: Vec::new(),
    };
    let original = Original {
        id: place.clone(),
        question: english[0].clone(),
        context: String::new(),
        choices: choices(english),
        answer_labels: labels(english),
        task,
        source: String::new(),
        source_id: String::new(),
        license: String::new(),
        provenance: RowProvenance::default(),
    };
    Row { record, original, place }
}
