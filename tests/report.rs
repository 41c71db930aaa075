//! `score` and `report` as a user types them, on a run made here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/run.rs"]
mod made;

use std::path::Path;

use made::{medinjection, predictions, run};
use serde_json::Value;

#[test]
fn a_score_counts_what_is_right_and_is_not_made_twice() {
    let directory = tempfile::tempdir().unwrap();
    let run = run(directory.path(), "native", "smollm2", "completed");
    let path = run.join("scores/base.json");
    let scores: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    // Multiples of 3: 7 of 40..60 and 14 of 0..40.
    assert_eq!(scores["sets"][0]["task"], "mcqu");
    assert_eq!(scores["sets"][0]["num_records"], 40);
    assert!((scores["sets"][0]["exact_match"].as_f64().unwrap() - 14.0 / 40.0).abs() < 1e-12);
    assert!((scores["aggregate"]["exact_match"].as_f64().unwrap() - 0.35 / 2.0 - 6.0 / 20.0 / 2.0).abs() < 0.03);
    let (input, out) = (run.join("predictions/base.jsonl"), path.to_str().unwrap());
    let arguments = ["score", "--predictions", input.to_str().unwrap(), "--out", out];
    let (code, stdout, stderr) = medinjection(&arguments);
    assert!(code == 0 && stderr.contains("up to date") && stdout.contains("frenchmedmcqa"), "{stdout}{stderr}");
    std::fs::write(&input, predictions(|_| true)).unwrap();
    let (code, _, stderr) = medinjection(&arguments);
    assert!(code == 2 && stderr.contains("--force"), "{stderr}");
}

#[test]
fn the_page_holds_the_table_escapes_everything_and_asks_the_network_for_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let run = run(directory.path(), "native_translated", "smollm2", "completed");
    let out = directory.path().join("report.html");
    let arguments = ["report", run.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let (code, stdout, stderr) = medinjection(&arguments);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("frenchmedmcqa") && stdout.contains("95 % interval"), "{stdout}");
    let page = std::fs::read_to_string(&out).unwrap();
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
    for forbidden in ["src=", "@import", "url(", "<link", "NaN", directory.path().to_str().unwrap()] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    for expected in ["native_translated (NAT-TRAD)", "49.24", "Training loss from 2.200 at step 1", "jaccard"] {
        assert!(page.contains(expected), "{expected}");
    }
    assert!(!page.contains("random weights"));
    assert!(medinjection(&arguments).2.contains("up to date"));
}

#[test]
fn the_page_never_replaces_a_file_of_the_run() {
    let directory = tempfile::tempdir().unwrap();
    let run = run(directory.path(), "native", "smollm2", "completed");
    let scores = std::fs::read(run.join("scores/base.json")).unwrap();
    std::fs::hard_link(run.join("scores/base.json"), directory.path().join("other.html")).unwrap();
    for out in [run.join("scores/base.json"), directory.path().join("other.html"), run.clone()] {
        for force in [&[][..], &["--force"]] {
            let arguments = ["report", run.to_str().unwrap(), "--out", out.to_str().unwrap()];
            let (code, _, stderr) = medinjection(&[&arguments[..], force].concat());
            assert!(code == 2 && stderr.contains("give another output") && !stderr.contains("--force"), "{stderr}");
        }
    }
    assert_eq!(std::fs::read(run.join("scores/base.json")).unwrap(), scores);
}

#[test]
fn files_of_a_run_may_begin_with_a_byte_order_mark_and_hold_blank_lines() {
    let directory = tempfile::tempdir().unwrap();
    let run = run(directory.path(), "native", "smollm2", "completed");
    for file in ["metrics.jsonl", "status.json", "config.toml", "mixture.json"] {
        let text = std::fs::read_to_string(run.join(file)).unwrap();
        std::fs::write(run.join(file), format!("\u{feff}\n{text}\n\n")).unwrap();
    }
    let out = directory.path().join("report.html");
    let (code, _, stderr) = medinjection(&["report", run.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert!(code == 0 && stderr.is_empty(), "{stderr}");
}

#[test]
fn a_random_model_is_said_to_be_one() {
    let directory = tempfile::tempdir().unwrap();
    let run = run(directory.path(), "all", "tiny_qwen3", "completed");
    let out = directory.path().join("report.html");
    let (_, stdout, _) = medinjection(&["report", run.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert!(stdout.contains("warning: all: the model tiny_qwen3 has random weights"), "{stdout}");
    assert!(std::fs::read_to_string(&out).unwrap().contains("random weights"));
}

#[test]
fn metrics_that_are_not_whole_are_warned_of() {
    let directory = tempfile::tempdir().unwrap();
    let run = run(directory.path(), "all", "smollm2", "completed");
    let path = run.join("metrics.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    let half = whole.lines().take(3).collect::<Vec<_>>().join("\n");
    for (text, expected) in [
        ("", "expected losses up to step 8, found them up to step 0"),
        ("{\"step\":8}", "expected losses up to step 8, found them up to step 0"),
        (&half, "expected losses up to step 8, found them up to step 3"),
        (&format!("{whole}\n{whole}"), "expected steps in ascending order, found step 1 after 8"),
        (&whole, ""),
    ] {
        std::fs::write(&path, text).unwrap();
        let out = directory.path().join("report.html");
        let (code, stdout, stderr) =
            medinjection(&["report", run.to_str().unwrap(), "--out", out.to_str().unwrap(), "--force"]);
        assert_eq!(code, 0, "{stderr}");
        let page = std::fs::read_to_string(&out).unwrap();
        for said in [&stdout, &page] {
            let warned = said.contains(&format!("metrics.jsonl is not whole: {expected}"));
            assert_eq!(warned, !expected.is_empty(), "{expected}: {said}");
        }
    }
}

#[test]
fn several_runs_are_a_row_each() {
    let directory = tempfile::tempdir().unwrap();
    let runs = ["a/native", "b/native"].map(|name| run(directory.path(), name, "smollm2", "completed"));
    let out = directory.path().join("report.html");
    let paths = runs.each_ref().map(|run| run.to_str().unwrap());
    let (code, stdout, stderr) = medinjection(&["report", paths[0], paths[1], "--out", out.to_str().unwrap()]);
    assert!(code == 0 && stdout.contains("a/native") && stdout.contains("b/native"), "{stdout}{stderr}");
    let (code, _, stderr) = medinjection(&["report", paths[0], paths[0], "--out", out.to_str().unwrap()]);
    assert!(code == 2 && stderr.contains("found this one twice"), "{stderr}");
}

#[test]
fn what_cannot_be_reported_is_refused_by_name_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("report.html");
    let report = |run: &Path, more: &[&str]| {
        let mut arguments = vec!["report", run.to_str().unwrap(), "--out", out.to_str().unwrap()];
        arguments.extend(more);
        medinjection(&arguments)
    };
    let stopped = run(directory.path(), "stopped", "smollm2", "stopped");
    let (code, _, stderr) = report(&stopped, &[]);
    assert!(code == 2 && stderr.contains("--allow-unfinished") && !out.exists(), "{stderr}");
    assert!(report(&stopped, &["--allow-unfinished"]).1.contains("was stopped at step 8"));
    std::fs::remove_file(&out).unwrap();

    let killed = run(directory.path(), "killed", "smollm2", "completed");
    std::fs::remove_file(killed.join("status.json")).unwrap();
    let (code, _, stderr) = report(&killed, &[]);
    assert!(code == 2 && stderr.contains("--allow-unfinished") && !out.exists(), "{stderr}");
    assert!(stderr.contains("was killed or still goes on, without a status.json"), "{stderr}");
    assert!(
        report(&killed, &["--allow-unfinished"])
            .1
            .contains("was killed or still goes on, without a status.json, at step 8")
    );
    std::fs::remove_file(&out).unwrap();

    let other = run(directory.path(), "other", "smollm2", "completed");
    std::fs::write(other.join("predictions/tuned.jsonl"), predictions(|_| true)).unwrap();
    let (code, _, stderr) = report(&other, &[]);
    assert!(code == 2 && stderr.contains("scores/tuned.json") && stderr.contains("score it again"), "{stderr}");
    for (file, text) in [("metrics.jsonl", "{\"step\":1}\n{"), ("status.json", "{}"), ("config.toml", "[")] {
        let broken = run(directory.path(), "broken", "smollm2", "completed");
        std::fs::write(broken.join(file), text).unwrap();
        let (code, _, stderr) = report(&broken, &[]);
        assert!(code == 2 && stderr.contains(file) && !out.exists(), "{file}: {stderr}");
    }
}
