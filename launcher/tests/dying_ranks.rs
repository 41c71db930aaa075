//! Ranks that die or run out of memory while others wait for them: all end, soon, and the last checkpoint is good.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files fails")]

#[expect(dead_code, reason = "these tests need a part of it")]
#[path = "support/workshop.rs"]
mod workshop;

use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use workshop::{CONFIG, Workshop, text};

/// Within it every rank has to end.
const LIMIT: Duration = Duration::from_mins(1);
const SETTINGS: [&str; 3] = ["train.epochs=100", "train.save_every_steps=2", "train.gradient_checkpointing=false"];

impl Workshop {
    /// Begins to train on two ranks, which can be told apart by their process.
    fn start(&self, run: &str, settings: &[&str]) -> Child {
        std::fs::write(self.path("sft.toml"), CONFIG).unwrap();
        let output = format!("output.dir={run}");
        let mut arguments = vec!["train", "--config", "sft.toml", "--device", "cpu", "--resume", "--set", &output];
        for setting in SETTINGS.iter().chain(settings) {
            arguments.extend(["--set", *setting]);
        }
        self.command(2, &arguments).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn wait_for_lines(&self, run: &str, num_lines: usize) {
        let began = Instant::now();
        let metrics = self.path(run).join("metrics.jsonl");
        while std::fs::read_to_string(&metrics).map_or(0, |text| text.lines().count()) < num_lines {
            assert!(began.elapsed() < LIMIT, "no step was made");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The processes of the ranks that `mpirun` has started, by rank.
fn ranks(mpirun: &Child) -> Vec<u32> {
    let children = format!("/proc/{0}/task/{0}/children", mpirun.id());
    let children = std::fs::read_to_string(children).unwrap();
    let rank = |process: &u32| {
        let environment = std::fs::read(format!("/proc/{process}/environ")).unwrap();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        let found = environment.split('\0').find_map(|variable| variable.strip_prefix("OMPI_COMM_WORLD_RANK="));
        found.and_then(|rank| rank.parse::<usize>().ok())
    };
    let mut processes: Vec<u32> = children.split_whitespace().map(|process| process.parse().unwrap()).collect();
    processes.retain(|process| rank(process).is_some());
    processes.sort_by_key(rank);
    processes
}

fn run(program: &str, arguments: &[&str]) {
    assert!(Command::new(program).args(arguments).status().unwrap().success(), "{program} {arguments:?}");
}

/// Waits for `mpirun` and checks that no rank has outlived the limit.
fn end(mut mpirun: Child, ranks: &[u32]) -> (ExitStatus, Output) {
    let began = Instant::now();
    let is_there = |process: u32| std::path::Path::new(&format!("/proc/{process}/maps")).exists();
    while mpirun.try_wait().unwrap().is_none() || ranks.iter().any(|rank| is_there(*rank)) {
        assert!(began.elapsed() < LIMIT, "a rank goes on after {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = mpirun.wait_with_output().unwrap();
    (output.status, output)
}

#[test]
fn a_rank_that_is_killed_ends_all_and_the_run_goes_on_from_its_checkpoint() {
    let workshop = Workshop::new();
    assert!(workshop.start("whole", &[]).wait().unwrap().success());
    for (rank, name) in [(1, "one"), (0, "zero")] {
        let mpirun = workshop.start(name, &[]);
        workshop.wait_for_lines(name, 20);
        let ranks = ranks(&mpirun);
        assert_eq!(ranks.len(), 2);
        run("kill", &["-KILL", &ranks[rank].to_string()]);
        let (status, output) = end(mpirun, &ranks);
        assert!(!status.success() && text(&output).contains("signal 9 (Killed)"), "{status}: {}", text(&output));
        let resumed = workshop.start(name, &[]).wait_with_output().unwrap();
        let said = text(&resumed);
        assert!(resumed.status.success() && said.contains("goes on from the checkpoint after step "), "{said}");
        assert_eq!(workshop.metrics(name), workshop.metrics("whole"));
        assert_eq!(workshop.adapter(name), workshop.adapter("whole"));
    }
}

#[test]
fn a_rank_that_runs_out_of_memory_ends_all_with_one_message() {
    let workshop = Workshop::new();
    // After many short rows come long ones, which need memory that the limit refuses.
    let short = std::fs::read_to_string(workshop.path("train.jsonl")).unwrap().repeat(20);
    let long = short.lines().take(24).map(|line| line.replace("Une question ?", &"Une question ? ".repeat(100)) + "\n");
    std::fs::write(workshop.path("train.jsonl"), short.clone() + &long.collect::<String>()).unwrap();
    let mpirun = workshop.start("run", &["data.order=file", "data.max_tokens=4096"]);
    workshop.wait_for_lines("run", 4);
    let ranks = ranks(&mpirun);
    let process = ranks[1].to_string();
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let kib: u64 = size.split_whitespace().next().unwrap().parse().unwrap();
    run("prlimit", &["--pid", &process, &format!("--as={}", (kib + 65_536) * 1024)]);
    let (status, output) = end(mpirun, &ranks);
    let said = text(&output);
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("rank 1 failed") && said.contains("memory"), "{said}");
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
    assert_eq!(workshop.status("run")["state"], "failed");
    let checkpoints = std::fs::read_dir(workshop.path("run/checkpoints")).unwrap().count();
    assert!(0 < checkpoints);
}
