//! The directory of a run: what it holds, and when it may be made anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use medinjection_fr::provenance::{Lineage, sha256_file, write_atomic};

use super::status::{STATUS_FILE, State, Status};
use crate::adapter::peft;
use crate::config::TrainConfig;
use crate::model::{fingerprint, model_fingerprint};
use crate::{Error, Result};

/// Where a run's files are.
#[derive(Debug, Clone)]
pub struct RunDirectory {
    root: PathBuf,
}

impl RunDirectory {
    /// The run of a configuration.
    #[must_use]
    pub fn of(config: &TrainConfig) -> Self {
        Self { root: config.output.dir.clone() }
    }

    /// The directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder in PEFT's format.
    #[must_use]
    pub fn adapter(&self) -> PathBuf {
        self.root.join("adapter")
    }

    /// The file of metrics.
    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// Whether the run must be made: it is not there, did not come to its end, or `force` says so.
    ///
    /// # Errors
    /// [`Error::Library`] if a completed run made from something else is in the way.
    pub fn must_make(&self, lineage: &Lineage, force: bool) -> Result<bool> {
        match Status::load(&self.root)? {
            Some(Status { state: State::Completed, .. }) => Ok(lineage.must_make(&self.root.join(STATUS_FILE), force)?),
            _ => Ok(true),
        }
    }

    /// Makes the directory ready: nothing of an older run is left, the configuration and the mixture are there.
    ///
    /// # Errors
    /// [`Error::Library`] if a file cannot be written or removed.
    pub fn prepare(&self, config: &TrainConfig) -> Result<()> {
        std::fs::create_dir_all(&self.root).map_err(Error::io(&self.root))?;
        let status = self.root.join(STATUS_FILE);
        for stale in [&status, &Lineage::path_for(&status), &self.metrics(), &self.root.join("mixture.json")] {
            if stale.exists() {
                std::fs::remove_file(stale).map_err(Error::io(stale))?;
            }
        }
        let adapter = self.adapter();
        if adapter.exists() {
            std::fs::remove_dir_all(&adapter).map_err(Error::io(&adapter))?;
        }
        write_atomic(&self.root.join("config.toml"), config.to_toml()?.as_bytes())?;
        let mixture = config.data.train.with_file_name("mixture.json");
        if mixture.exists() {
            let bytes = std::fs::read(&mixture).map_err(Error::io(&mixture))?;
            write_atomic(&self.root.join("mixture.json"), &bytes)?;
        }
        Ok(())
    }

    /// Writes that the run is completed, then what it was made from.
    ///
    /// # Errors
    /// [`Error::Library`] if a file cannot be written.
    pub fn complete(&self, step: u64, lineage: Lineage) -> Result<()> {
        Status { state: State::Completed, step, reason: "all steps are made".to_owned() }.write(&self.root)?;
        Ok(lineage.write(&self.root.join(STATUS_FILE))?)
    }
}

/// What a run is made from: the configuration without its paths, and the hash of what lies there.
///
/// # Errors
/// [`Error::Library`] or [`Error::Format`] if a file of the model, the rows or the adapter cannot be read.
pub fn lineage(config: &TrainConfig) -> Result<Lineage> {
    let mut inputs = BTreeMap::from([
        ("model".to_owned(), model_fingerprint(&config.model.path)?),
        ("training rows".to_owned(), sha256_file(&config.data.train)?),
    ]);
    if let Some(folder) = &config.adapter.init_from {
        let files = [folder.join(peft::CONFIG_FILE), folder.join(peft::WEIGHTS_FILE)];
        inputs.insert("initial adapter".to_owned(), fingerprint(&files)?);
    }
    let mut resolved = serde_json::to_value(config).map_err(|error| Error::config("config.toml", error))?;
    for (section, key) in [("model", "path"), ("data", "train"), ("adapter", "init_from"), ("output", "dir")] {
        if let Some(section) = resolved.get_mut(section).and_then(serde_json::Value::as_object_mut) {
            section.remove(key);
        }
    }
    Ok(Lineage::new("train", resolved, inputs))
}
