//! A rank of a CPU run that is killed, has no more memory or meets a loss that is no number: all ranks end, the cause is said, and the last
//! checkpoint is whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files fails")]

#[path = "support/workshop.rs"]
mod workshop;

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use workshop::{CONFIG, MPIRUN, Workshop, signal, text};

/// What a run may take from the failure of one rank to the end of all.
const PATIENCE: Duration = Duration::from_mins(1);
const SAVED: &str = "train.save_every_steps=1";

impl Workshop {
    /// `mpirun` of two ranks that train into `run`; `before` is done by the shell of each first. Each leaves its process in a file.
    fn ranks(&self, run: &str, before: &str, settings: &[&str]) -> Command {
        std::fs::write(self.path("sft.toml"), CONFIG).unwrap();
        let mut command = Command::new(MPIRUN[0]);
        command.args(&MPIRUN[1..]).args(["2", "sh", "-c"]);
        command.arg(format!("echo $$ >pid.$OMPI_COMM_WORLD_RANK; {before}\nexec \"$@\"")).arg("sh");
        command
            .arg(env!("CARGO_BIN_EXE_medinjection-launch"))
            .args(["train", "--config", "sft.toml", "--device", "cpu"]);
        command.args(["--resume", "--set", SAVED, "--set", &format!("output.dir={run}")]);
        for setting in settings {
            command.args(["--set", setting]);
        }
        command.current_dir(self.path("")).env("OMP_NUM_THREADS", "1").stderr(Stdio::piped());
        command
    }

    fn process(&self, rank: usize) -> String {
        std::fs::read_to_string(self.path(&format!("pid.{rank}"))).unwrap().trim().to_owned()
    }

    fn wait_for_steps(&self, run: &str, num_steps: usize) {
        let began = Instant::now();
        while self.num_lines(run) < num_steps {
            assert!(began.elapsed() < PATIENCE, "{num_steps} steps are not made");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Of a job that has ended: it failed, and no rank is left.
    fn check_end(&self, output: &Output) -> String {
        let message = text(output);
        assert!(!output.status.success(), "{message}");
        let is_left = |rank: usize| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", self.process(rank))).unwrap_or_default();
            status.contains("medinjection") && !status.contains("State:\tZ")
        };
        let began = Instant::now();
        while (0..2).any(is_left) {
            assert!(began.elapsed() < PATIENCE, "a rank is still there: {message}");
            std::thread::sleep(Duration::from_millis(20));
        }
        message
    }

    /// Resumes `run` to its end, where it has the adapter of `whole`.
    fn check_resume(&self, run: &str, settings: &[&str], whole: &str) {
        let resumed = self.ranks(run, "", settings).output().unwrap();
        assert!(resumed.status.success(), "{}", text(&resumed));
        assert_eq!(self.adapter(run), self.adapter(whole));
        assert_eq!(self.metrics(run), self.metrics(whole));
    }
}

#[test]
fn a_killed_rank_ends_the_other_whichever_it_is() {
    let workshop = Workshop::new();
    let settings = ["train.epochs=20"];
    let whole = workshop.train(2, "whole", &[SAVED, settings[0]]);
    assert!(whole.status.success(), "{}", text(&whole));
    for rank in 0..2 {
        let run = format!("killed{rank}");
        let job = workshop.ranks(&run, "", &settings).spawn().unwrap();
        workshop.wait_for_steps(&run, 4);
        signal("KILL", workshop.process(rank));
        let began = Instant::now();
        let message = workshop.check_end(&job.wait_with_output().unwrap());
        assert!(began.elapsed() < PATIENCE && message.contains("signal 9"), "{message}");
        assert!(!workshop.path(&run).join("adapter").exists(), "it had come to its end");
        workshop.check_resume(&run, &settings, "whole");
    }
}

#[test]
fn a_rank_without_memory_ends_all_and_says_so() {
    let workshop = Workshop::new();
    let short: String = (0..16).map(|row| workshop::training_row(row, "B")).collect();
    let long = workshop::training_row(0, &"B ".repeat(2_000)).repeat(8);
    std::fs::write(workshop.path("train.jsonl"), &short).unwrap();
    // The addresses that short rows need; what long rows need beyond is refused to rank 1.
    let mut job = workshop.ranks("short", "", &["train.epochs=100000"]).spawn().unwrap();
    workshop.wait_for_steps("short", 5);
    let status = std::fs::read_to_string(format!("/proc/{}/status", workshop.process(1))).unwrap();
    job.kill().unwrap();
    job.wait().unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).unwrap();
    let kibibytes: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();

    std::fs::write(workshop.path("train.jsonl"), short + &long).unwrap();
    let settings = ["data.order=file", "data.max_tokens=8192", "train.epochs=1"];
    assert!(workshop.ranks("whole", "", &settings).output().unwrap().status.success());
    let limit = format!("[ $OMPI_COMM_WORLD_RANK = 0 ] || ulimit -v {}", kibibytes + (32 << 10));
    let began = Instant::now();
    let message = workshop.check_end(&workshop.ranks("starved", &limit, &settings).output().unwrap());
    assert!(began.elapsed() < PATIENCE, "{message}");
    assert!(message.contains("memory") || message.contains("bad_alloc"), "{message}");
    assert_eq!(workshop.losses("starved").len(), 2, "{message}");
    workshop.check_resume("starved", &settings, "whole");
}

#[test]
fn a_loss_that_is_no_number_ends_all_after_a_checkpoint_that_is_whole() {
    let workshop = Workshop::new();
    // So large a step makes numbers of the adapter whose products f32 does not hold.
    let settings =
        ["adapter.method=lora", "optim.learning_rate=1e38", "optim.schedule=constant", "optim.warmup_ratio=0"];
    let diverge = || {
        let began = Instant::now();
        let message = workshop.check_end(&workshop.ranks("run", "", &settings).output().unwrap());
        assert!(began.elapsed() < PATIENCE && message.contains("step 2: expected a finite loss"), "{message}");
        assert_eq!(workshop.status("run")["state"], "failed");
        assert_eq!(workshop.status("run")["step"], 1);
        std::fs::read(workshop.path("run/checkpoints/step-1/adapter/adapter_model.safetensors")).unwrap()
    };
    // The checkpoint is gone on from, to the same end.
    assert_eq!(diverge(), diverge());
    assert_eq!(
        workshop.launch(1, &["merge", "--model", "model", "--adapter", "run", "--out", "merged"]).status.code(),
        Some(2)
    );
}
