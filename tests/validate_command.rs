//! `medinjection validate` as a user types it.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

use assert_cmd::Command;

fn validate(directory: &std::path::Path, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("medinjection").unwrap();
    command.current_dir(directory).arg("validate").args(arguments).output().unwrap()
}

const GOOD: &str =
    r#"{"instruction": "Quel os est dans la jambe ?", "choices": ["Le tibia", "L’ulna"], "answer": "A"}"#;
const WARNING: &str =
    r#"{"instruction": "Mme Dupont a de la fièvre, que faire ?", "choices": ["Attendre", "Traiter"], "answer": "B"}"#;
const WRONG: &str =
    r#"{"instruction": "Quel os est dans la jambe ?", "choices": ["Le tibia", "L’ulna"], "answer": "E"}"#;

fn directory(lines: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("rows.jsonl"), lines.join("\n")).unwrap();
    directory
}

#[test]
fn good_rows_and_warnings_end_with_0() {
    let output = validate(directory(&[GOOD, WARNING]).path(), &["rows.jsonl"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("2 rows, 0 with an error") && text.contains("rows.jsonl:2 instruction"), "{text}");
    assert!(!text.contains("Dupont"), "personal data must be masked: {text}");
}

#[test]
fn wrong_and_unreadable_rows_end_with_1_and_are_named() {
    let output = validate(directory(&[GOOD, WRONG, "{\"instruction\": "]).path(), &["rows.jsonl", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["num_rows"], &summary["num_rows_with_errors"]), (&3.into(), &2.into()));
    let reasons: Vec<&str> =
        summary["findings"].as_array().unwrap().iter().map(|entry| entry["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["unreadable", "label_out_of_range"]);
    assert_eq!(summary["findings"][0]["examples"][0]["row"], 3);
}

#[test]
fn lost_choices_and_repeated_letters_are_findings_of_their_kind() {
    let lost = r#"{"instruction": "Quel os est dans la jambe ?", "choices": [], "answer": "A"}"#;
    let twice =
        r#"{"instruction": "Quels os sont dans la jambe ?", "choices": ["Le tibia", "L’ulna"], "answer": "A,A"}"#;
    for (row, reason) in [(lost, "answer_arity"), (twice, "label_order")] {
        let output = validate(directory(&[row]).path(), &["rows.jsonl", "--json"]);
        assert_eq!(output.status.code(), Some(1));
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let errors = summary["findings"].as_array().unwrap().iter().filter(|entry| entry["severity"] == "error");
        let reasons: Vec<_> = errors.map(|entry| entry["reason"].as_str().unwrap()).collect();
        assert_eq!(reasons[0], reason, "{summary}");
    }
}

#[test]
fn a_missing_file_or_an_unknown_kind_ends_with_2() {
    let directory = directory(&[GOOD]);
    let output = validate(directory.path(), &["missing.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("missing.jsonl"));
    std::fs::write(directory.path().join("rows.xls"), GOOD).unwrap();
    assert_eq!(validate(directory.path(), &["rows.xls"]).status.code(), Some(2));
}

#[test]
fn the_table_has_one_line_a_finding_and_is_never_silently_replaced() {
    let directory = directory(&[WRONG, "not\r json, \"quoted\""]);
    let table = directory.path().join("findings.csv");
    let arguments = ["rows.jsonl", "--csv", "findings.csv"];
    assert_eq!(validate(directory.path(), &arguments).status.code(), Some(1));
    let bytes = std::fs::read(&table).unwrap();
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap()).unwrap();
    let rows: Vec<csv::StringRecord> =
        csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0][1], &rows[0][3], &rows[0][4]), ("1", "error", "label_out_of_range"));
    assert!(String::from_utf8(validate(directory.path(), &arguments).stderr).unwrap().contains("up to date"));
    assert_eq!(std::fs::read(&table).unwrap(), bytes);

    std::fs::write(directory.path().join("rows.jsonl"), GOOD).unwrap();
    assert_eq!(validate(directory.path(), &arguments).status.code(), Some(2));
    assert_eq!(validate(directory.path(), &[&arguments[..], &["--force"]].concat()).status.code(), Some(0));
}

#[test]
fn the_rows_of_a_table_are_checked_by_the_mapping_of_a_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write(
        "urgences.csv",
        "question;a;b;bonne\nQuel os est dans la jambe ?;Le tibia;L’ulna;A\nQuel os est dans le bras ?;Le tibia;L’ulna;\n\
         Which bone is found in the lower part of the leg?;Le tibia;L’ulna;A\n",
    );
    write(
        "dataset.toml",
        "[[source]]\nname = \"urgences\"\npath = \"urgences.csv\"\nformat = \"csv\"\ndelimiter = \";\"\norigin = \"native\"\n\
         license = \"CC0-1.0\"\nsplit = \"train\"\nanswer_form = \"letters\"\n[source.columns]\ninstruction = \"question\"\n\
         choices = [\"a\", \"b\"]\nanswer = \"bonne\"\n",
    );
    let output = validate(directory.path(), &["--config", "dataset.toml", "--csv", "findings.csv"]);
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("3 rows, 1 with an error") && text.contains("urgences/urgences.csv:3"), "{text}");
    let findings = std::fs::read_to_string(directory.path().join("findings.csv")).unwrap();
    assert!(findings.contains("urgences/urgences.csv,3,,error,unreadable"), "{findings}");
    assert!(findings.contains(",warning,not_french,instruction,"), "{findings}");
    let output = validate(directory.path(), &["--config", "dataset.toml", "--csv", "findings.csv"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("findings.csv: up to date"));
    let output = validate(directory.path(), &["--config", "dataset.toml", "--csv", "urgences.csv", "--force"]);
    assert_eq!(output.status.code(), Some(2));
    for arguments in [&[][..], &["urgences.csv", "--config", "dataset.toml"]] {
        assert_eq!(validate(directory.path(), arguments).status.code(), Some(2));
    }
}
