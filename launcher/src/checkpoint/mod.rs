//! Checkpoints: what a run needs in order to go on as if it had never been ended.
//!
//! A checkpoint is a folder `checkpoints/step-N` of the run, which appears whole: the adapter in PEFT's format, the optimizer's
//! moments, and `checkpoint.json` with the hashes of both. Order of the rows, learning rate and dropout masks follow from the
//! configuration and the number of steps, so that nothing else has to be kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use medinjection_fr::provenance::{Lineage, TEMPORARY_PREFIX, sha256_file, write_json};
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use crate::adapter::{checkpoint_folder, checkpoint_steps, peft};
use crate::model::{TensorFile, TensorLayout, write_folder, write_tensor_file};
use crate::{Error, Result};

/// The file that says what the checkpoint is of.
const SUMMARY_FILE: &str = "checkpoint.json";
/// The optimizer's moments.
const OPTIMIZER_FILE: &str = "optimizer.safetensors";

/// The checkpoints of one run.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    run: PathBuf,
}

/// Where a run was when a checkpoint was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Optimizer steps that had been made.
    pub step: u64,
    /// Time that they had taken, over all resumes.
    pub elapsed_seconds: f64,
    /// Whether an evaluation that is due after this step is still to be made.
    pub awaits_evaluation: bool,
    /// Processes that made them: on another number sums are rounded otherwise.
    pub num_ranks: usize,
    /// The best evaluation, in a run that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<BestSoFar>,
}

/// The evaluation with the lowest loss so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BestSoFar {
    /// Optimizer steps that had been made.
    pub step: u64,
    /// Its mean loss of the validation rows' targets.
    pub eval_loss: f64,
    /// Evaluations since then.
    pub num_worse: u64,
}

/// A checkpoint whose files are those that were written.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Where the run was.
    pub position: Position,
    /// What the run is made from.
    pub made_from: Lineage,
    folder: PathBuf,
}

/// `checkpoint.json`.
#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckpointSummary {
    /// Where the run was.
    position: Position,
    /// What the run is made from.
    made_from: Lineage,
    /// SHA-256 of each file.
    files: BTreeMap<String, String>,
}

impl Checkpoints {
    /// Those in the directory of a run.
    #[must_use]
    pub fn of(run: &Path) -> Self {
        Self { run: run.to_path_buf() }
    }

    /// The folder of the checkpoint after `step` steps.
    #[must_use]
    pub fn folder(&self, step: u64) -> PathBuf {
        checkpoint_folder(&self.run, step)
    }

    /// Writes a checkpoint, then removes older ones until `num_kept` are left.
    ///
    /// `adapter` writes the adapter into the folder that it is given; `moments` are the optimizer's.
    ///
    /// # Errors
    /// What `adapter` returns; [`Error::Library`] if a file cannot be written or removed.
    pub fn save(
        &self,
        (position, made_from): (Position, Lineage),
        moments: &[(&str, &Tensor)],
        adapter: impl FnOnce(&Path) -> Result<()>,
        num_kept: usize,
    ) -> Result<()> {
        let step = position.step;
        write_folder(&self.folder(step), |folder| {
            adapter(&folder.join("adapter"))?;
            let layout: Vec<_> = moments.iter().map(|(name, tensor)| TensorLayout::of(*name, tensor)).collect();
            let mut tensors = moments.iter().map(|(_, tensor)| tensor.shallow_clone());
            write_tensor_file(&folder.join(OPTIMIZER_FILE), &layout, |entry| {
                tensors.next().ok_or_else(|| Error::format(folder, format!("{}: no such moment", entry.name)))
            })?;
            let mut files = BTreeMap::new();
            for name in file_names() {
                files.insert(name.clone(), sha256_file(&folder.join(&name))?);
            }
            Ok(write_json(&folder.join(SUMMARY_FILE), &CheckpointSummary { position, made_from, files })?)
        })?;
        let older = checkpoint_steps(&self.run)?.into_iter().filter(|found| *found <= step).rev().skip(num_kept.max(1));
        older.map(|step| self.folder(step)).try_for_each(|folder| remove(&folder))
    }

    /// The last checkpoint that is whole, and what is to be said about those that are not.
    ///
    /// # Errors
    /// [`Error::Library`] if the folder cannot be read.
    pub fn newest(&self) -> Result<(Option<Checkpoint>, Vec<String>)> {
        let mut notes: Vec<String> = self
            .unfinished()?
            .iter()
            .map(|path| {
                format!("{}: a checkpoint that was being written when the run ended is left out", path.display())
            })
            .collect();
        for step in checkpoint_steps(&self.run)?.into_iter().rev() {
            let folder = self.folder(step);
            match Checkpoint::open(&folder) {
                Ok(checkpoint) => return Ok((Some(checkpoint), notes)),
                Err(error) => notes.push(format!("{error}; this checkpoint is left out")),
            }
        }
        Ok((None, notes))
    }

    /// Removes what writing left behind, and the checkpoints after `step`; all of them where it is `None`.
    ///
    /// # Errors
    /// [`Error::Library`] if something cannot be removed.
    pub fn cut(&self, step: Option<u64>) -> Result<()> {
        let later = checkpoint_steps(&self.run)?.into_iter().filter(|found| step.is_none_or(|step| *found > step));
        let later: Vec<PathBuf> = later.map(|step| self.folder(step)).chain(self.unfinished()?).collect();
        later.iter().try_for_each(|folder| remove(folder))
    }

    /// Folders in which a checkpoint was being written.
    fn unfinished(&self) -> Result<Vec<PathBuf>> {
        let root = self.run.join("checkpoints");
        let mut folders = Vec::new();
        if root.exists() {
            for entry in std::fs::read_dir(&root).map_err(Error::io(&root))? {
                let name = entry.map_err(Error::io(&root))?.file_name();
                folders.extend(name.to_string_lossy().starts_with(TEMPORARY_PREFIX).then(|| root.join(&name)));
            }
        }
        folders.sort_unstable();
        Ok(folders)
    }
}

impl Checkpoint {
    /// Opens the checkpoint in `folder`, whose files are hashed.
    ///
    /// # Errors
    /// [`Error::Library`] if a file cannot be read, [`Error::Format`] if it is not the one that was written.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(SUMMARY_FILE);
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        let summary: CheckpointSummary = serde_json::from_slice(&bytes).map_err(|error| Error::format(&path, error))?;
        for name in file_names() {
            let (path, expected) = (folder.join(&name), summary.files.get(&name).map_or("none", String::as_str));
            let found = sha256_file(&path)?;
            if found != expected {
                return Err(Error::format(&path, format!("expected SHA-256 {expected}, found {found}")));
            }
        }
        let step = summary.position.step;
        if folder.file_name().is_none_or(|name| *name != *format!("step-{step}")) {
            return Err(Error::format(&path, format!("expected the steps that the folder is named by, found {step}")));
        }
        Ok(Self { position: summary.position, made_from: summary.made_from, folder: folder.to_path_buf() })
    }

    /// The adapter in PEFT's format.
    #[must_use]
    pub fn adapter(&self) -> PathBuf {
        self.folder.join("adapter")
    }

    /// The optimizer's moment `name`, of `num_values` values.
    ///
    /// # Errors
    /// [`Error::Format`] if it is not there, [`Error::Shape`] if it has another size.
    pub fn moment(&self, name: &str, num_values: i64, device: Device) -> Result<Tensor> {
        Ok(TensorFile::open(&self.folder.join(OPTIMIZER_FILE))?.read(name, &[num_values])?.f_to_device(device)?)
    }
}

fn file_names() -> [String; 3] {
    [format!("adapter/{}", peft::CONFIG_FILE), format!("adapter/{}", peft::WEIGHTS_FILE), OPTIMIZER_FILE.to_owned()]
}

fn remove(folder: &Path) -> Result<()> {
    std::fs::remove_dir_all(folder).map_err(Error::io(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(checkpoints: &Checkpoints, step: u64, num_kept: usize) {
        let made_from = Lineage::new("train", serde_json::Value::Null, BTreeMap::new());
        let moment = Tensor::from_slice(&[1.5_f32, 11.0]);
        let adapter = |folder: &Path| {
            std::fs::create_dir(folder).unwrap();
            for name in [peft::CONFIG_FILE, peft::WEIGHTS_FILE] {
                std::fs::write(folder.join(name), step.to_string()).unwrap();
            }
            Ok(())
        };
        let position = Position { step, elapsed_seconds: 2.5, awaits_evaluation: false, num_ranks: 1, best: None };
        checkpoints.save((position, made_from), &[("first", &moment)], adapter, num_kept).unwrap();
    }

    #[test]
    fn the_newest_is_found_with_its_moments_and_older_ones_go() {
        let run = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(run.path());
        assert_eq!(checkpoints.newest().unwrap(), (None, Vec::new()));
        for step in [9, 10, 11] {
            save(&checkpoints, step, 2);
        }
        assert_eq!(checkpoint_steps(run.path()).unwrap(), [10, 11]);
        let (newest, notes) = checkpoints.newest().unwrap();
        let newest = newest.unwrap();
        assert_eq!((newest.position.step, notes), (11, Vec::new()));
        let moment = newest.moment("first", 2, Device::Cpu).unwrap();
        assert_eq!(Vec::<f32>::try_from(moment).unwrap(), [1.5, 11.0]);
        assert!(newest.moment("first", 3, Device::Cpu).is_err() && newest.moment("third", 2, Device::Cpu).is_err());
        checkpoints.cut(Some(10)).unwrap();
        assert_eq!(checkpoint_steps(run.path()).unwrap(), [10]);
    }

    #[test]
    fn one_that_is_damaged_or_was_being_written_is_left_out_and_said() {
        let run = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(run.path());
        for step in [1, 2, 3] {
            save(&checkpoints, step, 3);
        }
        std::fs::write(checkpoints.folder(2).join(OPTIMIZER_FILE), "cut").unwrap();
        std::fs::create_dir(run.path().join("checkpoints").join(format!("{TEMPORARY_PREFIX}x"))).unwrap();
        std::fs::create_dir(run.path().join("checkpoints").join("step-007")).unwrap();
        std::fs::write(run.path().join("checkpoints").join("step-8"), "").unwrap();
        std::fs::rename(checkpoints.folder(3), checkpoints.folder(60)).unwrap();
        let (newest, notes) = checkpoints.newest().unwrap();
        assert_eq!(newest.unwrap().position.step, 1);
        assert_eq!(notes.len(), 3, "{notes:?}");
        assert!(notes[0].contains("was being written") && notes[1].contains("found 3; this"), "{notes:?}");
        assert!(notes[2].contains("expected SHA-256"), "{notes:?}");
        checkpoints.cut(None).unwrap();
        let left = std::fs::read_dir(run.path().join("checkpoints")).unwrap();
        let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        left.sort_unstable();
        assert_eq!(left, ["step-007", "step-8"]);
    }
}
