//! Real processes under `mpirun`: ranks, micro-batches and accumulation divide a step without changing it, and a rank
//! that fails ends all.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files fails")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

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
        let rows: Vec<String> = (0..5).map(validation_row).collect();
        std::fs::write(workshop.path("validation.jsonl"), rows.concat()).unwrap();
        workshop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of the launcher with `ranks` processes; one is started without `mpirun`.
    fn command(&self, ranks: usize, arguments: &[&str]) -> Command {
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
        command.args(arguments).current_dir(self.folder.path()).env("OMP_NUM_THREADS", "1");
        command
    }

    fn launch(&self, ranks: usize, arguments: &[&str]) -> Output {
        self.command(ranks, arguments).output().unwrap()
    }

    /// Begins to train into `run`, with more arguments.
    fn start(&self, ranks: usize, run: &str, arguments: &[&str]) -> Child {
        std::fs::write(self.path("sft.toml"), CONFIG).unwrap();
        let output = format!("output.dir={run}");
        let arguments = [&["train", "--config", "sft.toml", "--device", "cpu", "--set", &output], arguments].concat();
        self.command(ranks, &arguments).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Returns when `run` has written `num_steps` lines of metrics.
    fn wait_for_steps(&self, run: &str, num_steps: usize, child: &mut Child) {
        let metrics = self.path(run).join("metrics.jsonl");
        while std::fs::read_to_string(&metrics).map_or(0, |text| text.lines().count()) < num_steps {
            assert!(child.try_wait().unwrap().is_none(), "the run ended by itself");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
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
        self.metrics(run).iter().filter_map(|line| line["loss"].as_f64()).collect()
    }

    /// The lines of metrics, without what depends on the machine.
    fn metrics(&self, run: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path(run).join("metrics.jsonl")).unwrap();
        let line = |line: &str| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let object = line.as_object_mut().unwrap();
            object.retain(|key, _| {
                !["elapsed_seconds", "tokens_per_second", "peak_memory_bytes"].contains(&key.as_str())
            });
            line
        };
        text.lines().map(line).collect()
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

/// Questions with one answer and with several, and one without choices.
fn validation_row(row: usize) -> String {
    let turns = format!(
        "\"messages\":[{{\"role\":\"user\",\"content\":\"{row} Laquelle ?\"}},{{\"role\":\"assistant\",\"content\":\"B\"}}]"
    );
    let task = ["mcqu", "mcq"][row % 2];
    let choices =
        "\"choices\":[{\"label\":\"A\",\"text\":\"a\"},{\"label\":\"B\",\"text\":\"b\"}],\"answer_labels\":[\"B\"]";
    if row == 4 { format!("{{{turns}}}\n") } else { format!("{{{turns},\"task\":\"{task}\",{choices}}}\n") }
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

/// Sends the signal `name` to a process.
fn signal(name: &str, process: u32) {
    assert!(Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status().unwrap().success());
}

#[test]
fn a_terminated_run_leaves_a_checkpoint_that_is_never_passed_over_in_silence() {
    let workshop = Workshop::new();
    let mut child = workshop.start(1, "run", &["--set", "train.epochs=100000"]);
    workshop.wait_for_steps("run", 2, &mut child);
    signal("TERM", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let status = workshop.status("run");
    assert_eq!((&status["state"], &status["reason"]), (&"stopped".into(), &"SIGTERM".into()));
    let step = workshop.losses("run").len();
    assert_eq!(status["step"], step);
    let checkpoint = format!("run/checkpoints/step-{step}");
    assert!(workshop.path(&checkpoint).join("adapter/adapter_config.json").exists());

    let refusal = |output: Output| {
        assert_eq!(output.status.code(), Some(2));
        text(&output)
    };
    let message = refusal(workshop.train(1, "run", &["train.epochs=100000"]));
    assert!(message.contains(&format!("checkpoint after step {step}; go on from it with --resume")), "{message}");
    let message = refusal(workshop.start(1, "run", &["--resume"]).wait_with_output().unwrap());
    assert!(message.contains("train.epochs is 100000, not 2; give another directory"), "{message}");
    let forced = workshop.start(1, "run", &["--force"]).wait_with_output().unwrap();
    assert!(forced.status.success(), "{}", text(&forced));
    assert_eq!((workshop.status("run")["state"].as_str(), workshop.losses("run").len()), (Some("completed"), 6));
}

#[test]
fn a_run_that_is_killed_at_any_moment_goes_on_as_if_it_had_not_been() {
    const SETTINGS: [&str; 8] = [
        "--set",
        "train.epochs=8",
        "--set",
        "train.save_every_steps=1",
        "--set",
        "data.validation=validation.jsonl",
        "--set",
        "train.eval_every_steps=2",
    ];
    let workshop = Workshop::new();
    assert!(workshop.start(1, "whole", &SETTINGS).wait().unwrap().success());
    let (mut num_kills, mut state) = (0, 12_345_u64);
    let arguments = [&SETTINGS[..], &["--resume"]].concat();
    while num_kills < 20 {
        let mut child = workshop.start(1, "killed", &arguments);
        // From before the model is loaded to a few steps after.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(std::time::Duration::from_millis(30 + (state >> 33) % 250));
        if child.try_wait().unwrap().is_some_and(|status| status.success()) {
            break;
        }
        signal("KILL", child.id());
        child.wait().unwrap();
        num_kills += 1;
    }
    let last = workshop.start(1, "killed", &arguments).wait_with_output().unwrap();
    assert!(last.status.success() && num_kills > 0, "{num_kills} kills: {}", text(&last));
    assert_eq!(workshop.metrics("killed"), workshop.metrics("whole"));
    assert_eq!((workshop.losses("whole").len(), workshop.metrics("whole").len()), (24, 36));
    assert_eq!(workshop.adapter("killed"), workshop.adapter("whole"));
}

#[test]
fn what_was_tampered_with_or_is_in_use_is_not_gone_on_with() {
    let workshop = Workshop::new();
    let settings = ["--set", "train.epochs=100000", "--set", "train.log_every_steps=2", "--resume"];
    let mut child = workshop.start(1, "run", &settings);
    workshop.wait_for_steps("run", 2, &mut child);
    let refusal = |ranks| {
        let output = workshop.start(ranks, "run", &settings).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        text(&output)
    };
    let message = refusal(1);
    assert!(message.contains("output.dir: run: another run works in it"), "{message}");
    signal("INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    std::fs::write(workshop.path("run/metrics.jsonl"), "{}\n").unwrap();
    for ranks in [1, 2] {
        let message = refusal(ranks);
        assert!(
            message.contains("metrics.jsonl: expected the ") && message.contains("found 0: it was changed"),
            "{message}"
        );
        assert_eq!(message.contains("2 ranks go on with what 1 began"), ranks == 2, "{message}");
    }
}

#[test]
fn two_ranks_whose_time_is_up_ask_to_be_queued_again_and_go_on() {
    const SETTINGS: [&str; 4] = ["--set", "train.epochs=60", "--set", "train.micro_batch_size=2"];
    let workshop = Workshop::new();
    let mut child = workshop.start(2, "run", &[&SETTINGS[..], &["--resume"]].concat());
    workshop.wait_for_steps("run", 2, &mut child);
    // mpirun passes it on to the ranks.
    signal("USR1", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(75));
    assert_eq!(workshop.status("run")["state"], "requeue");
    let stopped = workshop.losses("run").len();
    assert!((2..180).contains(&stopped), "{stopped}");
    let resumed = workshop.start(2, "run", &[&SETTINGS[..], &["--resume"]].concat()).wait_with_output().unwrap();
    let message = text(&resumed);
    assert!(resumed.status.success() && message.contains(&format!("checkpoint after step {stopped}")), "{message}");
    assert!(workshop.start(2, "whole", &SETTINGS).wait().unwrap().success());
    assert_eq!(workshop.losses("run"), workshop.losses("whole"));
    assert_eq!(workshop.adapter("run"), workshop.adapter("whole"));
}

#[test]
fn one_rank_and_two_evaluate_alike_at_each_epoch_and_at_the_end() {
    let workshop = Workshop::new();
    let settings = ["--set", "data.validation=validation.jsonl", "--set", "train.max_steps=4"];
    let evaluations = |ranks: usize, run: &str, micro: &str| {
        let output =
            workshop.start(ranks, run, &[&settings[..], &["--set", micro]].concat()).wait_with_output().unwrap();
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
