//! Recall of the translation checks on seeded corruptions, and false alarms on clean rows: one JSON line.
//!
//! `translation_checks DIR [--tico FILE] [--all] [--list]`, by `benches/translation_checks.sh`. DIR is laid out like MMLU-FR:
//! `<subject>_test.csv` beside `<subject>_test.fr.csv`. `--findings` prints only what is found in the rows as they are, and BLEU
//! and chrF where `<subject>_test.reference.csv` stands beside them. Rows of the subjects from which the lexicon was learned are left
//! out unless `--all`; `--list` prints what is found in clean rows, and the corrupted rows that pass, to stderr.

#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a benchmark may stop at once")]

mod ceiling;
mod corruption;
mod data;
mod random;

use std::collections::BTreeSet;
use std::time::Instant;

use ceiling::{Ceiling, Evidence};
use corruption::Corruption;
use data::Row;
use medinjection_fr::metrics::{BleuCounts, ChrfCounts};
use medinjection_fr::record::{Reason, Severity};
use medinjection_fr::validate::validate_translation;
use random::Random;
use serde_json::{Map, Value, json};

/// Seed of the corruptions.
const SEED: u64 = 42;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut directory, mut tico, mut all, mut list, mut findings) = (None, None, false, false, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--tico" => tico = arguments.next(),
            "--all" => all = true,
            "--list" => list = true,
            "--findings" => findings = true,
            _ => directory = Some(argument),
        }
    }
    let directory = directory.expect("usage: translation_checks DIR [--tico FILE] [--all] [--list]");
    let (rows, subjects, left_out) = data::mmlu(std::path::Path::new(&directory), all);
    assert!(!rows.is_empty(), "no aligned rows in {directory}");
    if findings {
        println!("{}", found(std::path::Path::new(&directory), &rows, list));
        return;
    }
    let clean: Vec<BTreeSet<(String, Reason)>> = rows.iter().map(errors).collect();
    let mut result = Map::new();
    result.insert("subjects".to_owned(), json!(subjects));
    result.insert("subjects_learned_from".to_owned(), json!(left_out));
    result.insert("clean".to_owned(), clean_rates(&rows, list));
    recalls(&rows, &clean, list, &mut result);
    if let Some(file) = tico {
        let (aligned, misaligned) = data::tico(std::path::Path::new(&file), all);
        result.insert("tico19".to_owned(), clean_rates(&aligned, list));
        result.insert("tico19_misaligned".to_owned(), clean_rates(&misaligned, false));
    }
    result.insert("rows_per_second".to_owned(), json!(rows_per_second(&rows)));
    println!("{}", Value::Object(result));
}

/// What is found in rows as they are, and how like their references they are, field by field.
fn found(directory: &std::path::Path, rows: &[Row], list: bool) -> Value {
    let mut report = clean_rates(rows, list);
    let (mut bleu, mut chrf, mut num_fields) = (BleuCounts::default(), ChrfCounts::default(), 0);
    for (row, reference) in rows.iter().zip(data::references(directory, rows)) {
        let Some(reference) = reference else { continue };
        let fields = |row: &Row| -> Vec<String> {
            let choices = row.record.choices.iter().map(|choice| choice.text.clone());
            std::iter::once(row.record.instruction.clone()).chain(choices).collect()
        };
        for (hypothesis, reference) in fields(row).iter().zip(&reference) {
            bleu.add(&BleuCounts::of(hypothesis, reference));
            chrf.add(&ChrfCounts::of(hypothesis, reference));
            num_fields += 1;
        }
    }
    if num_fields > 0 {
        report["against_reference"] = json!({
            "fields": num_fields,
            "bleu": bleu.score(),
            "chrf": chrf.chrf(),
            "chrf_plus_plus": chrf.chrf_plus_plus(),
        });
    }
    report
}

/// Field and reason of each error finding of a row.
fn errors(row: &Row) -> BTreeSet<(String, Reason)> {
    let found = validate_translation(&row.record, &row.original).into_iter();
    found.filter(|finding| finding.severity == Severity::Error).map(|finding| (finding.field, finding.reason)).collect()
}

/// Shares of rows that have an error, and that have a warning and no error, and how many of each reason.
fn clean_rates(rows: &[Row], list: bool) -> Value {
    let (mut num_errors, mut num_warnings) = (0, 0);
    let mut reasons: Map<String, Value> = Map::new();
    for row in rows {
        let findings = validate_translation(&row.record, &row.original);
        let worst = findings.iter().map(|finding| finding.severity).max();
        num_errors += usize::from(worst == Some(Severity::Error));
        num_warnings += usize::from(worst == Some(Severity::Warning));
        let mut counted = BTreeSet::new();
        for finding in &findings {
            if list {
                eprintln!(
                    "CLEAN {} {} {} {}: {}",
                    row.place, finding.severity, finding.reason, finding.field, finding.detail
                );
            }
            if counted.insert((finding.severity, finding.reason)) {
                let key = format!("{} {}", finding.severity, finding.reason);
                let count = reasons.get(&key).and_then(Value::as_u64).unwrap_or(0) + 1;
                reasons.insert(key, json!(count));
            }
        }
        if list && worst == Some(Severity::Error) {
            eprintln!("{}", row.shown());
        }
    }
    json!({
        "rows": rows.len(),
        "share_with_errors": share(num_errors, rows.len()),
        "share_with_warnings_only": share(num_warnings, rows.len()),
        "reasons": reasons,
    })
}

/// Recall of each corruption, seeded where it is possible; a row is caught if it has an error that its clean row has not.
fn recalls(rows: &[Row], clean: &[BTreeSet<(String, Reason)>], list: bool, result: &mut Map<String, Value>) {
    let mut by_kind = Map::new();
    let mut recalls = Vec::new();
    let mut ceiling = Ceiling::default();
    for corruption in Corruption::ALL {
        let (mut num_rows, mut num_caught) = (0, 0);
        for (row, known) in rows.iter().zip(clean) {
            let mut random = Random::new(SEED, &format!("{corruption:?} {}", row.place));
            let Some(record) = corruption.seed(&row.record, &row.original, &mut random) else { continue };
            num_rows += 1;
            let corrupted = Row { record, original: row.original.clone(), place: row.place.clone() };
            let caught = errors(&corrupted).difference(known).next().is_some();
            if matches!(corruption, Corruption::ChoicesSwapped) {
                ceiling.add(Evidence::of(&row.record, &corrupted.record, &row.original), caught);
            }
            if caught {
                num_caught += 1;
            } else if list {
                eprintln!("MISSED {corruption:?} {}\n{}", row.place, corrupted.shown());
            }
        }
        if num_rows > 0 {
            recalls.push(share(num_caught, num_rows));
            by_kind.insert(
                corruption.name().to_owned(),
                json!({ "rows": num_rows, "recall": share(num_caught, num_rows) }),
            );
        }
    }
    result.insert("recall".to_owned(), Value::Object(by_kind));
    result.insert("choices_swapped_evidence".to_owned(), ceiling.report(share));
    let num_kinds = u32::try_from(recalls.len()).unwrap();
    result.insert("mean_recall".to_owned(), json!(recalls.iter().sum::<f64>() / f64::from(num_kinds)));
    result.insert("min_recall".to_owned(), json!(recalls.iter().copied().fold(1.0, f64::min)));
}

/// Rows a second of one core: of time on the processor where Linux tells it, so that other programs do not count.
fn rows_per_second(rows: &[Row]) -> f64 {
    let begin = Instant::now();
    let seconds = || busy_seconds().unwrap_or_else(|| begin.elapsed().as_secs_f64());
    let first = seconds();
    let mut num_rows = 0_u32;
    while seconds() - first < 2.0 {
        for row in rows {
            std::hint::black_box(validate_translation(&row.record, &row.original));
            num_rows += 1;
        }
    }
    (f64::from(num_rows) / (seconds() - first)).round()
}

/// Time that this thread was on a processor.
fn busy_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

fn share(part: usize, whole: usize) -> f64 {
    let count = |number: usize| f64::from(u32::try_from(number).unwrap());
    (10_000.0 * count(part) / count(whole.max(1))).round() / 10_000.0
}
