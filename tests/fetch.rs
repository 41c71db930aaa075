//! `medinjection fetch` as a user types it, against a server on loopback that stands for the Hub.

#![cfg(all(feature = "cli", feature = "hub"))]
#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

#[path = "support/schemas.rs"]
mod schemas;
#[path = "support/hub.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;
use server::{Fault, Hub, REPOSITORY, Seen, git_blob, sha256};

const SMALL: &str = r#"[{"id": "1"}]"#;

/// A user's directory, a Hub with the three files of the corpus, of which one is large.
struct User {
    home: tempfile::TempDir,
    hub: Hub,
    train: Vec<u8>,
}

/// What a command ended with.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl User {
    fn new() -> Self {
        let (home, hub) = (tempfile::tempdir().unwrap(), Hub::start());
        let train: Vec<u8> = (0_u32..60_000).flat_map(|number| (number * number).to_le_bytes()).collect();
        hub.put("README.md", "# FrenchMedMCQA", false);
        hub.put("train.json", train.clone(), true);
        hub.put("dev.json", SMALL, false);
        hub.put("test.json", "[]", false);
        Self { home, hub, train }
    }

    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = Command::cargo_bin("medinjection").unwrap();
        command.current_dir(self.home.path()).env_clear().env("HF_ENDPOINT", &self.hub.address);
        command.env("HF_HOME", self.home.path().join("hf")).envs(variables.iter().copied());
        let output = command.arg("fetch").args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// `fetch frenchmedmcqa --out data`.
    fn fetch(&self, variables: &[(&str, &str)]) -> Ended {
        self.run(&["frenchmedmcqa", "--out", "data"], variables)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    fn blob(&self, name: &str) -> PathBuf {
        let blobs = self.path(&format!("hf/hub/datasets--{}/blobs", REPOSITORY.replace('/', "--")));
        std::fs::create_dir_all(&blobs).unwrap();
        blobs.join(name)
    }

    fn has_everything(&self) {
        let read = |path: &str| std::fs::read(self.path(path)).unwrap();
        assert_eq!(sha256(&read("data/frenchmedmcqa/train.json")), sha256(&self.train));
        assert_eq!(read("data/frenchmedmcqa/dev.json"), SMALL.as_bytes());
        assert_eq!(read("data/frenchmedmcqa/test.json"), b"[]");
    }
}

impl Ended {
    fn with(self, code: i32, expected: &str) -> Self {
        let all = format!("{}{}", self.stdout, self.stderr);
        assert!(
            self.code == Some(code) && all.contains(expected),
            "{:?}, expected {code} and {expected:?}\n{all}",
            self.code
        );
        self
    }
}

fn bodies(seen: &[Seen]) -> Vec<&Seen> {
    seen.iter().filter(|seen| seen.line.starts_with("GET /large/")).collect()
}

#[test]
fn a_corpus_is_fetched_once_pinned_and_used_without_network() {
    let user = User::new();
    user.fetch(&[]).with(0, REPOSITORY).with(0, "Apache-2.0");
    user.has_everything();
    let lock = std::fs::read_to_string(user.path("data/sources.lock")).unwrap();
    assert!(lock.contains(&"c".repeat(40)) && lock.contains(&sha256(&user.train)));
    schemas::assert_valid("sources-lock", &[&user.path("data/sources.lock")]);
    assert!(!user.path("data/frenchmedmcqa/README.md").exists());
    user.hub.seen();
    user.fetch(&[]).with(0, "frenchmedmcqa: up to date");
    std::fs::remove_dir_all(user.path("data/frenchmedmcqa")).unwrap();
    user.fetch(&[("HF_HUB_OFFLINE", "1")]).with(0, REPOSITORY);
    user.has_everything();
    assert!(user.hub.seen().is_empty());
    assert_eq!(std::fs::read_to_string(user.path("data/sources.lock")).unwrap(), lock);
}

#[test]
fn a_configuration_names_repositories_and_revisions() {
    let user = User::new();
    let table =
        "format = 'json'\norigin = 'native'\nlicense = 'MIT'\n[source.columns]\ninstruction = 'q'\nanswer = 'a'\n";
    let config = format!(
        "[[source]]\nname = 'annales'\npath = 'elsewhere'\nhub_repository = '{REPOSITORY}'\nrevision = 'v9'\n{table}\
         [[source]]\nname = 'locale'\npath = 'q.json'\n{table}"
    );
    std::fs::write(user.path("b.toml"), config).unwrap();
    let ended = user.run(&["--config", "b.toml", "--out", "data"], &[]).with(0, REPOSITORY).with(0, "MIT");
    let ended = ended.with(0, "locale: no hub_repository, left alone");
    ended.with(0, "annales: goes to data/annales; the configuration looks for it in elsewhere");
    assert_eq!(std::fs::read(user.path("data/annales/dev.json")).unwrap(), SMALL.as_bytes());
    assert!(user.hub.seen().iter().any(|seen| seen.line.contains("v9")));
    user.run(&["other", "--config", "b.toml", "--out", "data"], &[]).with(2, "expected a [[source]] with the name");
}

#[test]
fn a_file_that_was_cut_goes_on_where_it_was_cut() {
    let user = User::new();
    user.hub.fail("GET /large/", Fault::CutAfter(user.train.len() / 2));
    let ended = user.run(&["frenchmedmcqa", "--out", "data", "--json"], &[]).with(0, "the connection was lost");
    user.has_everything();
    let seen = user.hub.seen();
    let ranges: Vec<_> = bodies(&seen).iter().map(|seen| seen.range.clone()).collect();
    assert_eq!(ranges, [None, Some(format!("bytes={}-", user.train.len() / 2))]);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let all = user.train.len() + SMALL.len() + 2;
    assert_eq!(report["sources"][0]["num_bytes_transferred"], all);
    assert_eq!(report["sources"][0]["commit"], "c".repeat(40));
}

#[test]
fn what_an_earlier_run_has_left_is_used_if_it_is_right() {
    for (remainder, expected) in [(b"right", 0), (b"wrong", 1)] {
        let user = User::new();
        let mut half = user.train[..user.train.len() / 2].to_vec();
        half[0] ^= u8::from(remainder == b"wrong");
        std::fs::write(user.blob(&format!("{}.incomplete", sha256(&user.train))), &half).unwrap();
        user.fetch(&[]).with(0, REPOSITORY);
        user.has_everything();
        let seen = user.hub.seen();
        let ranges = bodies(&seen);
        assert_eq!(ranges[0].range, Some(format!("bytes={}-", half.len())));
        assert_eq!(ranges.iter().filter(|seen| seen.range.is_none()).count(), expected);
    }
}

#[test]
fn a_server_without_ranges_gives_the_whole_again() {
    let user = User::new();
    user.hub.fail("GET /large/", Fault::CutAfter(1000));
    user.hub.fail("GET /large/", Fault::NoRange);
    user.fetch(&[]).with(0, REPOSITORY);
    user.has_everything();
}

#[test]
fn faults_that_pass_are_waited_for() {
    let user = User::new();
    user.hub.fail("/revision/", Fault::Status(429, "Retry-After", "1"));
    user.hub.fail("HEAD ", Fault::Status(500, "X-Error-Message", "out of order"));
    user.hub.fail("GET /large/", Fault::Status(503, "X", "y"));
    user.hub.fail("resolve/cccccccccccccccccccccccccccccccccccccccc/dev.json", Fault::Silence(Duration::from_secs(3)));
    let ended = user.fetch(&[("HF_HUB_DOWNLOAD_TIMEOUT", "1")]).with(0, "status 429: as told; next attempt in 1.0 s");
    let ended = ended.with(0, "status 500: out of order").with(0, "status 503").with(0, "no answer in time");
    assert!(!ended.stderr.contains("error"), "{}", ended.stderr);
    user.has_everything();
}

#[test]
fn what_the_hub_refuses_is_said_with_what_to_do() {
    let user = User::new();
    for (part, status, header, value, expected) in [
        (
            "/revision/",
            401,
            "X-Error-Code",
            "RepoNotFound",
            "status 401: RepoNotFound: as told; it does not exist, or is private",
        ),
        (
            "/train.json",
            403,
            "X-Error-Code",
            "GatedRepo",
            "train.json: status 403: GatedRepo; accept its conditions at http://127.0.0.1",
        ),
        ("HEAD ", 404, "X", "y", "--repository and --revision name another one"),
        ("/revision/", 429, "Retry-After", "3600", "try again in 3600 s"),
    ] {
        user.hub.fail(part, Fault::Status(status, header, value));
        user.fetch(&[]).with(2, expected).with(2, &format!("frenchmedmcqa, {REPOSITORY}, "));
        assert!(!user.path("data").exists(), "{expected}");
    }
}

#[test]
fn a_file_with_a_wrong_hash_or_length_is_not_kept() {
    for (part, fault, expected) in [
        ("GET /large/", Fault::WrongByte, "expected the checksum"),
        ("GET /datasets", Fault::Other(b"[{\"id\": \"1\", \"more\": true}]"), "expected 13 bytes, found more"),
    ] {
        let user = User::new();
        user.hub.fail(part, fault);
        user.fetch(&[]).with(2, expected).with(2, "nothing of it was kept");
        assert!(!user.path("data").exists());
        let left: Vec<_> = std::fs::read_dir(user.blob("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().contains("incomplete")), "{left:?}");
        user.fetch(&[]).with(0, REPOSITORY);
        user.has_everything();
    }
}

#[test]
fn a_file_that_ends_too_early_is_taken_for_a_cut() {
    let user = User::new();
    user.hub.fail("GET /datasets", Fault::Other(b"[{"));
    user.fetch(&[]).with(0, "expected 13 bytes, found 2");
    user.has_everything();
    assert!(user.hub.seen().iter().any(|seen| seen.range.as_deref() == Some("bytes=2-")));
}

#[test]
fn a_damaged_cache_is_mended() {
    let user = User::new();
    user.fetch(&[]).with(0, REPOSITORY);
    std::fs::remove_dir_all(user.path("data")).unwrap();
    std::fs::write(user.blob(&git_blob(SMALL.as_bytes())), "damaged").unwrap();
    user.fetch(&[]).with(0, REPOSITORY);
    user.has_everything();
}

#[test]
fn without_network_the_cache_does_and_where_it_is_empty_that_is_said() {
    let user = User::new();
    let nobody = [("HF_ENDPOINT", "http://127.0.0.1:9")];
    user.fetch(&nobody).with(2, "no connection").with(2, "check the network, or HF_ENDPOINT (now http://127.0.0.1:9)");
    user.fetch(&[("HF_HUB_OFFLINE", "1")]).with(2, "HF_HUB_OFFLINE is set");
    assert!(user.hub.seen().is_empty());
    user.fetch(&[]).with(0, REPOSITORY);
    std::fs::remove_dir_all(user.path("data")).unwrap();
    user.fetch(&nobody).with(0, &format!("what the cache has of commit {} is used", "c".repeat(40)));
    user.has_everything();
    // The cache may lack files that the Hub has, so nothing is pinned.
    assert!(!user.path("data/sources.lock").exists());
}

#[test]
fn another_content_under_the_pinned_commit_is_an_error() {
    let user = User::new();
    user.fetch(&[]).with(0, REPOSITORY);
    std::fs::remove_dir_all(user.path("hf")).unwrap();
    std::fs::remove_file(user.path("data/frenchmedmcqa/dev.json")).unwrap();
    user.hub.put("dev.json", "[{\"id\": \"2\"}]", false);
    user.fetch(&[]).with(2, "the file was changed under the same commit").with(2, "dev.json");
    assert!(!user.path("data/frenchmedmcqa/dev.json").exists());
}

#[test]
fn a_newer_commit_is_taken_when_asked_for() {
    let user = User::new();
    user.fetch(&[]).with(0, REPOSITORY);
    user.hub.commit('d');
    user.hub.put("dev.json", "[{\"id\": \"2\"}]", false);
    user.hub.remove("test.json");
    user.fetch(&[]).with(0, "up to date");
    user.has_everything();
    user.run(&["frenchmedmcqa", "--out", "data", "--update"], &[]).with(0, "dddddddddddd");
    assert_eq!(std::fs::read(user.path("data/frenchmedmcqa/dev.json")).unwrap(), b"[{\"id\": \"2\"}]");
    assert!(!user.path("data/frenchmedmcqa/test.json").exists());
    user.run(&["frenchmedmcqa", "--out", "data", "--revision", "other"], &[])
        .with(2, "--update replaces what is pinned");
}

#[test]
fn a_file_that_was_changed_here_is_never_replaced() {
    let user = User::new();
    user.fetch(&[]).with(0, REPOSITORY);
    let edited = user.path("data/frenchmedmcqa/dev.json");
    std::fs::remove_file(&edited).unwrap();
    std::fs::write(&edited, "mine").unwrap();
    for arguments in [&["frenchmedmcqa", "--out", "data"][..], &["frenchmedmcqa", "--out", "data", "--update"]] {
        user.run(arguments, &[]).with(2, "it was changed here or is another file; remove it to fetch it again");
        assert_eq!(std::fs::read(&edited).unwrap(), b"mine");
    }
}

#[test]
fn the_token_goes_to_the_hub_alone_and_into_no_message() {
    let user = User::new();
    let token = [("HF_TOKEN", "hf_secret")];
    user.hub.fail("GET /large/", Fault::Status(403, "X-Error-Message", "expired"));
    let ended = user.fetch(&token).with(2, "status 403: expired");
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert!(!all.contains("hf_secret") && !all.contains("signature"), "{all}");
    user.fetch(&token).with(0, REPOSITORY);
    let seen = user.hub.seen();
    for seen in &seen {
        let expected = (seen.server == "hub").then_some("Bearer hf_secret");
        assert_eq!(seen.authorization.as_deref(), expected, "{}", seen.line);
    }
    assert!(["hub", "cdn"].iter().all(|server| seen.iter().any(|seen| seen.server == *server)));
    std::fs::remove_dir_all(user.path("data")).unwrap();
    std::fs::write(user.path("hf/token"), "hf_file\n").unwrap();
    user.fetch(&[]).with(0, REPOSITORY);
    assert!(user.hub.seen().iter().all(|seen| seen.authorization.as_deref() == Some("Bearer hf_file")));
    std::fs::remove_file(user.path("hf/token")).unwrap();
    user.run(&["frenchmedmcqa", "--out", "data", "--update"], &[]).with(0, REPOSITORY);
    assert!(user.hub.seen().iter().all(|seen| seen.authorization.is_none()));
}

#[test]
fn a_source_that_is_not_on_the_hub_is_explained_and_the_others_are_fetched() {
    let user = User::new();
    let ended = user.run(&["mmlu_fr", "frenchmedmcqa", "--out", "data", "--json"], &[]);
    let ended = ended.with(2, "mmlu_fr: it cannot be downloaded").with(2, "https://github.com/OpenNMT");
    let ended = ended
        .with(2, "put its files, named like *_test.fr.csv")
        .with(2, "1 of 2 sources could not be fetched: mmlu_fr");
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (&report["sources"][0]["source"], &report["failed"][0]["source"]),
        (&"frenchmedmcqa".into(), &"mmlu_fr".into())
    );
    user.has_everything();
    assert!(!user.path("data/mmlu_fr").exists());
    user.run(&["nothing", "--out", "data"], &[]).with(2, "expected one of");
    user.run(&["frenchmedmcqa", "mmlu_fr", "--out", "x", "--revision", "main"], &[])
        .with(2, "expected a single SOURCE");
    user.run(&["frenchmedmcqa", "--out", "x", "--repository", "y=a/b"], &[]).with(2, "expected SOURCE=OWNER/NAME");
    user.run(&["frenchmedmcqa", "--out", "x", "--repository", "frenchmedmcqa=../b"], &[])
        .with(2, "expected OWNER/NAME");
    user.run(&["mmlu_fr", "--out", "x", "--repository", &format!("mmlu_fr={REPOSITORY}")], &[])
        .with(2, "expected files named like")
        .with(2, "found README.md, dev.json, test.json, train.json");
}

#[test]
fn a_dry_run_writes_nothing() {
    let user = User::new();
    user.run(&["frenchmedmcqa", "--out", "data", "--dry-run"], &[]).with(0, "missing           240000  train.json");
    assert_eq!(std::fs::read_dir(user.home.path()).unwrap().count(), 0);
    assert!(!user.hub.seen().iter().any(|seen| seen.line.starts_with("GET /datasets/")));
}

#[test]
fn a_path_that_leads_out_of_the_directory_is_refused() {
    let user = User::new();
    user.hub.put("../../train.json", "[]", false);
    user.fetch(&[]).with(2, "expected paths inside the repository, found \"../../train.json\"");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named() {
    let user = User::new();
    let incomplete = user.blob(&format!("{}.incomplete", sha256(&user.train)));
    std::os::unix::fs::symlink(Path::new("/dev/full"), &incomplete).unwrap();
    user.fetch(&[]).with(2, "no space left for ").with(2, "HF_HUB_CACHE");
    assert!(!user.path("data").exists());
}

/// Python's `huggingface_hub` and this program use each other's cache: the one fetches, the other finds it offline.
#[test]
fn the_cache_is_that_of_huggingface_hub() {
    let python = std::env::var("MEDINJECTION_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/hub.py");
    let run = |user: &User, variables: &[(&str, &str)]| {
        let mut command = std::process::Command::new(&python);
        command.arg(&script).arg(REPOSITORY).env("HF_ENDPOINT", &user.hub.address);
        command.env("HF_HOME", user.path("hf")).envs(variables.iter().copied()).output()
    };
    let (theirs, ours) = (User::new(), User::new());
    let output = match run(&theirs, &[]) {
        Ok(output) if output.status.code() != Some(77) => output,
        _ => {
            eprintln!(
                "SKIPPED the_cache_is_that_of_huggingface_hub: {python} has no huggingface_hub (MEDINJECTION_PYTHON)"
            );
            return;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // What Python has fetched is found here without network.
    theirs.fetch(&[("HF_HUB_OFFLINE", "1")]).with(0, REPOSITORY);
    theirs.has_everything();
    // What was fetched here is found by Python without network, with the same names.
    ours.fetch(&[]).with(0, REPOSITORY);
    let offline = run(&ours, &[("HF_HUB_OFFLINE", "1")]).unwrap();
    assert!(offline.status.success(), "{}", String::from_utf8_lossy(&offline.stderr));
    let hashes = String::from_utf8(offline.stdout).unwrap();
    assert_eq!(hashes, String::from_utf8(output.stdout).unwrap());
    assert!(hashes.contains(&sha256(&ours.train)), "{hashes}");
}
