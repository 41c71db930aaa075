//! What the library writes agrees with `schemas/`, says a validator that is not ours.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

#[path = "support/schemas.rs"]
mod schemas;

use std::path::Path;

use assert_cmd::Command;
use medinjection_fr::Result;
use medinjection_fr::columnar::Rows;
use medinjection_fr::provenance::Dataset;
use medinjection_fr::record::{PublishedRecord, Split};
use serde::Serialize;
use serde_json::Value;

/// Runs the command, which ends with `code`.
fn medinjection(directory: &Path, code: i32, arguments: &[&str]) {
    let output = Command::cargo_bin("medinjection").unwrap().current_dir(directory).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Checks rows of a parquet file, as the JSON objects that a reader makes of them.
fn assert_rows_valid<T: Serialize>(directory: &Path, name: &str, rows: impl Iterator<Item = Result<T>>) {
    let path = directory.join(format!("{name}.jsonl"));
    let lines: Vec<String> = rows.map(|row| serde_json::to_string(&row.unwrap()).unwrap() + "\n").collect();
    std::fs::write(&path, lines.concat()).unwrap();
    schemas::assert_valid(name, &[&path]);
}

#[test]
fn a_data_set_agrees_in_both_layouts() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    medinjection(here, 0, &["build", "--sample", "--out", "records"]);
    medinjection(here, 0, &["build", "--sample", "--layout", "published", "--out", "published"]);
    schemas::assert_valid("manifest", &[&here.join("records/manifest.json"), &here.join("published/manifest.json")]);
    let dataset = Dataset::open(&here.join("records")).unwrap();
    assert_rows_valid(here, "record", Split::ALL.iter().flat_map(|split| dataset.records(*split)));
    assert_rows_valid(here, "original", dataset.originals());
    assert_rows_valid(here, "document", dataset.documents());
    let published = Dataset::open_any_layout(&here.join("published")).unwrap().record_paths(Split::Test);
    let rows = published.iter().flat_map(|path| Rows::<PublishedRecord>::open(path).unwrap());
    assert_rows_valid(here, "published-record", rows);
}

#[test]
fn rejected_rows_agree_with_and_without_their_record() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let good = "Quel organe sécrète l'insuline ?,Le pancréas.";
    std::fs::write(here.join("q.csv"), format!("q,r,n\n{good},1\n{good},2\nQuel os ?,3\n")).unwrap();
    let config = "[[source]]\nname = 'urgences'\npath = 'q.csv'\nformat = 'csv'\norigin = 'native'\nlicense = 'MIT'\n\
                  split = 'train'\n[source.columns]\ninstruction = 'q'\nanswer = 'r'\nid = 'n'\n";
    std::fs::write(here.join("b.toml"), config).unwrap();
    medinjection(here, 1, &["build", "--config", "b.toml", "--out", "d"]);
    let dataset = Dataset::open(&here.join("d")).unwrap();
    let has_record = |wanted: bool| dataset.rejected().any(|row| row.unwrap().record.is_some() == wanted);
    assert!(has_record(true) && has_record(false));
    assert_rows_valid(here, "rejected", dataset.rejected());
}

#[test]
fn a_mixture_questions_answers_and_scores_agree() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    medinjection(here, 0, &["build", "--sample", "--out", "d"]);
    let mix = ["mix", "--preset", "native_translated", "--dataset", "d", "--out", "m", "--size", "24"];
    medinjection(here, 0, &mix);
    schemas::assert_valid("mixture", &[&here.join("m/mixture.json")]);
    schemas::assert_valid("training", &[&here.join("m/train.jsonl"), &here.join("m/validation.jsonl")]);
    medinjection(here, 0, &["render", "--dataset", "d", "--split", "test", "--out", "test.jsonl"]);
    schemas::assert_valid("evaluation", &[&here.join("test.jsonl")]);
    let answered = |line: &str| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        row.as_object_mut().unwrap().remove("messages");
        row["prediction"] = "A".into();
        format!("{row}\n")
    };
    let answers: Vec<String> =
        std::fs::read_to_string(here.join("test.jsonl")).unwrap().lines().map(answered).collect();
    std::fs::write(here.join("answers.jsonl"), answers.concat()).unwrap();
    schemas::assert_valid("predictions", &[&here.join("answers.jsonl")]);
    medinjection(here, 0, &["score", "--predictions", "answers.jsonl", "--out", "scores.json"]);
    schemas::assert_valid("scores", &[&here.join("scores.json")]);
    let lineages = ["test.jsonl.lineage.json", "scores.json.lineage.json"].map(|name| here.join(name));
    schemas::assert_valid("lineage", &[&lineages[0], &lineages[1]]);
}
