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
        (
            format!("{source}path = \"absent\"\n"),
            "source.frenchmedmcqa.path: expected the folder or file of frenchmedmcqa, found nothing at absent; correct the path in b.toml",
        ),
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

#[test]
fn a_dry_run_says_what_would_be_read_and_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let output = build(directory.path(), &["--sample", "--out", "out", "--dry-run", "--threads", "2"]);
    assert_eq!(output.status.code(), Some(0), "{}", message(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    for expected in
        ["train.json", "200 rows", "anatomy_test.csv", "about 50 rows", "dedup.near_threshold = 0.8", "manifest.json"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let output = build(directory.path(), &["--sample", "--out", "out", "--dry-run", "--json"]);
    let preview: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(preview["standing"], "make");
    assert_eq!(preview["sources"][0]["files"][0]["rows"], serde_json::json!({ "num_rows": 40, "is_estimate": false }));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn no_row_and_an_empty_data_set_are_said_plainly() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("train.json"), "[]").unwrap();
    std::fs::write(directory.path().join("b.toml"), "[[source]]\nname = \"frenchmedmcqa\"\npath = \".\"\n").unwrap();
    let output = build(directory.path(), &["--config", "b.toml", "--out", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", message(&output));
    assert!(message(&output).contains("frenchmedmcqa: no row was found in train.json"), "{}", message(&output));
    assert!(message(&output).contains("the data set is empty"), "{}", message(&output));
}

#[test]
fn the_number_of_threads_is_a_number_from_1() {
    let directory = tempfile::tempdir().unwrap();
    for number in ["0", "1025", "100000"] {
        let output = build(directory.path(), &["--sample", "--out", "out", "--threads", number]);
        assert_eq!(output.status.code(), Some(2));
        assert!(message(&output).contains("--threads"), "{}", message(&output));
    }
}

#[test]
fn a_link_is_followed_and_stays_a_link() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::create_dir(path("there")).unwrap();
    for (link, target) in [("link", "there"), ("dangling", "absent")] {
        std::os::unix::fs::symlink(target, path(link)).unwrap();
    }
    for out in ["link", "link/"] {
        let output = build(directory.path(), &["--sample", "--out", out, "--force", "--dry-run"]);
        assert_eq!(output.status.code(), Some(0), "{}", message(&output));
    }
    let output = build(directory.path(), &["--sample", "--out", "link/"]);
    assert_eq!(output.status.code(), Some(0), "{}", message(&output));
    assert!(path("link").symlink_metadata().unwrap().is_symlink() && path("there/manifest.json").exists());
    for dry_run in [&[][..], &["--dry-run"]] {
        let output = build(directory.path(), &[&["--sample", "--out", "dangling"][..], dry_run].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(message(&output).starts_with("error: dangling: expected a directory or nothing, found a link to"));
    }
}

#[test]
fn a_directory_that_cannot_be_replaced_is_refused_before_any_work() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path().join("a");
    std::fs::create_dir(&here).unwrap();
    for (out, expected) in [
        (".", "expected a directory that can be replaced, found the current directory"),
        ("../a", "../a: expected a directory that can be replaced, found the current directory"),
        ("..", "expected a data set or nothing, found other files"),
        ("/", "/: expected a data set or nothing, found other files"),
    ] {
        for dry_run in [&[][..], &["--dry-run"]] {
            let output = build(&here, &[&["--sample", "--out", out][..], dry_run].concat());
            assert_eq!(output.status.code(), Some(2));
            assert!(message(&output).contains(expected), "{out}: {}", message(&output));
        }
    }
    assert_eq!(std::fs::read_dir(&here).unwrap().count(), 0);
}
