//! `medinjection publish` and `pull` as a user types them, against a server on loopback that stands for the Hub.

#![cfg(all(feature = "cli", feature = "hub"))]
#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

#[path = "support/hub.rs"]
#[expect(dead_code, reason = "only its hashes are used here")]
mod server;
#[path = "support/hub_writes.rs"]
mod writes;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use writes::{Fault, READER, WRITER, WritableHub};

const REPO: &str = "labo/injection-fr";

/// A user's directory with the built-in sample in `d`, and a Hub.
struct User {
    home: tempfile::TempDir,
    hub: WritableHub,
}

/// What a command ended with.
struct Ended {
    code: Option<i32>,
    all: String,
    stdout: String,
}

impl User {
    fn new() -> Self {
        let user = Self { home: tempfile::tempdir().unwrap(), hub: WritableHub::start() };
        user.run(&["build", "--sample", "--out", "d"], "").with(0, "");
        user
    }

    /// Runs the command; the token is in no output.
    fn run(&self, arguments: &[&str], token: &str) -> Ended {
        let mut command = Command::cargo_bin("medinjection").unwrap();
        command.current_dir(self.home.path()).env_clear().env("HF_ENDPOINT", &self.hub.address);
        command.env("HF_HOME", self.home.path().join("hf")).env("HF_TOKEN", token);
        let output = command.args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        let all = format!("{stdout}{stderr}");
        assert!(!all.contains(WRITER) && !all.contains(READER), "a token is shown\n{all}");
        Ended { code: output.status.code(), all, stdout }
    }

    fn publish(&self, more: &[&str]) -> Ended {
        self.run(&[&["publish", "dataset", "d", "--repo", REPO], more].concat(), WRITER)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// The path of the first training file.
    fn train(&self) -> PathBuf {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(self.path("d/data")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("train-"));
        files.sort();
        files.swap_remove(0)
    }

    fn seen(&self, part: &str) -> usize {
        self.hub.seen().iter().filter(|line| line.contains(part)).count()
    }

    /// The repository has a whole version, and nothing of it was written to.
    fn holds_nothing_of_it(&self) {
        assert!(self.hub.files(REPO).keys().all(|path| path == ".gitattributes" || path == "other.txt"));
    }

    /// A second run does all of it, and what is pulled is what was published.
    fn completes(&self) {
        self.publish(&[]).with(0, "load_dataset(\"labo/injection-fr\"");
        self.run(&["pull", REPO, "--out", "back"], READER).with(0, "back: ");
        assert!(same(&self.train(), &self.path("back/data").join(self.train().file_name().unwrap())));
    }
}

impl Ended {
    fn with(self, code: i32, expected: &str) -> Self {
        let all = &self.all;
        assert!(
            self.code == Some(code) && all.contains(expected),
            "{:?}, expected {code} and {expected:?}\n{all}",
            self.code
        );
        self
    }
}

fn same(left: &Path, right: &Path) -> bool {
    std::fs::read(left).unwrap() == std::fs::read(right).unwrap()
}

/// No file under `directory` holds a planted token.
fn holds_no_token(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            holds_no_token(&entry.path());
        } else if let Ok(bytes) = std::fs::read(entry.path()) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("hf_planted"), "{}", entry.path().display());
        }
    }
}

#[test]
fn a_dry_run_needs_neither_network_nor_token_and_shows_the_card() {
    let user = User::new();
    let ended = user.run(&["publish", "dataset", "d", "--repo", REPO, "--dry-run"], "");
    let ended = ended.with(0, "manifest.json").with(0, "load_dataset(\"labo/injection-fr\", split=\"train\")");
    assert!(!ended.all.contains("rejected.parquet") && !ended.all.contains("originals-00000"), "{}", ended.all);
    assert!(user.hub.seen().is_empty());
    let json = user.run(&["--json", "publish", "dataset", "d", "--repo", REPO, "--dry-run", "--with-originals"], "");
    let json: serde_json::Value = serde_json::from_str(&json.with(0, "").stdout).unwrap();
    assert!(
        json["files"].as_array().unwrap().iter().any(|file| file["path"].as_str().unwrap().starts_with("originals/"))
    );
}

#[test]
fn a_data_set_is_published_once_and_pulled_back_whole() {
    let user = User::new();
    std::fs::write(user.path("d/.env"), "hidden").unwrap();
    std::fs::write(user.path("d/notes.txt"), "mine").unwrap();
    user.publish(&["--tag", "v1", "--gated"])
        .with(0, "sent       data/train-native-00000")
        .with(0, "/datasets/labo/injection-fr at commit");
    let found = user.hub.repository(REPO).unwrap();
    assert!(found.is_private && found.gated == "manual" && found.tags["v1"] == found.head && found.commits.len() == 2);
    let files = user.hub.files(REPO);
    assert!(!files.keys().any(|path| path.contains("rejected") || path.contains(".env") || path.contains("notes")));
    user.hub.seen();
    user.publish(&["--tag", "v1"]).with(0, "unchanged  data/train-native-00000");
    assert_eq!(user.seen("/commit/"), 0);
    user.run(&["pull", REPO, "--revision", "v1", "--out", "back"], READER)
        .with(0, "files of labo/injection-fr at commit");
    user.run(&["mix", "--preset", "native", "--scale-to-available", "--dataset", "back", "--out", "mixed"], "")
        .with(0, "");
    for (path, (content, _)) in files.iter().filter(|(path, _)| *path != ".gitattributes") {
        assert_eq!(&std::fs::read(user.path("back").join(path)).unwrap(), content, "{path}");
    }
    holds_no_token(user.home.path());
}

#[test]
fn only_what_changed_is_sent_and_what_is_gone_is_deleted() {
    let user = User::new();
    user.publish(&["--with-originals", "--public"]).with(0, "sent       originals/");
    assert!(!user.hub.repository(REPO).unwrap().is_private);
    user.hub.seen();
    user.publish(&[])
        .with(0, "deleted    originals/")
        .with(0, "unchanged  data/train-native-00000")
        .with(0, "sent       README.md");
    assert_eq!(user.seen("PUT /large/"), 0);
    assert!(!user.hub.files(REPO).keys().any(|path| path.starts_with("originals/")));
}

#[test]
fn what_may_not_leave_is_refused_before_anything_is_asked() {
    let user = User::new();
    let manifest = user.path("d/manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["steps"][0]["warnings"]["personal_data"] = 2.into();
    value["sources"][0]["redistribution"] = "restricted".into();
    std::fs::write(&manifest, value.to_string()).unwrap();
    user.publish(&[]).with(2, "--allow-restricted");
    user.publish(&["--allow-restricted"]).with(2, "found 2 findings; look at them");
    user.publish(&["--waive", "leak"]).with(2, "expected personal_data");
    std::fs::write(user.train(), "damaged").unwrap();
    user.publish(&["--allow-restricted", "--waive", "personal_data"]).with(2, "expected SHA-256");
    user.run(&["publish", "dataset", "d", "--repo", "../x", "--allow-restricted"], WRITER).with(2, "expected");
    assert!(user.hub.seen().is_empty());
}

#[test]
fn a_refusal_says_what_to_do_and_leaves_the_repository_whole() {
    for (part, fault, expected) in [
        ("/repos/create", Fault::Status(401), "the token is not known: make one with write scope at http://127.0.0.1"),
        ("/repos/create", Fault::Status(403), "the token may not write to labo/injection-fr"),
        ("/commit/", Fault::Status(409), "something else is being written"),
        (
            "/commit/",
            Fault::MovedHead,
            "status 412: HeadMoved: HeadMoved; somebody changed labo/injection-fr meanwhile",
        ),
        ("/commit/", Fault::Status(500), "status 500: as told; the Hub did not do it"),
        ("/commit/", Fault::CutHalfway, "the repository holds a whole version; run again"),
    ] {
        let user = User::new();
        user.hub.fail(part, fault);
        user.publish(&[]).with(2, expected);
        user.holds_nothing_of_it();
        user.completes();
    }
}

#[test]
fn a_token_that_may_only_read_and_no_token_are_refused() {
    let user = User::new();
    user.run(&["publish", "dataset", "d", "--repo", REPO], READER)
        .with(2, "the token may not write to labo/injection-fr");
    user.run(&["publish", "dataset", "d", "--repo", REPO], "").with(2, "expected a token with write scope in HF_TOKEN");
    user.run(&["publish", "dataset", "d", "--repo", REPO], "hf_unknown").with(2, "the token is not known");
    assert!(user.hub.repository(REPO).is_none());
    user.completes();
}

#[test]
fn large_files_that_are_cut_or_refused_for_a_while_go_again() {
    let user = User::new();
    user.hub.fail("PUT /large/", Fault::CutHalfway);
    user.hub.fail("PUT /large/", Fault::Status(500));
    user.publish(&[]).with(0, "next attempt in").with(0, "status 500: as told");
    user.completes();
}

#[test]
fn a_commit_whose_answer_was_lost_is_found_by_the_next_run() {
    let user = User::new();
    user.hub.fail("/commit/", Fault::NoAnswer);
    user.publish(&[]).with(2, "run again");
    user.publish(&[]).with(0, "unchanged  manifest.json");
    assert_eq!(user.hub.repository(REPO).unwrap().commits.len(), 2);
}

#[test]
fn a_file_that_is_changed_meanwhile_is_not_committed() {
    let user = User::new();
    let train = user.train();
    let whole = std::fs::read(&train).unwrap();
    user.hub.fail("/preupload/", Fault::Writes(train.clone()));
    user.publish(&[]).with(2, "the file was changed while it was being published");
    user.holds_nothing_of_it();
    std::fs::write(&train, whole).unwrap();
    user.completes();
}

#[test]
fn what_is_pulled_is_what_the_manifest_says_or_nothing() {
    let user = User::new();
    user.run(&["pull", REPO, "--out", "back"], READER).with(2, "labo/injection-fr, revision main: status 404");
    user.publish(&[]).with(0, "");
    user.run(&["pull", REPO, "--revision", "v9", "--out", "back"], READER).with(2, "status 404");
    std::fs::create_dir(user.path("back")).unwrap();
    std::fs::write(user.path("back/manifest.json"), "{}").unwrap();
    user.run(&["pull", REPO, "--out", "back"], READER).with(2, "expected no other data set in the directory");
    user.run(&["pull", "labo", "--out", "x"], READER).with(2, "REPO: expected OWNER/NAME, found \"labo\"");
}

/// What is published is read by `huggingface_hub` and `datasets`, and what they upload is pulled.
#[test]
fn the_official_client_reads_and_writes_the_same() {
    let user = User::new();
    user.publish(&[]).with(0, "");
    user.run(&["pull", REPO, "--out", "back"], READER).with(0, "");
    if !user.hub.official_client("hub_publish.py", &[REPO, "labo/uploaded", "back"], user.home.path()) {
        return;
    }
    user.run(&["pull", "labo/uploaded", "--out", "theirs"], READER).with(0, "");
    assert!(same(&user.path("back/manifest.json"), &user.path("theirs/manifest.json")));
}
