//! `medinjection build --shard I/N` and `--merge N` as a job array runs them: the bytes of one process, and what each fault says.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

#[path = "support/schemas.rs"]
mod schemas;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("medinjection"));
    command.current_dir(directory).args(["build", "--sample", "--out", "out"]).args(arguments);
    command.stdin(Stdio::null());
    command
}

fn build(directory: &Path, arguments: &[&str]) -> Output {
    command(directory, arguments).output().unwrap()
}

fn done(directory: &Path, arguments: &[&str]) -> String {
    let output = build(directory, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", message(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn message(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The one line with which a command refuses.
fn refused(directory: &Path, arguments: &[&str]) -> String {
    let output = build(directory, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    message(&output)
}

/// Every file below `directory` with its SHA-256.
fn hashes(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = PathBuf::from(path.file_name().unwrap());
            files.extend(hashes(&path).into_iter().map(|(file, hash)| (name.join(file), hash)));
        } else {
            let hash = medinjection_fr::provenance::sha256_file(&path).unwrap();
            files.insert(path.file_name().unwrap().into(), hash);
        }
    }
    files
}

/// The sample as one process makes it.
fn of_one_process() -> BTreeMap<PathBuf, String> {
    let directory = tempfile::tempdir().unwrap();
    done(directory.path(), &["--threads", "1"]);
    hashes(&directory.path().join("out"))
}

#[test]
fn four_shards_of_the_sample_that_run_together_merge_to_the_bytes_of_one_process() {
    let expected = of_one_process();
    assert!(expected.len() > 7, "{expected:?}");
    let directory = tempfile::tempdir().unwrap();
    let start = |index: u32| command(directory.path(), &["--shard", &format!("{index}/4")]).spawn().unwrap();
    for mut shard in (1..=4).map(start).collect::<Vec<_>>() {
        assert!(shard.wait().unwrap().success());
    }
    assert!(!directory.path().join("out").exists());
    done(directory.path(), &["--merge", "4"]);
    assert_eq!(hashes(&directory.path().join("out")), expected);
    let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["out"]);
    for arguments in [["--merge", "4"], ["--shard", "2/4"]] {
        let output = build(directory.path(), &arguments);
        assert!(output.status.success() && message(&output) == "out: up to date\n", "{}", message(&output));
    }
}

#[test]
fn a_shard_says_what_it_has_read_and_is_made_once() {
    let directory = tempfile::tempdir().unwrap();
    let first = done(directory.path(), &["--shard", "1/2"]);
    assert!(first.starts_with("frenchmedmcqa/dev.json\n") && first.contains("shard 1/2: "), "{first}");
    assert!(first.ends_with("0 rows rejected: out.shards/00001-of-00002\n"), "{first}");
    schemas::assert_valid("shard", &[&directory.path().join("out.shards/00001-of-00002/shard.json")]);
    let again = build(directory.path(), &["--shard", "1/2", "--json"]);
    assert_eq!(message(&again), "out.shards/00001-of-00002: up to date\n");
    let json: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&json["shard"], &json["up_to_date"]), (&"1/2".into(), &true.into()));
    let manifest = std::fs::read(directory.path().join("out.shards/00001-of-00002/shard.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!((&manifest["shard"], &manifest["config"]["seed"]), (&"1/2".into(), &42.into()));
    assert_eq!(manifest["sources"][2]["files"]["questions.jsonl"].as_str().unwrap().len(), 64);
}

#[test]
fn a_merge_without_all_shards_names_those_that_are_wrong_and_makes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let missing = refused(directory.path(), &["--merge", "2"]);
    assert!(
        missing
            .starts_with("error: out.shards: expected 2 shards of this build, but 1/2 is missing; 2/2 is missing; run")
    );
    done(directory.path(), &["--shard", "1/2"]);
    done(directory.path(), &["--shard", "2/2", "--layout", "published"]);
    let foreign = refused(directory.path(), &["--merge", "2"]);
    assert!(foreign.contains("but 2/2 was made with another configuration: output.layout"), "{foreign}");
    assert!(foreign.contains("`medinjection build --shard I/2`") && foreign.lines().count() == 1, "{foreign}");
    assert!(refused(directory.path(), &["--shard", "2/2"]).contains("give --force to replace it"));
    assert!(!directory.path().join("out").exists());
    done(directory.path(), &["--shard", "2/2", "--force"]);
    done(directory.path(), &["--merge", "2"]);
}

#[test]
fn a_shard_that_is_killed_while_it_writes_is_named_and_made_again() {
    let expected = of_one_process();
    let directory = tempfile::tempdir().unwrap();
    done(directory.path(), &["--shard", "1/2"]);
    let hidden = directory.path().join("out.shards/.medinjection-00002-of-00002/made/records");
    // The file is there, and the manifest, which is the last one, not yet: however fast the machine is, some try is in time.
    let was_interrupted = (0..50).any(|_| {
        let mut shard = command(directory.path(), &["--shard", "2/2"]).stderr(Stdio::null()).spawn().unwrap();
        while !hidden.exists() && shard.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
        shard.kill().unwrap();
        shard.wait().unwrap();
        let is_whole = directory.path().join("out.shards/00002-of-00002").exists();
        if is_whole {
            std::fs::remove_dir_all(directory.path().join("out.shards/00002-of-00002")).unwrap();
        }
        !is_whole && hidden.exists()
    });
    assert!(was_interrupted, "every shard had ended before it was killed");
    let refusal = refused(directory.path(), &["--merge", "2"]);
    assert!(refusal.contains("but 2/2 was interrupted; run `medinjection build --shard I/2`"), "{refusal}");
    done(directory.path(), &["--shard", "2/2"]);
    done(directory.path(), &["--merge", "2"]);
    assert_eq!(hashes(&directory.path().join("out")), expected);
}

#[test]
fn what_is_no_shard_of_a_number_of_shards_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for text in ["0/4", "5/4", "1/0", "a/b", "2", "-1/4"] {
        let refusal = refused(directory.path(), &[&format!("--shard={text}")]);
        assert!(refusal.contains("expected I/N") && refusal.contains("such as 2/4"), "{text}: {refusal}");
    }
    for (arguments, expected) in [
        (&["--merge", "0"][..], "expected 1 to 99999 shards, found 0"),
        (&["--merge", "four"], "--merge"),
        (&["--shard", "1/2", "--merge", "2"], "cannot be used with"),
        (&["--shard", "1/2", "--dry-run"], "cannot be used with"),
    ] {
        assert!(refused(directory.path(), arguments).contains(expected), "{arguments:?}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
