//! A run directory, read and checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{read_json, read_json_if_there, read_json_lines, read_toml};
use super::study::published;
use crate::metrics::{Comparison, Predictions, Scores, compare};
use crate::mixture::MixtureSummary;
use crate::provenance::{Lineage, sha256_file};
use crate::{Error, Result};

/// How far training went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// To its end.
    Completed,
    /// Its time was up; it goes on when the job is queued again.
    Requeue,
    /// It was stopped, and can be resumed by hand.
    Stopped,
    /// It ended with an error.
    Failed,
    /// It has left no status: it was killed, or still goes on.
    #[serde(skip_deserializing)]
    Killed,
}

/// `status.json`: how training ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStatus {
    /// How far it went.
    pub state: RunState,
    /// Optimizer steps done.
    pub step: u64,
    /// Why it ended there; empty where it was completed.
    #[serde(default)]
    pub reason: String,
}

/// One line of `metrics.jsonl`: an optimizer step, or an evaluation during training.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MetricsLine {
    /// Optimizer steps done.
    pub step: u64,
    /// Passes over the rows done.
    pub epoch: Option<f64>,
    /// Training loss of the step.
    pub loss: Option<f64>,
    /// Tokens of the step, over all ranks.
    pub tokens: Option<u64>,
    /// Seconds since training began, over resumes.
    pub elapsed_seconds: Option<f64>,
    /// Most memory in use so far.
    pub peak_memory_bytes: Option<u64>,
    /// Loss on the validation rows.
    pub eval_loss: Option<f64>,
    /// Exact match on the validation rows.
    pub eval_exact_match: Option<f64>,
}

/// A run, whole and consistent: its scores are those of its predictions, and both models answered the same questions.
#[derive(Debug)]
pub struct Run {
    pub(super) name: String,
    directory: PathBuf,
    pub(super) status: RunStatus,
    pub(super) config: toml::Table,
    pub(super) mixture: Option<MixtureSummary>,
    pub(super) metrics: Vec<MetricsLine>,
    pub(super) base: Scores,
    pub(super) tuned: Scores,
    pub(super) comparison: Comparison,
    /// Identifiers of the questions, hashed: equal where runs answered the same ones.
    pub(super) questions: String,
    /// SHA-256 of each file, by its path in the run.
    pub(super) files: BTreeMap<String, String>,
    /// What each file of predictions was made from, where that is known.
    pub(super) lineages: Vec<(&'static str, Lineage)>,
}

/// What a report says of a run, for programs.
#[derive(Debug, Serialize)]
pub struct RunOverview<'run> {
    name: &'run str,
    state: RunState,
    preset: Option<&'run str>,
    random_model: bool,
    base: &'run Scores,
    tuned: &'run Scores,
    difference: &'run Comparison,
}

impl Run {
    /// Reads runs; each is named by the last components of its path that tell it from the others.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Format`] if a file is missing or cannot be read; [`Error::Data`] if a run is given
    /// twice, if its training is not completed and `allow_unfinished` is false, if scores are not of the predictions
    /// beside them, or if base and tuned model did not answer the same questions.
    pub fn open_all(directories: &[PathBuf], allow_unfinished: bool) -> Result<Vec<Self>> {
        let canonical = |path: &PathBuf| path.canonicalize().map_err(Error::io(path));
        let paths = directories.iter().map(canonical).collect::<Result<Vec<_>>>()?;
        let names = distinct_names(&paths)?;
        directories.iter().zip(names).map(|(directory, name)| Self::open(directory, name, allow_unfinished)).collect()
    }

    fn open(directory: &Path, name: String, allow_unfinished: bool) -> Result<Self> {
        let status = status(directory)?;
        if status.state != RunState::Completed && !allow_unfinished {
            return Err(Error::Data(format!(
                "{}: expected a completed run, found one that {}; make it again by the same train command, or accept it with --allow-unfinished",
                directory.display(),
                status.ending()
            )));
        }
        let (base_predictions, base) = answers(directory, "base")?;
        let (tuned_predictions, tuned) = answers(directory, "tuned")?;
        let comparison = compare(&base_predictions, &tuned_predictions).map_err(|error| {
            Error::Data(format!("{}: predictions/base.jsonl and tuned.jsonl: {error}", directory.display()))
        })?;
        let mut lineages = Vec::new();
        for which in ["base", "tuned"] {
            let output = directory.join(format!("predictions/{which}.jsonl"));
            lineages.extend(read_json_if_there(&Lineage::path_for(&output))?.map(|lineage| (which, lineage)));
        }
        Ok(Self {
            name,
            directory: directory.to_path_buf(),
            status,
            config: read_toml(&directory.join("config.toml"))?,
            mixture: read_json_if_there(&directory.join("mixture.json"))?,
            metrics: read_json_lines(&directory.join("metrics.jsonl"))?,
            base,
            tuned,
            comparison,
            questions: questions(&base_predictions),
            files: hashes(directory)?,
            lineages,
        })
    }

    /// Name of the run: the end of its path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a report says of the run, for programs.
    #[must_use]
    pub fn overview(&self) -> RunOverview<'_> {
        RunOverview {
            name: &self.name,
            state: self.status.state,
            preset: self.preset(),
            random_model: self.is_random_model(),
            base: &self.base,
            tuned: &self.tuned,
            difference: &self.comparison,
        }
    }

    /// SHA-256 of each file that the report reads, by run and path.
    pub fn inputs(&self) -> impl Iterator<Item = (String, String)> {
        self.files.iter().map(|(file, sha256)| (format!("{}/{file}", self.name), sha256.clone()))
    }

    /// The files that the report reads.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.files.keys().map(|file| self.directory.join(file))
    }

    /// Name of the mixture's preset, where it has one.
    pub(super) fn preset(&self) -> Option<&str> {
        self.mixture.as_ref()?.preset.as_deref()
    }

    /// The mixture as a reader calls it: preset and study name, or that there is none.
    pub(super) fn mixture_name(&self) -> String {
        match (self.preset(), &self.mixture) {
            (Some(preset), _) => match published(preset) {
                Some(row) => format!("{preset} ({})", row.study_name),
                None => preset.to_owned(),
            },
            (None, Some(_)) => "custom mixture".to_owned(),
            (None, None) => "no mixture".to_owned(),
        }
    }

    /// Name of the model's folder; empty where the configuration names none.
    pub(super) fn model_name(&self) -> &str {
        let path = self.config.get("model").and_then(|model| model.get("path")).and_then(toml::Value::as_str);
        let name = path.and_then(|path| Path::new(path).file_name()).and_then(|name| name.to_str());
        name.unwrap_or_default()
    }

    /// Whether the model is the tiny random one: its folder's name has the word `tiny`.
    pub(super) fn is_random_model(&self) -> bool {
        self.model_name().split(|character: char| !character.is_alphanumeric()).any(|word| word == "tiny")
    }

    /// The lines of metrics that are optimizer steps, with their loss.
    pub(super) fn losses(&self) -> Vec<(u64, f64)> {
        self.metrics.iter().filter_map(|line| Some((line.step, line.loss?))).collect()
    }

    /// What is wrong with the lines of metrics; `None` where they are those of the whole run.
    pub(super) fn damaged_metrics(&self) -> Option<String> {
        let steps: Vec<u64> = self.losses().into_iter().map(|(step, _)| step).collect();
        let last = steps.last().copied().unwrap_or(0);
        if self.status.state == RunState::Completed && last != self.status.step {
            return Some(format!("expected losses up to step {}, found them up to step {last}", self.status.step));
        }
        let turned = steps.windows(2).find(|pair| pair[1] <= pair[0])?;
        Some(format!("expected steps in ascending order, found step {} after {}", turned[1], turned[0]))
    }

    /// The lines of metrics that are evaluations, with their loss.
    pub(super) fn eval_losses(&self) -> Vec<(u64, f64)> {
        self.metrics.iter().filter_map(|line| Some((line.step, line.eval_loss?))).collect()
    }
}

impl RunStatus {
    /// How training ended, after "a run that".
    pub(super) fn ending(&self) -> String {
        let verb = match self.state {
            RunState::Completed => "was completed",
            RunState::Requeue => "waits to be resumed",
            RunState::Stopped => "was stopped",
            RunState::Failed => "failed",
            RunState::Killed => "was killed or still goes on, without a status.json,",
        };
        let because = if self.reason.is_empty() { String::new() } else { format!(" ({})", self.reason) };
        format!("{verb} at step {}{because}", self.step)
    }
}

/// The status of the run in `directory`, which one that was killed has not written.
fn status(directory: &Path) -> Result<RunStatus> {
    if let Some(status) = read_json_if_there(&directory.join("status.json"))? {
        return Ok(status);
    }
    if !directory.join("config.toml").exists() {
        return Err(Error::format(directory, "expected the directory of a run, found no status.json in it"));
    }
    // What was being written when the run was killed may be damaged, or not be there.
    let metrics: Vec<MetricsLine> = read_json_lines(&directory.join("metrics.jsonl")).unwrap_or_default();
    let step = metrics.iter().filter(|line| line.loss.is_some()).map(|line| line.step).max().unwrap_or(0);
    Ok(RunStatus { state: RunState::Killed, step, reason: String::new() })
}

/// Predictions and scores of the base or the tuned model.
fn answers(directory: &Path, which: &str) -> Result<(Predictions, Scores)> {
    let path = directory.join(format!("predictions/{which}.jsonl"));
    let predictions = Predictions::read(&path)?;
    let scores_path = directory.join(format!("scores/{which}.json"));
    let scores: Scores = read_json(&scores_path)?;
    if scores.predictions != sha256_file(&path)? {
        return Err(Error::format(
            scores_path,
            format!("expected the scores of {}, found those of another file; score it again", path.display()),
        ));
    }
    Ok((predictions, scores))
}

fn questions(predictions: &Predictions) -> String {
    let mut ids: Vec<_> = predictions
        .sets
        .iter()
        .flat_map(|(key, items)| items.iter().map(move |item| (key.to_string(), &item.id)))
        .collect();
    ids.sort_unstable();
    let lines: Vec<String> = ids.into_iter().map(|(key, id)| format!("{key}\t{id}\n")).collect();
    crate::record::short_hash(lines.concat().as_bytes())
}

fn hashes(directory: &Path) -> Result<BTreeMap<String, String>> {
    const FILES: [&str; 10] = [
        "config.toml",
        "mixture.json",
        "metrics.jsonl",
        "status.json",
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
        "predictions/base.jsonl",
        "predictions/tuned.jsonl",
        "scores/base.json",
        "scores/tuned.json",
    ];
    let there = FILES.into_iter().filter(|file| directory.join(file).exists());
    there.map(|file| Ok((file.to_owned(), sha256_file(&directory.join(file))?))).collect()
}

/// The shortest ends of the paths that differ from one another.
fn distinct_names(paths: &[PathBuf]) -> Result<Vec<String>> {
    let end = |path: &Path, num_components: usize| -> String {
        let components: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        components[components.len().saturating_sub(num_components)..].join("/")
    };
    for num_components in 1..=paths.iter().map(|path| path.components().count()).max().unwrap_or(1) {
        let names: Vec<String> = paths.iter().map(|path| end(path, num_components)).collect();
        let different: std::collections::BTreeSet<&String> = names.iter().collect();
        if different.len() == names.len() {
            return Ok(names);
        }
    }
    let twice = (1..paths.len()).find(|index| paths[..*index].contains(&paths[*index])).unwrap_or(0);
    let path = paths.get(twice).map(|path| path.display().to_string()).unwrap_or_default();
    Err(Error::Data(format!("{path}: expected runs that differ, found this one twice")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_named_by_what_tells_them_apart() {
        let names = |paths: &[&str]| distinct_names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(names(&["/r/a/native"]).unwrap(), ["native"]);
        assert_eq!(names(&["/r/a/native", "/r/b/native"]).unwrap(), ["a/native", "b/native"]);
        assert!(names(&["/r/a", "/r/a"]).unwrap_err().to_string().contains("/r/a: expected runs that differ"));
    }
}
