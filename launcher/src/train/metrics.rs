//! What a run says about its steps.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use medinjection_fr::provenance::write_atomic;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepMetrics {
    /// Steps that have been made, this one included.
    pub step: u64,
    /// Passes over the rows that have been made, with a fraction.
    pub epoch: f64,
    /// Mean loss of the step's targets.
    pub loss: f64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Norm of the gradient before clipping.
    pub grad_norm: f64,
    /// Tokens of the step, over all ranks.
    pub tokens: u64,
    /// Tokens of the step over its time.
    pub tokens_per_second: f64,
    /// Time that training has taken, over all resumes.
    pub elapsed_seconds: f64,
    /// The most memory that rank 0 has held.
    pub peak_memory_bytes: u64,
}

/// `metrics.jsonl`, appended to step by step.
#[derive(Debug)]
pub struct MetricsFile {
    path: PathBuf,
    file: File,
}

impl MetricsFile {
    /// Begins an empty file.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_path_buf(), file })
    }

    /// Goes on with the file of a run that has a checkpoint after `step` steps; what was written after that is cut off.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be read or written.
    pub fn resume(path: &Path, step: u64) -> Result<Self> {
        #[derive(Deserialize)]
        struct Line {
            step: u64,
        }
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let mut kept = String::new();
        for line in text.split_inclusive('\n') {
            match serde_json::from_str::<Line>(line) {
                Ok(Line { step: found }) if found <= step && line.ends_with('\n') => kept.push_str(line),
                // Whatever is damaged was being written when the run ended, which was after the checkpoint.
                _ => break,
            }
        }
        write_atomic(path, kept.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_path_buf(), file })
    }

    /// Adds a line; it is in the file when this returns.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be written.
    pub fn append(&mut self, metrics: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_string(metrics).map_err(|error| Error::format(&self.path, error))?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(Error::io(&self.path))
    }
}

/// The most memory that this process has held, as the operating system counts it; 0 where it does not say.
///
/// # Units
/// Bytes.
#[must_use]
pub fn peak_memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|rest| rest.split_whitespace().next());
    peak.and_then(|kibibytes| kibibytes.parse::<u64>().ok()).map_or(0, |kibibytes| kibibytes * 1024)
}
