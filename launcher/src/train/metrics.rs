//! What a run says about its steps.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use medinjection_fr::provenance::write_atomic;
use serde::{Deserialize, Serialize};

use super::Evaluation;
use crate::checkpoint::Position;
use crate::observe::{EventFile, Scalars};
use crate::{Error, Result};

/// One line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum MetricsLine {
    /// A step.
    Step(StepMetrics),
    /// An evaluation.
    Evaluation(Evaluation),
}

/// A line of `metrics.jsonl` that is a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
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

impl From<StepMetrics> for MetricsLine {
    fn from(step: StepMetrics) -> Self {
        Self::Step(step)
    }
}

impl From<Evaluation> for MetricsLine {
    fn from(evaluation: Evaluation) -> Self {
        Self::Evaluation(evaluation)
    }
}

impl Scalars for StepMetrics {
    fn step(&self) -> u64 {
        self.step
    }

    fn scalars(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("train/loss", self.loss),
            ("train/learning_rate", self.learning_rate),
            ("train/grad_norm", self.grad_norm),
            ("train/epoch", self.epoch),
            ("train/tokens_per_second", self.tokens_per_second),
        ]
    }
}

/// `metrics.jsonl`, appended to step by step, and TensorBoard's event file beside it.
#[derive(Debug)]
pub struct MetricsFile {
    path: PathBuf,
    file: File,
    events: EventFile,
}

impl MetricsFile {
    /// Begins an empty file.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_path_buf(), file, events: EventFile::create(run_of(path))? })
    }

    /// Goes on with the file of a run that has a checkpoint at `position` and logs each `log_every`th step; what an undisturbed run
    /// would not have written by then is cut off.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be written, [`Error::Format`] if lines of steps before the checkpoint are not there.
    pub fn resume(path: &Path, position: &Position, log_every: u64) -> Result<Self> {
        #[derive(Deserialize)]
        struct Line {
            step: u64,
            loss: Option<f64>,
        }
        let is_made = |step: u64, is_evaluation| {
            if is_evaluation {
                return step < position.step || (step == position.step && !position.awaits_evaluation);
            }
            // One that is told to end logs its last step, whichever that is.
            step <= position.step && step.is_multiple_of(log_every)
        };
        let bytes = std::fs::read(path).unwrap_or_default();
        let (mut kept, mut num_steps) = (Vec::new(), 0);
        for text in bytes.split_inclusive(|byte| *byte == b'\n').filter(|text| text.ends_with(b"\n")) {
            let Ok(line) = serde_json::from_slice::<Line>(text) else { break };
            if is_made(line.step, line.loss.is_none()) {
                kept.extend_from_slice(text);
                num_steps += u64::from(line.loss.is_some());
            }
        }
        let expected = position.step / log_every;
        if num_steps != expected {
            let message = format!(
                "expected the {expected} lines of steps before the checkpoint, found {num_steps}: it was changed or removed; put it back, \
                 or begin anew with --force"
            );
            return Err(Error::format(path, message));
        }
        write_atomic(path, &kept)?;
        let file = OpenOptions::new().append(true).open(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_path_buf(), file, events: EventFile::resume(run_of(path), is_made)? })
    }

    /// Adds a line and an event; they are in the files when this returns.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be written.
    pub fn append(&mut self, line: &MetricsLine) -> Result<()> {
        let mut text = serde_json::to_string(line).map_err(|error| Error::format(&self.path, error))?;
        text.push('\n');
        self.file.write_all(text.as_bytes()).map_err(Error::io(&self.path))?;
        match line {
            MetricsLine::Step(step) => self.events.append(step),
            MetricsLine::Evaluation(evaluation) => self.events.append(evaluation),
        }
    }
}

/// The folder of the run whose metrics are at `path`.
fn run_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn resumed(text: &str, awaits_evaluation: bool, log_every: u64) -> Result<String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.jsonl");
        std::fs::write(&path, text).unwrap();
        let position = Position { step: 4, elapsed_seconds: 1.0, awaits_evaluation, num_ranks: 1, best: None };
        MetricsFile::resume(&path, &position, log_every)?;
        Ok(std::fs::read_to_string(&path).unwrap())
    }

    fn steps(steps: &[u64]) -> String {
        let lines: Vec<String> = steps.iter().map(|step| format!("{{\"step\":{step},\"loss\":1.0}}\n")).collect();
        lines.concat()
    }

    #[test]
    fn what_an_undisturbed_run_would_not_have_written_yet_is_cut_off() {
        const EVALUATION: &str = "{\"step\":4,\"eval_loss\":1.0}\n";
        let whole = steps(&[1, 2, 3, 4]);
        assert_eq!(
            resumed(&format!("{whole}{EVALUATION}{}{{\"st", steps(&[5])), false, 1).unwrap(),
            whole.clone() + EVALUATION
        );
        assert_eq!(resumed(&format!("{whole}{EVALUATION}"), true, 1).unwrap(), whole);
        assert_eq!(resumed(&steps(&[1, 2, 4]), false, 2).unwrap(), steps(&[2, 4]));
    }

    #[test]
    fn lines_that_are_missing_are_missed() {
        for damaged in [steps(&[1, 2, 3]), format!("x{}", steps(&[1, 2, 3, 4])), String::new()] {
            let message = resumed(&damaged, false, 1).unwrap_err().to_string();
            assert!(message.contains("expected the 4 lines") && message.contains("--force"), "{message}");
        }
    }
}
