//! The fields that the table is learned from, none of which is reported on.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::packages;
use crate::rows::{Row, frenchmedmcqa, json_lines, mmlu, text, tmx, with_choices_inside, with_options};
use crate::splits::{LEARNED_SUBJECTS, is_reported_half, is_reported_medmcqa};

/// What a field is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    French,
    English,
    /// The same in both.
    Both,
    /// Neither French nor English.
    Third,
}

/// One text to learn from.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) language: Language,
    pub(crate) text: String,
    pub(crate) weight: f32,
}

/// Everything, in a fixed order.
pub(crate) fn read(data: &Path, packages: &Path) -> Result<Vec<Field>, Box<dyn Error>> {
    let reported = reported_questions(data)?;
    let mut fields = Vec::new();
    aligned_mmlu(data, &mut fields)?;
    french(data, &reported, &mut fields)?;
    english(data, &reported, &mut fields)?;
    for (index, (english, french)) in tmx(&data.join("tico19/all.en-fr.tmx"))?.into_iter().enumerate() {
        if !is_reported_half(index) {
            fields.push(Field { language: Language::English, text: english, weight: 1.0 });
            fields.push(Field { language: Language::French, text: french, weight: 1.0 });
        }
    }
    mark_shared(&mut fields);
    packages::read(packages, &mut fields)?;
    fields.retain(|field| field.text.chars().any(char::is_alphabetic));
    Ok(fields)
}

/// A field that the data have in both languages tells neither.
fn mark_shared(fields: &mut [Field]) {
    let mut languages: BTreeMap<String, [bool; 2]> = BTreeMap::new();
    for field in fields.iter() {
        let found = languages.entry(folded(&field.text)).or_default();
        found[usize::from(field.language == Language::French)] |= field.language != Language::Both;
    }
    for field in fields {
        if languages[&folded(&field.text)] == [true, true] {
            field.language = Language::Both;
        }
    }
}

fn subjects(data: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut subjects = Vec::new();
    for entry in fs::read_dir(data.join("mmlu"))? {
        let name = entry?.file_name().into_string().unwrap_or_default();
        subjects.extend(name.strip_suffix("_test.csv").map(str::to_owned));
    }
    subjects.sort();
    Ok(subjects)
}

/// Questions of the rows that are reported on: a copy of one in another file is not learned from.
fn reported_questions(data: &Path) -> Result<BTreeSet<String>, Box<dyn Error>> {
    let mut rows = frenchmedmcqa(&data.join("frenchmedmcqa/train.json"))?;
    for subject in subjects(data)?.iter().filter(|subject| !LEARNED_SUBJECTS.contains(&subject.as_str())) {
        for suffix in ["_test.csv", "_test.fr.csv"] {
            rows.extend(mmlu(&data.join(format!("mmlu/{subject}{suffix}")))?);
        }
    }
    Ok(rows.iter().map(|row| folded(&row[0])).collect())
}

fn push(fields: &mut Vec<Field>, language: Language, texts: impl IntoIterator<Item = String>) {
    fields.extend(texts.into_iter().map(|text| Field { language, text, weight: 1.0 }));
}

fn aligned_mmlu(data: &Path, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    for subject in LEARNED_SUBJECTS {
        let file = |suffix: &str| data.join(format!("mmlu/{subject}{suffix}"));
        let aligned = mmlu(&file("_test.csv"))?.into_iter().zip(mmlu(&file("_test.fr.csv"))?);
        for (english, french) in aligned.flat_map(|(english, french)| english.into_iter().zip(french)) {
            if english.trim() == french.trim() {
                push(fields, Language::Both, [english]);
            } else {
                push(fields, Language::English, [english]);
                push(fields, Language::French, [french]);
            }
        }
        for (suffix, language) in [("_val.csv", Language::English), ("_dev.fr.csv", Language::French)] {
            if file(suffix).is_file() {
                push(fields, language, mmlu(&file(suffix))?.into_iter().flatten());
            }
        }
    }
    Ok(())
}

fn french(data: &Path, reported: &BTreeSet<String>, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    for split in ["dev", "test"] {
        let rows = frenchmedmcqa(&data.join(format!("frenchmedmcqa/{split}.json")))?;
        push(fields, Language::French, unreported(rows, reported));
    }
    let mut cases: Vec<PathBuf> =
        fs::read_dir(data.join("e3c_fr"))?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    cases.sort();
    for case in cases {
        let case: Value = serde_json::from_str(&fs::read_to_string(case)?)?;
        let sentences = text(&case["text"]);
        push(
            fields,
            Language::French,
            sentences.split_inclusive(['.', ';', '!', '?', '\n']).map(|sentence| sentence.trim().to_owned()),
        );
    }
    Ok(())
}

fn english(data: &Path, reported: &BTreeSet<String>, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    let read = |file: &str| json_lines(&data.join(file));
    let mut rows: Vec<Row> = Vec::new();
    rows.extend(read("medqa/test_4_options.jsonl")?.iter().map(with_options));
    let medmcqa = read("medmcqa/dev.jsonl")?;
    rows.extend(
        medmcqa
            .iter()
            .enumerate()
            .filter(|(index, _)| !is_reported_medmcqa(*index))
            .map(|(_, row)| with_choices_inside(row)),
    );
    rows.extend(
        read("mmlu_pro/health_test.jsonl")?
            .iter()
            .filter(|row| !is_reported_mmlu(&text(&row["src"])))
            .map(with_options),
    );
    rows.extend(read("medxpertqa/text_understanding.jsonl")?.iter().map(with_options));
    let abstracts: BTreeMap<String, Value> =
        serde_json::from_str(&fs::read_to_string(data.join("pubmedqa/ori_pqal.json"))?)?;
    for row in abstracts.values() {
        let contexts = row["CONTEXTS"].as_array().into_iter().flatten();
        rows.push([&row["QUESTION"], &row["LONG_ANSWER"]].into_iter().chain(contexts).map(text).collect());
    }
    push(fields, Language::English, unreported(rows, reported));
    Ok(())
}

/// Whether a row of MMLU-Pro comes from an MMLU subject that is not learned from.
fn is_reported_mmlu(source: &str) -> bool {
    source.strip_prefix("ori_mmlu-").is_some_and(|subject| !LEARNED_SUBJECTS.contains(&subject))
}

fn unreported(rows: Vec<Row>, reported: &BTreeSet<String>) -> impl Iterator<Item = String> {
    rows.into_iter().filter(|row| !reported.contains(&folded(&row[0]))).flatten()
}

/// The text in lower case with its letters and digits only, by which a row that is reported on is known elsewhere.
pub(crate) fn folded(text: &str) -> String {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}
