//! Real processes under `mpirun`: ranks, micro-batches and accumulation divide a step without changing it, and a rank
//! that fails ends all.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const TOLERANCE: f64 = 1e-5;

/// A folder with the tiny random model, rows to train on and questions to answer.
struct Workshop {
    folder: tempfile::TempDir,
}

impl Workshop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tiny_model.py");
        let made = Command::new("python3").arg(script).arg("--out").arg(folder.path().join("model")).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let workshop = Self { folder };
        // Of 22 rows, 8 a step, the last step of an epoch has 6: one rank has less to do than the other.
        let rows: Vec<String> = (0..22).map(|row| training_row(row, "B")).collect();
        std::fs::write(workshop.path("train.jsonl"), rows.concat()).unwrap();
        std::fs::write(workshop.path("mixture.json"), "{}").unwrap();
        workshop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command of the launcher with `ranks` processes; one is started without `mpirun`.
    fn launch(&self, ranks: usize, arguments: &[&str]) -> Output {
        let binary = env!("CARGO_BIN_EXE_medinjection-launch");
        let mut command = if ranks == 1 {
            Command::new(binary)
        } else {
            let mut mpirun = Command::new("mpirun");
            mpirun.args([
                "--allow-run-as-root",
                "--oversubscribe",
                "--bind-to",
                "none",
                "-n",
                &ranks.to_string(),
                binary,
            ]);
            mpirun
        };
        command.args(arguments).current_dir(self.folder.path()).env("OMP_NUM_THREADS", "1").output().unwrap()
    }

    /// Trains into `run` with `ranks` processes.
    fn train(&self, ranks: usize, run: &str, settings: &[&str]) -> Output {
        std::fs::write(self.path("sft.toml"), CONFIG).unwrap();
        let output = format!("output.dir={run}");
        let mut arguments = vec!["train", "--config", "sft.toml", "--device", "cpu", "--set", &output];
        for setting in settings {
            arguments.extend(["--set", *setting]);
        }
        self.launch(ranks, &arguments)
    }

    fn losses(&self, run: &str) -> Vec<f64> {
        let text = std::fs::read_to_string(self.path(run).join("metrics.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["loss"].as_f64().unwrap()).collect()
    }

    fn adapter(&self, run: &str) -> Vec<u8> {
        std::fs::read(self.path(run).join("adapter/adapter_model.safetensors")).unwrap()
    }

    fn status(&self, run: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path(run).join("status.json")).unwrap()).unwrap()
    }
}

const CONFIG: &str = r#"
model.path = "model"
data.train = "train.jsonl"
adapter.rank = 4
adapter.alpha = 8
adapter.dropout = 0.1
optim.learning_rate = 1e-2
train.epochs = 2
train.global_batch_size = 8
train.micro_batch_size = 4
"#;

fn training_row(row: usize, answer: &str) -> String {
    let question = "Une question ? ".repeat(1 + row * 7 % 5);
    format!(
        "{{\"messages\":[{{\"role\":\"user\",\"content\":\"{row} {question}\"}},{{\"role\":\"assistant\",\"content\":\"{answer}\"}}]}}\n"
    )
}

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

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
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
        .args([
            "60",
            "mpirun",
            "--allow-run-as-root",
            "--oversubscribe",
            "--bind-to",
            "none",
            "-n",
            "3",
            "sh",
            "-c",
            &script,
        ])
        .current_dir(workshop.folder.path())
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
fn a_terminated_run_says_so_and_can_be_made_again() {
    let workshop = Workshop::new();
    std::fs::write(workshop.path("sft.toml"), CONFIG).unwrap();
    let binary = env!("CARGO_BIN_EXE_medinjection-launch");
    let mut child = Command::new(binary)
        .args([
            "train",
            "--config",
            "sft.toml",
            "--device",
            "cpu",
            "--set",
            "output.dir=run",
            "--set",
            "train.epochs=100000",
        ])
        .current_dir(workshop.folder.path())
        .env("OMP_NUM_THREADS", "1")
        .spawn()
        .unwrap();
    let metrics = workshop.path("run/metrics.jsonl");
    while std::fs::read_to_string(&metrics).map_or(0, |text| text.lines().count()) < 2 {
        assert!(child.try_wait().unwrap().is_none(), "the run ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let status = workshop.status("run");
    assert_eq!((&status["state"], &status["reason"]), (&"stopped".into(), &"SIGTERM".into()));
    assert_eq!(status["step"], workshop.losses("run").len());
    assert!(workshop.train(1, "run", &[]).status.success());
    assert_eq!(workshop.status("run")["state"], "completed");
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
