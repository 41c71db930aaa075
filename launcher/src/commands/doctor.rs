//! `doctor`: whether this machine can run what it is asked to.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use medinjection_launcher::Result;
use medinjection_launcher::device::DeviceChoice;
use medinjection_launcher::doctor::{NcclTrial, Verdict, examine, try_nccl};

use super::{connect, print};

/// Look at libtorch, devices, NCCL, MPI, Slurm, threads and memory, and say what is missing and how to get it.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Have all ranks sum over NCCL instead, a GPU each, and say whether that is right and how fast; started by srun --mpi=pmix or mpirun
    #[arg(long)]
    nccl: bool,
    /// Largest message of --nccl, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 28, requires = "nccl")]
    max_bytes: usize,
}

/// Runs the command; the exit code is 1 where something that a run needs is missing, or NCCL's sums are wrong.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.nccl {
        return run_nccl(arguments);
    }
    let findings = examine();
    let mut text = String::new();
    for finding in &findings {
        let line = if arguments.json {
            serde_json::json!({
                "what": finding.what,
                "verdict": finding.verdict.name(),
                "found": finding.found,
                "remedy": finding.remedy,
            })
            .to_string()
        } else {
            let mark = match finding.verdict {
                Verdict::Good => '✓',
                Verdict::Absent => '-',
                Verdict::Bad => '✗',
            };
            let remedy = finding.remedy.as_ref().map_or(String::new(), |remedy| format!("\n    → {remedy}"));
            format!("{mark} {:<10} {}{remedy}", finding.what, finding.found)
        };
        text.push_str(&line);
        text.push('\n');
    }
    print(&text);
    let is_bad = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    Ok(ExitCode::from(u8::from(is_bad)))
}

fn run_nccl(arguments: &Arguments) -> Result<ExitCode> {
    let comm = connect()?;
    let device = DeviceChoice::Auto.resolve(comm.local_rank());
    let trial = try_nccl(comm.as_ref(), device, arguments.max_bytes)?;
    if !comm.is_root() {
        return Ok(ExitCode::SUCCESS);
    }
    print(&if arguments.json { as_json(&trial) } else { described(&trial) });
    Ok(ExitCode::from(u8::from(!trial.is_good())))
}

fn as_json(trial: &NcclTrial) -> String {
    let verdict = if trial.is_good() { Verdict::Good } else { Verdict::Bad };
    let value = serde_json::json!({
        "verdict": verdict.name(),
        "version": trial.version,
        "world_size": trial.world_size,
        "on_gpus": trial.device.is_cuda(),
        "num_wrong": trial.num_wrong,
        "num_checked": trial.num_checked,
        "difference": trial.difference,
        "bound": trial.bound,
        "speeds": trial.speeds,
    });
    format!("{value}\n")
}

fn described(trial: &NcclTrial) -> String {
    let place = if trial.device.is_cuda() { "a GPU each" } else { "in host memory, by a stand-in" };
    let mut text = format!("NCCL {}, {} ranks, {place}\n", trial.version, trial.world_size);
    text.push_str("      bytes      time µs  algorithm GB/s  bus GB/s\n");
    for speed in &trial.speeds {
        let (bytes, time) = (speed.message_bytes, speed.seconds * 1e6);
        let (algorithm, bus) = (speed.algorithm_bandwidth, speed.bus_bandwidth);
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{bytes:>11} {time:>12.1} {algorithm:>15.2} {bus:>9.2}");
    }
    let NcclTrial { num_wrong, num_checked, difference, bound, .. } = trial;
    let apart = if *difference == 0.0 {
        "equal to MPI's bit for bit".to_owned()
    } else {
        format!("{difference:.1e} from MPI's at most, where rounding allows {bound:.1e}")
    };
    let mark = if trial.is_good() { '✓' } else { '✗' };
    let _ =
        writeln!(text, "{mark} {num_wrong} of {num_checked} sums of whole numbers are wrong; other sums are {apart}");
    text.push_str(if trial.is_good() {
        "NCCL can be trained with\n"
    } else {
        "NCCL must not be trained with: NCCL_DEBUG=INFO says what it uses; another version or NCCL_ALGO=Ring may help\n"
    });
    text
}
