//! Real processes under `mpirun`: ranks, micro-batches and accumulation divide a step without changing it, and a rank
//! that fails ends all.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files fails")]

#[path = "support/workshop.rs"]
mod workshop;

use std::process::Command;

use serde_json::Value;
use workshop::{CONFIG, MPIRUN, Workshop, text, training_row};

const TOLERANCE: f64 = 1e-5;

fn evaluation_row(row: usize) -> String {
    let (task, choices) = if row.is_multiple_of(2) { ("mcqu", "ABCD") } else { ("mcq", "ABC") };
    let choices: Vec<String> =
        choices.chars().map(|label| format!("{{\"label\":\"{label}\",\"text\":\"choix {label}{row}\"}}")).collect();
    let question = "Quelle dose ? ".repeat(1 + row * 3 % 4);
    format!(
        "{{\"id\":\"q{row}\",\"task\":\"{task}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{question}\"}}],\"choices\":[{}],\"level\":{row}}}\n",
        choices.join(",")
    )
}

#[test]
fn every_division_of_a_step_gives_the_same_losses_with_dropout_on() {
    let workshop = Workshop::new();
    let divisions: [(usize, &str, &[&str]); 4] = [
        (1, "whole", &["train.micro_batch_size=8"]),
        (1, "accumulated", &["train.micro_batch_size=2"]),
        (2, "two_ranks", &["train.micro_batch_size=2"]),
        (2, "kept", &["train.micro_batch_size=4", "train.gradient_checkpointing=false"]),
    ];
    for (ranks, run, settings) in divisions {
        let output = workshop.train(ranks, run, settings);
        assert!(output.status.success(), "{run}: {}", text(&output));
        let differences = workshop.losses(run).into_iter().zip(workshop.losses("whole")).map(|(a, b)| (a - b).abs());
        let largest = differences.fold(0.0, f64::max);
        eprintln!("{run}: losses differ by at most {largest:.1e}");
        assert_eq!(workshop.losses(run).len(), 6);
        assert!(largest < TOLERANCE, "{run}: {largest}");
    }
    let losses = workshop.losses("whole");
    assert!(losses[5] < losses[1], "training lowers the loss: {losses:?}");
    let output = workshop.train(1, "undropped", &["train.micro_batch_size=8", "adapter.dropout=0"]);
    assert!(output.status.success());
    let apart = (workshop.losses("undropped")[4] - losses[4]).abs();
    assert!(apart > 10.0 * TOLERANCE, "dropout changes the loss by {apart} only");
}

#[test]
fn a_run_says_where_it_was_made_on_each_start() {
    let workshop = Workshop::new();
    let starts = |run: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(workshop.path(run).join("environment.json")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["starts"].as_array().unwrap().clone()
    };
    assert!(workshop.train(2, "two", &[]).status.success());
    let of_two = starts("two");
    assert_eq!((of_two.len(), &of_two[0]["world_size"], &of_two[0]["device"]), (1, &2.into(), &"cpu".into()));
    assert_eq!(of_two[0]["ranks"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&of_two[0]["ranks"][1]["threads"], of_two[0]["ranks"][0]["host"].as_str().unwrap().is_empty()),
        (&1.into(), false)
    );
    assert!(of_two[0]["libtorch"].as_str().unwrap().starts_with("2."), "{of_two:?}");
    // A run that goes on, under another job: both starts are there, and the first as it was.
    let train = |job: &str, more: &[&str]| {
        let arguments = ["train", "--config", "sft.toml", "--device", "cpu", "--set", "output.dir=one"];
        let mut command = workshop.command(1, &[&arguments[..], more].concat());
        command.env("SLURM_JOB_ID", job).env("MEDINJECTION_COMMIT", "0123abc-dirty").output().unwrap()
    };
    let first = train("7", &[]);
    assert!(first.status.success(), "{}", text(&first));
    let written = starts("one");
    assert_eq!((&written[0]["slurm"]["SLURM_JOB_ID"], &written[0]["commit"]), (&"7".into(), &"0123abc-dirty".into()));
    // As a run that is killed after its last checkpoint.
    std::fs::remove_file(workshop.path("one/status.json")).unwrap();
    let second = train("8", &["--resume"]);
    assert!(second.status.success(), "{}", text(&second));
    let again = starts("one");
    assert_eq!((again.len(), &again[0], &again[1]["slurm"]["SLURM_JOB_ID"]), (2, &written[0], &"8".into()));
    assert!(again[1]["step"].as_u64().unwrap() > 0);
}

#[test]
fn a_run_is_whole_repeatable_and_made_once() {
    let workshop = Workshop::new();
    for run in ["first", "second"] {
        assert!(workshop.train(2, run, &[]).status.success());
    }
    assert_eq!(workshop.adapter("first"), workshop.adapter("second"));
    assert_eq!(workshop.status("first")["state"], "completed");
    assert_eq!(workshop.status("first")["step"], 6);
    assert!(workshop.path("first/mixture.json").exists() && workshop.path("first/config.toml").exists());
    let again = workshop.train(2, "first", &[]);
    assert!(again.status.success() && text(&again).contains("up to date"), "{}", text(&again));
    let other = workshop.train(1, "first", &["train.seed=7"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other).contains("--force"), "{}", text(&other));
    assert_eq!(workshop.adapter("first"), workshop.adapter("second"));
}

#[test]
fn a_rank_that_fails_ends_all_with_one_message() {
    let workshop = Workshop::new();
    let binary = env!("CARGO_BIN_EXE_medinjection-launch");
    std::fs::write(workshop.path("sft.toml"), CONFIG).unwrap();
    // Rank 1 alone finds no rows.
    let one = |data: &str| {
        format!(
            "{binary} train --config sft.toml --device cpu --set output.dir=run --set train.global_batch_size=12 --set data.train={data}"
        )
    };
    let script = format!(
        "if [ $OMPI_COMM_WORLD_RANK = 1 ]; then exec {}; else exec {}; fi",
        one("gone.jsonl"),
        one("train.jsonl")
    );
    let output = Command::new("timeout")
        .arg("60")
        .args(MPIRUN)
        .args(["3", "sh", "-c", &script])
        .current_dir(workshop.path(""))
        .env("OMP_NUM_THREADS", "1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    let message = text(&output);
    assert!(message.contains("error: rank 1 failed: gone.jsonl"), "{message}");
    assert_eq!(message.matches("error: ").count(), 1, "{message}");
    assert!(!workshop.path("run").exists());
}

#[test]
fn bad_input_is_refused_by_two_ranks_with_one_message_and_no_output() {
    let workshop = Workshop::new();
    std::fs::write(workshop.path("bad.jsonl"), format!("{}{{\"messages\":3}}\n", training_row(0, "A"))).unwrap();
    std::fs::write(workshop.path("empty.jsonl"), "").unwrap();
    let refused: [(&str, &str); 6] = [
        ("data.train=bad.jsonl", "bad.jsonl, row 2: not a training row"),
        ("data.train=empty.jsonl", "empty.jsonl: expected at least one training row"),
        ("model.path=nowhere", "nowhere"),
        ("train.epoch=2", "train.epoch: unknown key"),
        ("train.micro_batch_size=3", "train.global_batch_size: expected a multiple of 2 ranks x 3 rows"),
        ("data.max_tokens=20", "train.jsonl, row 1: "),
    ];
    for (setting, named) in refused {
        let output = workshop.train(2, "run", &[setting]);
        let message = text(&output);
        assert_eq!(output.status.code(), Some(2), "{setting}: {message}");
        assert!(message.contains(named), "{setting}: {message}");
        assert_eq!(message.matches("error: ").count(), 1, "{setting}: {message}");
        assert!(!workshop.path("run").exists(), "{setting}");
    }
}

#[test]
fn a_loss_that_is_no_number_is_a_failed_run() {
    let workshop = Workshop::new();
    let weights = workshop.path("model/model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    // All bits set is no number in any of the types that weights have.
    let start = bytes.len() - 8;
    bytes[start..].fill(0xff);
    std::fs::write(&weights, bytes).unwrap();
    let output = workshop.train(2, "run", &[]);
    let message = text(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("step 1: expected a finite loss"), "{message}");
    assert_eq!(message.matches("error: ").count(), 1, "{message}");
    assert_eq!(workshop.status("run")["state"], "failed");
    assert_eq!(workshop.status("run")["step"], 0);
    assert!(!workshop.path("run/adapter").exists());
}

#[test]
fn one_rank_and_two_evaluate_alike_at_each_epoch_and_at_the_end() {
    let workshop = Workshop::new();
    let settings = ["data.validation=validation.jsonl", "train.max_steps=4"];
    let evaluations = |ranks: usize, run: &str, micro: &str| {
        let output = workshop.train(ranks, run, &[&settings[..], &[micro]].concat());
        assert!(output.status.success() && text(&output).contains("step 3, validation: loss "), "{}", text(&output));
        let lines = workshop.metrics(run).into_iter().filter(|line| line.get("eval_loss").is_some());
        lines.collect::<Vec<_>>()
    };
    let (alone, shared) =
        (evaluations(1, "alone", "train.micro_batch_size=8"), evaluations(2, "shared", "train.micro_batch_size=1"));
    assert_eq!(alone.iter().map(|line| line["step"].as_u64().unwrap()).collect::<Vec<_>>(), [3, 4]);
    for (alone, shared) in alone.iter().zip(&shared) {
        let [left, right] = [alone, shared].map(|line| line["eval_loss"].as_f64().unwrap());
        assert!(left > 0.0 && (left - right).abs() < TOLERANCE, "{alone} {shared}");
        assert_eq!(alone["eval_exact_match"], shared["eval_exact_match"]);
        // Four questions have choices.
        assert!((alone["eval_exact_match"].as_f64().unwrap() * 4.0).fract().abs() < 1e-12, "{alone}");
    }
}

#[test]
fn a_dry_run_says_what_would_be_done_and_writes_nothing() {
    let workshop = Workshop::new();
    std::fs::write(workshop.path("sft.toml"), CONFIG).unwrap();
    let output = workshop.launch(2, &["train", "--config", "sft.toml", "--dry-run", "--set", "output.dir=run"]);
    let plan = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && plan.contains("8 rows = 2 ranks x 4 rows x 1 micro-steps"),
        "{plan}{}",
        text(&output)
    );
    assert_eq!(plan.matches("steps            6 (3 an epoch)").count(), 1, "{plan}");
    // Of the first row the loss predicts all but the first token.
    let marked = plan.split("row 1\n").nth(1).unwrap().split("\n\nrow 2").next().unwrap();
    assert!(marked.contains("⟦") && marked.contains("0 Une question ?") && marked.ends_with("⟧"), "{plan}");
    let completion =
        ["train", "--config", "sft.toml", "--dry-run", "--set", "output.dir=run", "--set", "data.loss_on=completion"];
    let plan = String::from_utf8_lossy(&workshop.launch(1, &completion).stdout).into_owned();
    let marked = plan.split("row 1\n").nth(1).unwrap().split("\n\nrow 2").next().unwrap();
    let predicted = marked.split('⟦').nth(1).unwrap();
    assert!(predicted.starts_with('B') && !predicted.contains("question"), "{plan}");
    assert!(!workshop.path("run").exists());
}

#[test]
fn two_ranks_predict_what_one_rank_predicts() {
    let workshop = Workshop::new();
    let rows: Vec<String> = (0..13).map(evaluation_row).collect();
    std::fs::write(workshop.path("test.jsonl"), rows.concat()).unwrap();
    assert!(workshop.train(1, "run", &[]).status.success());
    let predict = |ranks, out: &str, batch: &str| {
        let arguments = ["predict", "--model", "model", "--adapter", "run", "--data", "test.jsonl", "--out", out];
        let output = workshop.launch(ranks, &[&arguments[..], &["--batch-size", batch, "--device", "cpu"]].concat());
        assert!(output.status.success(), "{}", text(&output));
        let lines = std::fs::read_to_string(workshop.path(out)).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let (alone, shared) = (predict(1, "alone.jsonl", "4"), predict(2, "shared.jsonl", "3"));
    assert_eq!(alone.len(), 13);
    for (index, (alone, shared)) in alone.iter().zip(&shared).enumerate() {
        for key in ["id", "task", "level", "prediction", "parsed", "choices"] {
            assert_eq!(alone[key], shared[key], "{key} of row {index}");
        }
        assert_eq!(alone["id"], format!("q{index}"));
    }
}
