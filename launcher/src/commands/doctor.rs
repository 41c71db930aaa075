//! `doctor`: whether this machine can run what it is asked to.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use medinjection_launcher::doctor::{Verdict, examine};

/// Look at libtorch, devices, NCCL, MPI, Slurm, threads and memory, and say what is missing and how to get it.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command; the exit code is 1 where something that a run needs is missing.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
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
    // Whoever closes the pipe has read enough.
    let _ = write!(std::io::stdout().lock(), "{text}");
    let is_bad = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    ExitCode::from(u8::from(is_bad))
}
