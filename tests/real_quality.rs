//! Language, validation and duplicates measured on all of FrenchMedMCQA and of MMLU in both languages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use medinjection_fr::dedup::{Deduplicator, Verdict};
use medinjection_fr::language::{LONG_FIELD_LETTERS, detect_fields, num_letters};
use medinjection_fr::record::{
    Choice, ChoiceLabel, Origin, Provenance, Reason, Record, Severity, Split, Task, format_answer,
};
use medinjection_fr::text::fold;
use medinjection_fr::validate::validate;

/// The real data, or `None` after one line that says what is skipped.
fn data(test: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let root = std::env::var_os("MEDINJECTION_TEST_DATA").map_or(default, PathBuf::from);
    if root.join("frenchmedmcqa").is_dir() && root.join("mmlu").is_dir() {
        return Some(root);
    }
    eprintln!("SKIPPED {test}: no real data at {} (MEDINJECTION_TEST_DATA)", root.display());
    None
}

fn record(place: String, question: &str, choices: &[String], answer: &[ChoiceLabel], split: Split) -> Record {
    let choices = choices.iter().enumerate();
    Record {
        id: place,
        instruction: question.to_owned(),
        context: String::new(),
        choices: choices
            .map(|(index, text)| Choice { label: ChoiceLabel::from_index(index).unwrap(), text: text.clone() })
            .collect(),
        answer_labels: answer.to_vec(),
        answer: format_answer(answer),
        task: if answer.len() == 1 { Task::Mcqu } else { Task::Mcq },
        origin: Origin::Native,
        split,
        source: String::new(),
        source_id: String::new(),
        group_id: fold(question),
        license: String::new(),
        provenance: Provenance::default(),
        languages: Vec::new(),
        findings: Vec::new(),
    }
}

fn frenchmedmcqa(root: &Path) -> Vec<Record> {
    let mut records = Vec::new();
    for (file, split) in [("train", Split::Train), ("dev", Split::Validation), ("test", Split::Test)] {
        let text = std::fs::read_to_string(root.join(format!("frenchmedmcqa/{file}.json"))).unwrap();
        let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        for (index, row) in rows.iter().enumerate() {
            let choices: Vec<String> =
                ["a", "b", "c", "d", "e"].iter().map(|key| row["answers"][key].as_str().unwrap().to_owned()).collect();
            let letters = row["correct_answers"].as_array().unwrap().iter();
            let answer: Vec<ChoiceLabel> = letters.map(|letter| letter.as_str().unwrap().parse().unwrap()).collect();
            let place = format!("{file}:{}", index + 1);
            records.push(record(place, row["question"].as_str().unwrap(), &choices, &answer, split));
        }
    }
    records
}

fn mmlu(root: &Path, suffix: &str) -> Vec<Record> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root.join("mmlu")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_str().unwrap().ends_with(suffix));
    files.sort();
    let mut records = Vec::new();
    for file in files {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(&file).unwrap();
        for (index, row) in reader.records().enumerate() {
            let row: Vec<String> = row.unwrap().iter().map(str::to_owned).collect();
            let place = format!("{}:{}", file.file_name().unwrap().to_str().unwrap(), index + 1);
            records.push(record(place, &row[0], &row[1..5], &[row[5].parse().unwrap()], Split::Test));
        }
    }
    records
}

fn counts(name: &str, records: &[Record]) -> BTreeMap<(Severity, Reason), usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        if name == "mmlu_en"
            && !validate(record).iter().any(|f| f.reason == Reason::NotFrench && f.severity == Severity::Error)
        {
            eprintln!(
                "MISSED {} {:?} {:?}",
                record.id,
                record.instruction,
                record.choices.iter().map(|c| &c.text).collect::<Vec<_>>()
            );
            for l in detect_fields(record) {
                eprint!(" {} {:.2};", l.language, l.confidence);
            }
            eprintln!();
        }
        for finding in validate(record) {
            *counts.entry((finding.severity, finding.reason)).or_default() += 1;
            eprintln!(
                "{name} {} {:?} {} {}: {}",
                record.id, finding.severity, finding.reason, finding.field, finding.detail
            );
        }
    }
    eprintln!("{name} ({} records): {counts:?}", records.len());
    counts
}

/// Shares of the fields of one length class by the language named.
fn languages(name: &str, records: &[Record]) -> BTreeMap<(bool, String), usize> {
    let mut counts: BTreeMap<(bool, String), usize> = BTreeMap::new();
    for record in records {
        for (found, (_, text)) in detect_fields(record).into_iter().zip(record.text_fields()) {
            if std::env::var_os("SHOW").is_some() && found.language != "fr" {
                eprintln!("{name} {} {} {:.2} {text}", record.id, found.language, found.confidence);
            }
            *counts.entry((num_letters(text) >= LONG_FIELD_LETTERS, found.language)).or_default() += 1;
        }
    }
    eprintln!("{name} fields by (long, language): {counts:?}");
    counts
}

#[test]
fn measure() {
    let Some(root) = data("measure") else { return };
    for (name, records) in
        [("fmm", frenchmedmcqa(&root)), ("mmlu_fr", mmlu(&root, ".fr.csv")), ("mmlu_en", mmlu(&root, "_test.csv"))]
    {
        counts(name, &records);
        languages(name, &records);
    }
    let mut d = Deduplicator::new();
    for r in frenchmedmcqa(&root) {
        d.push(&r);
    }
    let mut c: BTreeMap<&str, usize> = BTreeMap::new();
    for v in d.verdicts() {
        *c.entry(match v {
            Verdict::Keep => "keep",
            Verdict::Duplicate { .. } => "dup",
            Verdict::Leak { .. } => "leak",
        })
        .or_default() += 1;
    }
    eprintln!("{c:?}");
}
