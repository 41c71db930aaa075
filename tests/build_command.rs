//! `medinjection build` as a user types it: exit codes, messages, and nothing half-written.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

fn build(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("medinjection").unwrap();
    command.current_dir(directory).arg("build").args(arguments).output().unwrap()
}

fn message(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_sample_ends_with_0_and_is_made_once() {
    let directory = tempfile::tempdir().unwrap();
    let first = build(directory.path(), &["--sample", "--out", "out"]);
    assert_eq!(first.status.code(), Some(0), "{}", message(&first));
    assert!(String::from_utf8(first.stdout).unwrap().contains("synthetic"));
    let second = build(directory.path(), &["--sample", "--out", "out", "--json"]);
    assert_eq!(message(&second), "out: up to date\n");
    let manifest: serde_json::Value = serde_json::from_slice(&second.stdout).unwrap();
    assert_eq!(manifest["config"]["seed"], 42);
}

#[test]
fn a_row_with_a_wrong_letter_is_rejected_and_the_exit_code_is_1() {
    let directory = tempfile::tempdir().unwrap();
    let row = |answer: &str| {
        format!(
            r#"{{"id": "{answer}", "question": "Quel est l'os le plus long du corps ?",
            "answers": {{"a": "Le fémur", "b": "Le tibia"}}, "correct_answers": ["{answer}"]}}"#
        )
    };
    std::fs::write(directory.path().join("train.json"), format!("[{}, {}]", row("a"), row("z"))).unwrap();
    std::fs::write(directory.path().join("b.toml"), "[[source]]\nname = \"frenchmedmcqa\"\npath = \".\"\n").unwrap();
    let output = build(directory.path(), &["--config", "b.toml", "--out", "out"]);
    assert_eq!(output.status.code(), Some(1), "{}", message(&output));
    assert!(String::from_utf8(output.stdout).unwrap().contains("unreadable"));
    assert!(directory.path().join("out/manifest.json").exists());
}

#[test]
fn what_cannot_be_done_ends_with_2_one_message_and_no_output() {
    let directory = tempfile::tempdir().unwrap();
    let source = "[[source]]\nname = \"frenchmedmcqa\"\n";
    for (config, expected) in [
        (format!("{source}path = \"absent\"\n"), "absent: No such file"),
        (format!("{source}pth = \".\"\n"), "b.toml, row 3: unknown field `pth`"),
        (
            format!("{source}path = \".\"\n"),
            "train.json: expected a JSON list of objects, found the end of the file inside row 1",
        ),
    ] {
        std::fs::write(directory.path().join("train.json"), "[").unwrap();
        std::fs::write(directory.path().join("b.toml"), config).unwrap();
        let output = build(directory.path(), &["--config", "b.toml", "--out", "out"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(message(&output).contains(expected) && message(&output).lines().count() == 1, "{}", message(&output));
        let names: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }
    let output = build(directory.path(), &["--sample", "--out", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(message(&output).contains("found other files"));
}
