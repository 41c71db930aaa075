//! NCCL's binding against a stand-in (`support/nccl.c`) that sums host memory, over real processes under `mpirun`: no GPU is needed, and none is tested.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files fails")]

#[path = "support/workshop.rs"]
mod workshop;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use workshop::{CONFIG, MPIRUN, Workshop, text};

/// Every result that is a failure, with its name.
const FAILURES: [(i32, &str); 7] = [
    (1, "ncclUnhandledCudaError"),
    (2, "ncclSystemError"),
    (3, "ncclInternalError"),
    (4, "ncclInvalidArgument"),
    (5, "ncclInvalidUsage"),
    (6, "ncclRemoteError"),
    (8, "ncclTimeout"),
];

/// A folder with the stand-in's library.
struct StandIn {
    folder: tempfile::TempDir,
}

impl StandIn {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/nccl.c");
        let compiled = Command::new("cc")
            .args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
            .arg(folder.path().join("libnccl.so"))
            .arg(source)
            .output()
            .unwrap();
        assert!(compiled.status.success(), "{}", text(&compiled));
        Self { folder }
    }

    /// `command` with the stand-in as its NCCL, and with `fault`.
    fn given<'a>(&self, command: &'a mut Command, fault: &str) -> &'a mut Command {
        command
            .env("MEDINJECTION_NCCL", self.folder.path().join("libnccl.so"))
            .env("MEDINJECTION_NCCL_ON_HOST", "1")
            .env("STANDIN_FOLDER", self.folder.path())
            .env("STANDIN_FAULT", fault)
            .env("OMP_NUM_THREADS", "1")
    }

    /// `doctor --nccl` on `ranks` ranks, each of which leaves its exit code in a file.
    fn doctor(&self, ranks: usize, fault: &str, environment: &[(&str, &str)]) -> Output {
        let binary = env!("CARGO_BIN_EXE_medinjection-launch");
        // The shell outlives the signal by which mpirun ends the ranks, to say how its own has ended.
        let script = format!(
            "trap : TERM; '{binary}' doctor --nccl --json --max-bytes 65536; code=$?; echo $code >'{}'/code.$OMPI_COMM_WORLD_RANK; exit $code",
            self.folder.path().display()
        );
        for rank in 0..ranks {
            std::fs::remove_file(self.code(rank)).ok();
        }
        let mut command = Command::new("timeout");
        command
            .arg("60")
            .args(MPIRUN)
            .arg(ranks.to_string())
            .args(["sh", "-c", &script])
            .envs(environment.iter().copied());
        self.given(&mut command, fault).output().unwrap()
    }

    fn code(&self, rank: usize) -> PathBuf {
        self.folder.path().join(format!("code.{rank}"))
    }
}

fn doctor_that_fails(stand_in: &StandIn, fault: &str, environment: &[(&str, &str)]) -> String {
    let output = stand_in.doctor(2, fault, environment);
    let message = text(&output);
    assert!(!output.status.success(), "{fault}: {message}");
    assert_ne!(output.status.code(), Some(124), "{fault}: it hung: {message}");
    assert!(output.stdout.is_empty(), "{fault}: {}", String::from_utf8_lossy(&output.stdout));
    message
}

#[test]
fn two_nodes_by_two_ranks_sum_as_mpi_does_bit_for_bit() {
    let stand_in = StandIn::new();
    let output = stand_in.doctor(4, "", &[]);
    assert!(output.status.success(), "{}", text(&output));
    let trial: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&trial["verdict"], &trial["version"]), (&"good".into(), &"2.18.0".into()), "{trial}");
    assert_eq!((&trial["world_size"], &trial["on_gpus"]), (&4.into(), &false.into()));
    assert_eq!((&trial["num_wrong"], &trial["num_checked"]), (&0.into(), &(4 * ((1 << 18) + 3)).into()));
    assert_eq!(trial["difference"], 0.0);
    let speeds = trial["speeds"].as_array().unwrap();
    assert_eq!(speeds.iter().map(|speed| speed["message_bytes"].as_u64().unwrap()).collect::<Vec<_>>(), [1024, 65536]);
    for speed in speeds {
        let [seconds, algorithm, bus] =
            ["seconds", "algorithm_bandwidth", "bus_bandwidth"].map(|key| speed[key].as_f64().unwrap());
        let bytes = speed["message_bytes"].as_f64().unwrap();
        assert!(
            (algorithm * seconds * 1e9 / bytes - 1.0).abs() < 1e-9 && (bus / algorithm - 1.5).abs() < 1e-9,
            "{speed}"
        );
    }
}

#[test]
fn training_over_nccl_leaves_the_bytes_of_training_over_mpi() {
    let (workshop, stand_in) = (Workshop::new(), StandIn::new());
    let output = workshop.train(4, "mpi", &["train.micro_batch_size=2"]);
    assert!(output.status.success(), "{}", text(&output));
    let train = |fault: &str, run: &str| {
        let directory = format!("output.dir={run}");
        let arguments =
            ["train", "--config", "sft.toml", "--device", "cpu", "--set", "train.micro_batch_size=2", "--set"];
        let mut command = workshop.command(4, &[&arguments[..], &[&directory]].concat());
        stand_in.given(&mut command, fault).env("MEDINJECTION_NCCL_TIMEOUT_SECONDS", "5").output().unwrap()
    };
    std::fs::write(workshop.path("sft.toml"), CONFIG).unwrap();
    let output = train("", "nccl");
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(workshop.adapter("nccl"), workshop.adapter("mpi"));
    assert_eq!(workshop.losses("nccl"), workshop.losses("mpi"));
    assert_eq!(workshop.status("nccl")["state"], "completed");
    // A run whose ranks lost one another says nothing final of itself, so that it is tried again.
    let output = train("state=6@2", "lost");
    let message = text(&output);
    assert!(!output.status.success() && !workshop.path("lost/adapter").exists(), "{message}");
    assert!(message.contains("error: rank 2 of 4, summing ") && message.contains("ncclRemoteError"), "{message}");
    assert!(!workshop.path("lost/status.json").exists());
}

#[test]
fn every_failure_has_its_name_with_rank_and_operation() {
    let stand_in = StandIn::new();
    for (code, name) in FAILURES {
        let message = doctor_that_fails(&stand_in, &format!("ncclAllReduce={code}@1"), &[]);
        assert!(message.contains("error: rank 1 of 2, summing 262147 values over NCCL: ncclAllReduce: "), "{message}");
        assert!(message.contains(&format!("{name}; ")), "{message}");
        let message = doctor_that_fails(&stand_in, &format!("state={code}@1"), &[]);
        let expected = format!("rank 1 of 2, summing 262147 values over NCCL: asynchronous error: {name}");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn every_call_that_fails_is_named_with_rank_and_operation() {
    let stand_in = StandIn::new();
    for (fault, expected) in [
        ("ncclGetVersion=2@1", "rank 1 failed: several ranks on GPUs need NCCL: ncclGetVersion: ncclSystemError"),
        ("ncclGetUniqueId=2", "rank 0 of 2, making an id for NCCL's communicator: ncclGetUniqueId: ncclSystemError"),
        (
            "ncclCommInitRankConfig=5@1",
            "rank 1 of 2, joining the ranks in NCCL: ncclCommInitRankConfig: ncclInvalidUsage",
        ),
        (
            "ncclCommGetAsyncError=3@0",
            "rank 0 of 2, joining the ranks in NCCL: ncclCommGetAsyncError: ncclInternalError",
        ),
        ("ncclCommFinalize=6@1", "rank 1 of 2, leaving NCCL: ncclCommFinalize: ncclRemoteError; a peer is gone"),
        ("ncclCommDestroy=4@1", "rank 1 of 2, leaving NCCL: ncclCommDestroy: ncclInvalidArgument"),
        ("ncclAllReduce=99@1", "ncclAllReduce: result 99, which has no name here"),
    ] {
        let message = doctor_that_fails(&stand_in, fault, &[]);
        assert!(message.contains(expected), "{fault}: expected {expected} in {message}");
    }
    let message = doctor_that_fails(&stand_in, "", &[("STANDIN_VERSION", "21703")]);
    assert!(message.contains("expected NCCL 2.18 or later, found 2.17.3"), "{message}");
    let message = doctor_that_fails(&stand_in, "", &[("MEDINJECTION_NCCL_TIMEOUT_SECONDS", "soon")]);
    assert!(message.contains("MEDINJECTION_NCCL_TIMEOUT_SECONDS: expected a positive number of seconds"), "{message}");
}

#[test]
fn a_rank_that_never_arrives_ends_all_when_the_time_is_up() {
    let stand_in = StandIn::new();
    for (fault, operation) in [
        ("ncclCommInitRankConfig=hang@1", "joining the ranks in NCCL"),
        ("ncclAllReduce=hang@1", "summing 262147 values over NCCL"),
    ] {
        let began = Instant::now();
        let message = doctor_that_fails(&stand_in, fault, &[("MEDINJECTION_NCCL_TIMEOUT_SECONDS", "2")]);
        let expected = format!("rank 0 of 2, {operation}: not done after 2 s (MEDINJECTION_NCCL_TIMEOUT_SECONDS)");
        assert!(message.contains(&expected), "{message}");
        assert!(began.elapsed() < Duration::from_secs(50), "the stuck rank was waited for");
        let codes: Vec<_> = (0..2).map(|rank| std::fs::read_to_string(stand_in.code(rank))).collect();
        assert_eq!(codes[0].as_ref().unwrap(), "1\n");
        assert!(codes.iter().flatten().all(|code| code != "0\n"), "{codes:?}");
    }
}

#[test]
fn an_abort_that_hangs_does_not_keep_the_process() {
    let stand_in = StandIn::new();
    let binary = env!("CARGO_BIN_EXE_medinjection-launch");
    let mut command = Command::new("timeout");
    command.arg("60").args(MPIRUN).args(["2", "sh", "-c"]);
    // Rank 1 is stuck in a sum; rank 0, whose time is up, in the abort.
    command.arg(format!(
        "if [ $OMPI_COMM_WORLD_RANK = 1 ]; then export STANDIN_FAULT=ncclAllReduce=hang; fi; exec '{binary}' doctor --nccl"
    ));
    let command = stand_in.given(&mut command, "ncclCommAbort=hang@0");
    let output = command.env("MEDINJECTION_NCCL_TIMEOUT_SECONDS", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("rank 0 of 2, summing"), "{}", text(&output));
}

#[test]
fn a_rank_that_is_killed_ends_all() {
    let stand_in = StandIn::new();
    let began = Instant::now();
    doctor_that_fails(&stand_in, "ncclAllReduce=die@1", &[("MEDINJECTION_NCCL_TIMEOUT_SECONDS", "30")]);
    assert!(began.elapsed() < Duration::from_secs(25), "its death was not noticed, but the time was up");
    let codes: Vec<_> = (0..2).map(|rank| std::fs::read_to_string(stand_in.code(rank))).collect();
    assert!(codes.iter().flatten().all(|code| code != "0\n"), "{codes:?}");
}

#[test]
fn without_a_gpu_the_doctor_says_so() {
    let output = Command::new(env!("CARGO_BIN_EXE_medinjection-launch"))
        .args(["doctor", "--nccl"])
        .env("CUDA_VISIBLE_DEVICES", "")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("doctor --nccl: no GPU"), "{}", text(&output));
}

#[test]
fn the_doctor_finds_the_library_that_is_named() {
    let (workshop, stand_in) = (Workshop::new(), StandIn::new());
    let output = stand_in.given(&mut workshop.command(1, &["doctor", "--json"]), "").output().unwrap();
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    let findings: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let finding = findings.iter().find(|finding| finding["what"] == "NCCL").unwrap();
    assert_eq!((&finding["verdict"], &finding["found"]), (&"good".into(), &"2.18.0".into()));
}

/// The real library, where `MEDINJECTION_TEST_NCCL` names one: without a device its own results come back by name.
#[test]
fn nvidias_own_library_is_understood_as_far_as_it_goes_without_a_gpu() {
    let Some(library) = std::env::var_os("MEDINJECTION_TEST_NCCL") else {
        println!("SKIPPED nccl: MEDINJECTION_TEST_NCCL names no libnccl.so.2");
        return;
    };
    let output = Command::new(env!("CARGO_BIN_EXE_medinjection-launch"))
        .args(["doctor", "--nccl"])
        .env("MEDINJECTION_NCCL", library)
        .env("MEDINJECTION_NCCL_ON_HOST", "1")
        .env("CUDA_VISIBLE_DEVICES", "")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(text(&output).contains("rank 0 of 1, "), "{}", text(&output));
    assert!(text(&output).contains(": nccl") && !text(&output).contains("no name here"), "{}", text(&output));
}
