//! The fields that are scored, by set.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;

use crate::rows::{Row, frenchmedmcqa, json_lines, mmlu, text, tmx, with_choices_inside, with_options};
use crate::splits::{LEARNED_SUBJECTS, is_reported_half, is_reported_medmcqa};

/// One field of a record.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) text: String,
    /// Whether it reads the same in the other language, so that there is no right answer.
    pub(crate) same: bool,
}

/// Question and choices of one record.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) set: &'static str,
    pub(crate) language: &'static str,
    pub(crate) fields: Vec<Field>,
}

impl Record {
    fn new(set: &'static str, language: &'static str, row: Row, same: impl Fn(usize, &str) -> bool) -> Self {
        let fields = row.into_iter().enumerate();
        let fields = fields.map(|(index, text)| Field { same: same(index, &text), text });
        Self { set, language, fields: fields.collect() }
    }
}

/// English and French records of a folder laid out like MMLU's, and the subjects that they are of: those that the table was
/// learned from are left out. An English record is followed by its translation.
pub(crate) fn aligned(folder: &Path) -> Result<(Vec<Record>, Vec<String>), Box<dyn Error>> {
    let mut subjects = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().into_string().unwrap_or_default();
        subjects.extend(name.strip_suffix("_test.csv").map(str::to_owned));
    }
    subjects.retain(|subject| {
        !LEARNED_SUBJECTS.contains(&subject.as_str()) && folder.join(format!("{subject}_test.fr.csv")).is_file()
    });
    subjects.sort();
    let mut records = Vec::new();
    for subject in &subjects {
        let english = mmlu(&folder.join(format!("{subject}_test.csv")))?;
        let french = mmlu(&folder.join(format!("{subject}_test.fr.csv")))?;
        for (english, french) in english.into_iter().zip(french) {
            let same: Vec<bool> =
                english.iter().zip(&french).map(|(left, right)| left.trim() == right.trim()).collect();
            let is_same = |index: usize, _: &str| same.get(index).copied().unwrap_or(false);
            records.push(Record::new("MMLU", "en", english, is_same));
            records.push(Record::new("MMLU", "fr", french, is_same));
        }
    }
    Ok((records, subjects))
}

/// Records of the other sets of `data` that the table was not learned from.
pub(crate) fn others(data: &Path) -> Result<Vec<Record>, Box<dyn Error>> {
    let (english, french) = (english_words(data)?, french_words(data)?);
    let is_english = |_: usize, text: &str| words(text).iter().all(|word| english.contains(word));
    let is_french = |_: usize, text: &str| words(text).iter().all(|word| french.contains(word));
    let mut records = Vec::new();
    for row in frenchmedmcqa(&data.join("frenchmedmcqa/train.json"))? {
        records.push(Record::new("FrenchMedMCQA train", "fr", row, is_english));
    }
    for (index, row) in json_lines(&data.join("medmcqa/dev.jsonl"))?.iter().enumerate() {
        if is_reported_medmcqa(index) {
            records.push(Record::new("MedMCQA held out", "en", with_choices_inside(row), is_french));
        }
    }
    for (index, (english, french)) in tmx(&data.join("tico19/all.en-fr.tmx"))?.into_iter().enumerate() {
        if is_reported_half(index) {
            records.push(Record::new("TICO-19 held out", "en", vec![english], |_, _| false));
            records.push(Record::new("TICO-19 held out", "fr", vec![french], |_, _| false));
        }
    }
    Ok(records)
}

/// Every word of the English questions and choices, all of them, also of those that are learned from.
fn english_words(data: &Path) -> Result<BTreeSet<String>, Box<dyn Error>> {
    let mut rows: Vec<Row> = Vec::new();
    for entry in fs::read_dir(data.join("mmlu"))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with("_test.csv") {
            rows.extend(mmlu(&path)?);
        }
    }
    for file in ["medqa/test_4_options.jsonl", "mmlu_pro/health_test.jsonl", "medxpertqa/text_understanding.jsonl"] {
        rows.extend(json_lines(&data.join(file))?.iter().map(with_options));
    }
    rows.extend(json_lines(&data.join("medmcqa/dev.jsonl"))?.iter().map(with_choices_inside));
    Ok(rows.iter().flatten().flat_map(|text| words(text)).collect())
}

/// Every word of the French exams and clinical cases, which no machine translated.
fn french_words(data: &Path) -> Result<BTreeSet<String>, Box<dyn Error>> {
    let mut rows: Vec<Row> = Vec::new();
    for split in ["train", "dev", "test"] {
        rows.extend(frenchmedmcqa(&data.join(format!("frenchmedmcqa/{split}.json")))?);
    }
    for entry in fs::read_dir(data.join("e3c_fr"))? {
        let case: serde_json::Value = serde_json::from_str(&fs::read_to_string(entry?.path())?)?;
        rows.push(vec![text(&case["text"])]);
    }
    Ok(rows.iter().flatten().flat_map(|text| words(text)).collect())
}

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower
        .split(|character: char| !character.is_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether some word has three letters.
pub(crate) fn has_word(text: &str) -> bool {
    text.split(|character: char| !character.is_alphabetic()).any(|word| word.chars().count() >= 3)
}

/// The column of the table for a field's length in characters.
pub(crate) fn cell(text: &str) -> &'static str {
    match text.trim().chars().count() {
        0..10 => "<10",
        10..40 => "10-39",
        _ => ">=40",
    }
}
