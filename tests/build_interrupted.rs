//! Builds that are killed or that find no room: nothing half-made is ever in the place of the data set.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const NUM_KILLS: u32 = 20;

fn program() -> PathBuf {
    assert_cmd::cargo::cargo_bin("medinjection")
}

fn build(directory: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.current_dir(directory).args(["build", "--sample", "--out", "out"]).args(options);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn message(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Every file below `directory` with its bytes; `None` where there is no such directory.
fn tree(directory: &Path) -> Option<BTreeMap<PathBuf, Vec<u8>>> {
    fn add(directory: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, files);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                files.insert(path, bytes);
            }
        }
    }
    directory.exists().then(|| {
        let mut files = BTreeMap::new();
        add(directory, &mut files);
        files.into_iter().map(|(path, bytes)| (path.strip_prefix(directory).unwrap().to_owned(), bytes)).collect()
    })
}

/// Fractions in [0, 1), the same in every run.
fn fractions() -> impl Iterator<Item = f64> {
    let mut state = 42_u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX)
    })
}

#[test]
fn a_build_killed_at_any_moment_leaves_nothing_or_the_old_data_set_and_the_next_one_completes_it() {
    let whole = tempfile::tempdir().unwrap();
    let begin = Instant::now();
    assert!(build(whole.path(), &[]).status().unwrap().success());
    let duration = begin.elapsed();
    let expected = tree(&whole.path().join("out")).unwrap();
    let other = tempfile::tempdir().unwrap();
    assert!(build(other.path(), &["--layout", "published"]).status().unwrap().success());
    let old = tree(&other.path().join("out")).unwrap();
    assert_ne!(old, expected);
    let (mut num_before_the_end, mut num_unfinished) = (0, 0);
    for (number, fraction) in (0..NUM_KILLS).zip(fractions()) {
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("out");
        // Every second build would replace a data set.
        let has_old = number % 2 == 1;
        if has_old {
            for (path, bytes) in &old {
                let path = out.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            }
        }
        let mut child = build(directory.path(), &["--force"]).spawn().unwrap();
        std::thread::sleep(duration.mul_f64(fraction));
        num_before_the_end += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let found = tree(&out);
        let is_whole = found.as_ref() == Some(&expected) || (has_old && found.as_ref() == Some(&old));
        assert!(found.is_none() || is_whole, "kill {number}: {:?}", found.unwrap().keys());
        num_unfinished += u32::from(found.as_ref() != Some(&expected));
        let again = build(directory.path(), &["--force"]).output().unwrap();
        assert!(again.status.success(), "kill {number}: {}", message(&again));
        assert!(
            tree(&out).unwrap() == expected,
            "kill {number}: other bytes than those of a build that was not killed"
        );
        let names: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["out"], "kill {number}");
    }
    // Else the test has shown nothing.
    assert!(num_before_the_end >= NUM_KILLS / 2, "{num_before_the_end} of {NUM_KILLS} kills came before the end");
    assert!(num_unfinished >= NUM_KILLS / 2, "{num_unfinished} of {NUM_KILLS} builds were not finished");
}

#[test]
fn where_no_file_can_grow_the_build_ends_with_2_names_the_file_and_leaves_nothing() {
    let whole = tempfile::tempdir().unwrap();
    assert!(build(whole.path(), &[]).status().unwrap().success());
    let expected = tree(&whole.path().join("out")).unwrap();
    let largest = expected.values().map(Vec::len).max().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (mut files, mut num_blocks) = (Vec::new(), 0);
    let begin = Instant::now();
    loop {
        // Without the trap the system ends the process instead of refusing to write. A block has 512 bytes in POSIX.
        let script = format!(
            "trap '' XFSZ; ulimit -f {num_blocks}; exec {:?} build --sample --out out",
            program().to_str().unwrap()
        );
        let output = Command::new("sh").current_dir(directory.path()).args(["-c", &script]).output().unwrap();
        if output.status.success() {
            break;
        }
        let message = message(&output);
        assert_eq!(output.status.code(), Some(2), "{num_blocks} blocks: {message}");
        assert!(message.starts_with("error: .medinjection-out/"), "{num_blocks} blocks: {message}");
        assert!(message.contains("File too large"), "{num_blocks} blocks: {message}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "{num_blocks} blocks");
        files.push(message.split(": ").nth(1).unwrap().to_owned());
        num_blocks = if num_blocks == 0 { 1 } else { num_blocks * 2 };
        assert!(begin.elapsed() < Duration::from_mins(1) && num_blocks * 512 < 64 * largest, "{files:?}");
    }
    files.dedup();
    assert!(files.len() > 1, "expected several files to find no room, one after the other, found {files:?}");
    assert!(tree(&directory.path().join("out")).unwrap() == expected);
}
