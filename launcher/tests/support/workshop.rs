//! A folder in which tests train and predict, alone and under `mpirun`.

#![allow(dead_code, reason = "each test needs a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// `mpirun` up to the number of its ranks; it finds room for them on any machine.
pub(crate) const MPIRUN: [&str; 6] = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n"];

/// Sends the signal `name` to a process. A bare machine has no program for that, but each shell can.
pub(crate) fn signal(name: &str, process: impl std::fmt::Display) {
    assert!(Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status().unwrap().success());
}

/// A folder with the tiny random model, rows to train on and questions to answer.
pub(crate) struct Workshop {
    folder: tempfile::TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of the launcher with `ranks` processes; one is started without `mpirun`.
    pub(crate) fn command(&self, ranks: usize, arguments: &[&str]) -> Command {
        let binary = env!("CARGO_BIN_EXE_medinjection-launch");
        let mut command = if ranks == 1 {
            Command::new(binary)
        } else {
            let mut mpirun = Command::new(MPIRUN[0]);
            mpirun.args(&MPIRUN[1..]).args([&ranks.to_string(), binary]);
            mpirun
        };
        command.args(arguments).current_dir(self.folder.path()).env("OMP_NUM_THREADS", "1");
        command
    }

    pub(crate) fn launch(&self, ranks: usize, arguments: &[&str]) -> Output {
        self.command(ranks, arguments).output().unwrap()
    }

    /// Trains into `run` with `ranks` processes.
    pub(crate) fn train(&self, ranks: usize, run: &str, settings: &[&str]) -> Output {
        std::fs::write(self.path("sft.toml"), CONFIG).unwrap();
        let output = format!("output.dir={run}");
        let mut arguments = vec!["train", "--config", "sft.toml", "--device", "cpu", "--set", &output];
        for setting in settings {
            arguments.extend(["--set", *setting]);
        }
        self.launch(ranks, &arguments)
    }

    pub(crate) fn losses(&self, run: &str) -> Vec<f64> {
        self.metrics(run).iter().filter_map(|line| line["loss"].as_f64()).collect()
    }

    /// Number of lines of metrics that are there.
    pub(crate) fn num_lines(&self, run: &str) -> usize {
        std::fs::read_to_string(self.path(run).join("metrics.jsonl")).map_or(0, |text| text.lines().count())
    }

    /// The lines of metrics, without what depends on the machine.
    pub(crate) fn metrics(&self, run: &str) -> Vec<Value> {
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

    pub(crate) fn adapter(&self, run: &str) -> Vec<u8> {
        std::fs::read(self.path(run).join("adapter/adapter_model.safetensors")).unwrap()
    }

    pub(crate) fn status(&self, run: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path(run).join("status.json")).unwrap()).unwrap()
    }
}

pub(crate) const CONFIG: &str = r#"
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

pub(crate) fn training_row(row: usize, answer: &str) -> String {
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

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
