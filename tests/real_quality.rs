//! Language, validation and duplicates measured on all of FrenchMedMCQA and of MMLU in both languages.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

#[path = "support/real_data.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use medinjection_fr::dedup::{DedupConfig, Deduplicator, Fingerprinter, Match, Verdict};
use medinjection_fr::language::{LONG_FIELD_LETTERS, detect, detect_fields, num_letters};
use medinjection_fr::record::{
    Choice, ChoiceLabel, Origin, Provenance, Reason, Record, Severity, Split, Task, format_answer,
};
use medinjection_fr::text::fold;
use medinjection_fr::validate::validate;
use support::real_data;

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

/// Number of records with each finding.
fn num_records_by_finding(records: &[Record]) -> BTreeMap<(Severity, Reason), usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        let mut found: Vec<_> = validate(record).iter().map(|finding| (finding.severity, finding.reason)).collect();
        found.sort_unstable();
        found.dedup();
        for finding in found {
            *counts.entry(finding).or_default() += 1;
        }
    }
    counts
}

/// Number of fields by length (long or not) and language.
fn num_fields_by_language(records: &[Record]) -> BTreeMap<(bool, String), usize> {
    let mut counts: BTreeMap<(bool, String), usize> = BTreeMap::new();
    for record in records {
        for (found, (_, text)) in detect_fields(record).into_iter().zip(record.text_fields()) {
            *counts.entry((num_letters(text) >= LONG_FIELD_LETTERS, found.language)).or_default() += 1;
        }
    }
    counts
}

/// Share of the long or short fields that are named `language`, in per mille.
fn per_mille(counts: &BTreeMap<(bool, String), usize>, long: bool, language: &str) -> usize {
    let whole: usize = counts.iter().filter(|((is_long, _), _)| *is_long == long).map(|(_, count)| count).sum();
    1000 * counts.get(&(long, language.to_owned())).unwrap_or(&0) / whole
}

#[test]
fn no_french_record_is_rejected_for_its_language_and_no_english_one_passes() {
    let Some(root) = real_data("no_french_record_is_rejected_for_its_language_and_no_english_one_passes") else {
        return;
    };
    let error = (Severity::Error, Reason::NotFrench);
    for french in [frenchmedmcqa(&root), mmlu(&root, ".fr.csv")] {
        assert_eq!(num_records_by_finding(&french).get(&error), None);
        let fields = num_fields_by_language(&french);
        eprintln!("{fields:?}");
        assert!(per_mille(&fields, true, "fr") >= 999 && per_mille(&fields, false, "fr") >= 930, "{fields:?}");
    }
    let english = mmlu(&root, "_test.csv");
    let num_found = num_records_by_finding(&english)[&error];
    assert!(1000 * num_found >= 995 * english.len(), "{num_found} of {}", english.len());
    let fields = num_fields_by_language(&english);
    eprintln!("{fields:?}");
    assert!(per_mille(&fields, true, "en") >= 995 && per_mille(&fields, false, "en") >= 930, "{fields:?}");
}

/// Sentences on which nothing was tuned.
#[test]
fn tico_19_is_told_apart() {
    let Some(root) = real_data("tico_19_is_told_apart") else { return };
    let text = std::fs::read_to_string(root.join("tico19/all.en-fr.tmx")).unwrap();
    let mut counts: BTreeMap<(&str, bool, String), usize> = BTreeMap::new();
    for unit in text.split("<tuv xml:lang=\"").skip(1) {
        let segment = unit.split("<seg>").nth(1).unwrap().split("</seg>").next().unwrap();
        let found = detect(segment);
        *counts.entry((&unit[..2], num_letters(segment) >= LONG_FIELD_LETTERS, found.language)).or_default() += 1;
    }
    eprintln!("{counts:?}");
    let share = |language: &str, long: bool, found: &str| {
        let whole: usize = counts.iter().filter(|((a, b, _), _)| *a == language && *b == long).map(|(_, n)| n).sum();
        1000 * counts.get(&(language, long, found.to_owned())).unwrap_or(&0) / whole
    };
    for language in ["fr", "en"] {
        let other = if language == "fr" { "en" } else { "fr" };
        assert!(share(language, true, language) >= 990 && share(language, true, other) <= 2, "{counts:?}");
        assert!(share(language, false, language) >= 900 && share(language, false, other) <= 10, "{counts:?}");
    }
}

#[test]
fn clean_corpora_have_few_findings() {
    let Some(root) = real_data("clean_corpora_have_few_findings") else { return };
    let records = frenchmedmcqa(&root);
    let mut native = num_records_by_finding(&records);
    // One threshold finds planted English at no more than 1 % of false alarms by field.
    let num_fields: usize = records.iter().map(|record| record.text_fields().len()).sum();
    let num_foreign = native.remove(&(Severity::Warning, Reason::NotFrench)).unwrap_or(0);
    assert!(100 * num_foreign <= num_fields, "{num_foreign} of {num_fields}");
    let expected =
        [((Severity::Warning, Reason::DuplicateChoice), 1), ((Severity::Warning, Reason::EncodingDamage), 182)];
    assert_eq!(native.into_iter().collect::<Vec<_>>(), expected);
    let translated = num_records_by_finding(&mmlu(&root, ".fr.csv"));
    assert_eq!(translated.get(&(Severity::Error, Reason::DuplicateChoice)), Some(&2));
    assert_eq!(translated.keys().filter(|(severity, _)| *severity == Severity::Error).count(), 1);
}

#[test]
fn the_known_duplicates_of_frenchmedmcqa_are_found() {
    let Some(root) = real_data("the_known_duplicates_of_frenchmedmcqa_are_found") else { return };
    let mut records = frenchmedmcqa(&root);
    let splits: BTreeMap<String, Split> = records.iter().map(|record| (record.id.clone(), record.split)).collect();
    // By question and choices alone: each record is its own group.
    for (index, record) in records.iter_mut().enumerate() {
        record.group_id = index.to_string();
    }
    let directory = tempfile::tempdir().unwrap();
    // By equality alone: nothing is nearly the same, and no n-gram leaks.
    let config = DedupConfig { near_threshold: 1.0, leak_threshold: 2.0, ..DedupConfig::default() };
    let fingerprinter = Fingerprinter::new(&config);
    let mut deduplicator = Deduplicator::create(directory.path(), config).unwrap();
    for record in &records {
        deduplicator.push(&record.id, record.split, &fingerprinter.fingerprint(record)).unwrap();
    }
    let verdicts = deduplicator.finish().unwrap().verdicts(2).unwrap();
    let mut found: BTreeMap<(Split, Split), usize> = BTreeMap::new();
    for (record, verdict) in records.iter().zip(verdicts.iter()) {
        if let Verdict::Duplicate { partner_id, .. } | Verdict::Leak { partner_id, why: Match::Question } = verdict {
            *found.entry((record.split, splits[&partner_id])).or_default() += 1;
        }
    }
    let expected = [
        ((Split::Train, Split::Train), 6),
        ((Split::Train, Split::Validation), 1),
        ((Split::Train, Split::Test), 1),
        ((Split::Validation, Split::Test), 1),
    ];
    assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
}
