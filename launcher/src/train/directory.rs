//! The directory of a run: what it holds, and when it may be made anew.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use medinjection_fr::provenance::{Lineage, TEMPORARY_PREFIX, fingerprint, sha256_file, write_atomic};

use super::environment::ENVIRONMENT_FILE;
use super::status::{STATUS_FILE, State, Status};
use super::{CARD_FILE, Options};
use crate::adapter::peft;
use crate::checkpoint::{Checkpoint, Checkpoints};
use crate::config::TrainConfig;
use crate::model::{model_fingerprint, write_folder};
use crate::{Error, Result};

/// The resolved configuration; a directory that has one is a run.
const CONFIG_FILE: &str = "config.toml";

/// Where a run begins.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one a run")]
pub enum Beginning {
    /// It is completed, made from the same inputs.
    UpToDate,
    /// Before the first step.
    Anew,
    /// After the steps of a checkpoint.
    From(Checkpoint),
}

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

    /// Where the run's checkpoints are.
    #[must_use]
    pub fn checkpoints(&self) -> Checkpoints {
        Checkpoints::of(&self.root)
    }

    /// Where the completed run that is being replaced is kept until the new one is completed.
    #[must_use]
    pub fn previous(&self) -> PathBuf {
        self.root.join("previous")
    }

    /// The file of metrics.
    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// Whether the run must be made: it is not there, did not come to its end, or `force` says so.
    ///
    /// # Errors
    /// [`Error::Config`] if the directory holds something and is no run, which not even `force` replaces; [`Error::Library`] if a
    /// completed run made from something else is in the way.
    pub fn must_make(&self, lineage: &Lineage, force: bool) -> Result<bool> {
        self.check_place()?;
        match Status::load(&self.root)? {
            Some(Status { state: State::Completed, .. }) => Ok(lineage.must_make(&self.root.join(STATUS_FILE), force)?),
            _ => Ok(true),
        }
    }

    /// Where the run begins, and what is to be said about it.
    ///
    /// # Errors
    /// Those of [`RunDirectory::must_make`]; [`Error::Config`] if an unfinished run has a checkpoint, and `options` neither go on from it
    /// nor force a new beginning, or it was made from something else and nothing is forced.
    pub fn beginning(&self, lineage: &Lineage, options: Options, num_ranks: usize) -> Result<(Beginning, Vec<String>)> {
        if !self.must_make(lineage, options.force)? {
            return Ok((Beginning::UpToDate, Vec::new()));
        }
        let is_completed = matches!(Status::load(&self.root)?, Some(Status { state: State::Completed, .. }));
        let (newest, mut notes) = if is_completed { (None, Vec::new()) } else { self.checkpoints().newest()? };
        let Some(checkpoint) = newest else { return Ok((Beginning::Anew, notes)) };
        let step = checkpoint.position.step;
        let refuse = |found: String| Err(Error::config("output.dir", format!("{}: {found}", self.root.display())));
        match (lineage.difference(&checkpoint.made_from), options) {
            (None, Options { resume: true, .. }) => {
                notes.push(format!("goes on from the checkpoint after step {step}"));
                if checkpoint.position.num_ranks != num_ranks {
                    let earlier = checkpoint.position.num_ranks;
                    notes.push(format!(
                        "{num_ranks} ranks go on with what {earlier} began: numbers will differ in their last digits"
                    ));
                }
                Ok((Beginning::From(checkpoint), notes))
            }
            (_, Options { force: true, .. }) => Ok((Beginning::Anew, notes)),
            (None, _) => refuse(format!(
                "an unfinished run has a checkpoint after step {step}; go on from it with --resume, or begin anew with --force"
            )),
            (Some(difference), _) => refuse(format!(
                "an unfinished run has a checkpoint after step {step}, and {difference}; give another directory, or begin anew with \
                 --force"
            )),
        }
    }

    /// Holds the directory, where it is there, until the file is dropped, so that no other run works in it.
    ///
    /// # Errors
    /// [`Error::Config`] if another run does.
    pub fn hold(&self) -> Result<Option<File>> {
        let Ok(directory) = File::open(&self.root) else { return Ok(None) };
        match directory.try_lock() {
            Err(TryLockError::WouldBlock) => Err(Error::config(
                "output.dir",
                format!(
                    "{}: another run works in it; wait for its end, or give another directory",
                    self.root.display()
                ),
            )),
            // A file system without locks holds nobody back.
            Err(TryLockError::Error(_)) => Ok(None),
            Ok(()) => Ok(Some(directory)),
        }
    }

    /// Makes the directory ready: the configuration and the mixture are there, and nothing of an older run beside them but what
    /// belongs to the checkpoint `start`. A run that was completed is kept as [`RunDirectory::previous`].
    ///
    /// # Errors
    /// [`Error::Library`] if a file cannot be written or removed.
    pub fn prepare(&self, config: &TrainConfig, start: Option<&Checkpoint>) -> Result<()> {
        std::fs::create_dir_all(&self.root).map_err(Error::io(&self.root))?;
        if matches!(Status::load(&self.root)?, Some(Status { state: State::Completed, .. })) {
            self.keep()?;
        }
        // Without a status the run is unfinished, whatever else is still there.
        let status = self.root.join(STATUS_FILE);
        let metrics = start.is_none().then(|| self.metrics());
        for stale in [status.clone(), Lineage::path_for(&status), self.root.join("mixture.json")].iter().chain(&metrics)
        {
            if stale.exists() {
                std::fs::remove_file(stale).map_err(Error::io(stale))?;
            }
        }
        self.checkpoints().cut(start.map(|checkpoint| checkpoint.position.step))?;
        let adapter = self.adapter();
        if adapter.exists() {
            std::fs::remove_dir_all(&adapter).map_err(Error::io(&adapter))?;
        }
        let events = self.root.join("tensorboard");
        if start.is_none() && events.exists() {
            std::fs::remove_dir_all(&events).map_err(Error::io(&events))?;
        }
        write_atomic(&self.root.join(CONFIG_FILE), config.to_toml()?.as_bytes())?;
        let mixture = config.data.train.with_file_name("mixture.json");
        if mixture.exists() {
            let bytes = std::fs::read(&mixture).map_err(Error::io(&mixture))?;
            write_atomic(&self.root.join("mixture.json"), &bytes)?;
        }
        Ok(())
    }

    /// Writes that the run is completed, and the reason of its end, then what it was made from; the run that it replaces goes.
    ///
    /// # Errors
    /// [`Error::Library`] if a file cannot be written.
    pub fn complete(&self, step: u64, reason: &str, lineage: Lineage) -> Result<()> {
        Status { state: State::Completed, step, reason: reason.to_owned() }.write(&self.root)?;
        lineage.write(&self.root.join(STATUS_FILE))?;
        let previous = self.previous();
        if previous.exists() {
            std::fs::remove_dir_all(&previous).map_err(Error::io(&previous))?;
        }
        Ok(())
    }

    /// Refuses a directory that holds something and is no run.
    fn check_place(&self) -> Result<()> {
        let refuse = |found: String| {
            let expected = "expected a new or an empty directory, or that of a run";
            let place = self.root.display();
            Err(Error::config("output.dir", format!("{place}: {expected}, found {found}; give another directory")))
        };
        if !self.root.exists() || TrainConfig::load(&self.root.join(CONFIG_FILE), &[]).is_ok() {
            return Ok(());
        }
        if !self.root.is_dir() {
            return refuse("a file".to_owned());
        }
        for entry in std::fs::read_dir(&self.root).map_err(Error::io(&self.root))? {
            let name = entry.map_err(Error::io(&self.root))?.file_name();
            if !name.to_string_lossy().starts_with(TEMPORARY_PREFIX) {
                return refuse(format!("{} in it, and no {CONFIG_FILE} of a run", name.display()));
            }
        }
        Ok(())
    }

    /// Copies the completed run into [`RunDirectory::previous`], which appears whole, so that a new run that fails costs nothing.
    fn keep(&self) -> Result<()> {
        let adapter = |name: &str| format!("adapter/{name}");
        let lineage = Lineage::path_for(Path::new(STATUS_FILE)).to_string_lossy().into_owned();
        let files = [CONFIG_FILE, ENVIRONMENT_FILE, "mixture.json", "metrics.jsonl", STATUS_FILE].map(str::to_owned);
        let files = files.into_iter().chain([
            lineage,
            adapter(peft::CONFIG_FILE),
            adapter(peft::WEIGHTS_FILE),
            adapter(CARD_FILE),
        ]);
        write_folder(&self.previous(), |folder| {
            std::fs::create_dir(folder.join("adapter")).map_err(Error::io(folder))?;
            for name in files {
                let from = self.root.join(&name);
                if from.exists() {
                    std::fs::copy(&from, folder.join(&name)).map_err(Error::io(&from))?;
                }
            }
            Ok(())
        })
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
    if let Some(path) = &config.data.validation {
        inputs.insert("validation rows".to_owned(), sha256_file(path)?);
    }
    if let Some(folder) = &config.adapter.init_from {
        let files = [folder.join(peft::CONFIG_FILE), folder.join(peft::WEIGHTS_FILE)];
        inputs.insert("initial adapter".to_owned(), fingerprint(&files)?);
    }
    let mut resolved = serde_json::to_value(config).map_err(|error| Error::config("config.toml", error))?;
    for (section, key) in
        [("model", "path"), ("data", "train"), ("data", "validation"), ("adapter", "init_from"), ("output", "dir")]
    {
        if let Some(section) = resolved.get_mut(section).and_then(serde_json::Value::as_object_mut) {
            section.remove(key);
        }
    }
    // They decide on what is kept, not on what is made.
    if let Some(section) = resolved.get_mut("train").and_then(serde_json::Value::as_object_mut) {
        section.retain(|key, _| !["save_every_steps", "keep_checkpoints"].contains(&key.as_str()));
    }
    Ok(Lineage::new("train", resolved, inputs))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "model.path = \"m\"\ndata.train = \"rows/train.jsonl\"\n";

    /// A run below `root` that `status` says has ended, and its configuration.
    fn run(root: &Path, state: Option<State>) -> (RunDirectory, TrainConfig) {
        let file = root.join("sft.toml");
        std::fs::write(&file, format!("{CONFIG}output.dir = {:?}", root.join("run"))).unwrap();
        let config = TrainConfig::load(&file, &[]).unwrap();
        let directory = RunDirectory::of(&config);
        directory.prepare(&config, None).unwrap();
        std::fs::create_dir(directory.adapter()).unwrap();
        for name in [peft::CONFIG_FILE, peft::WEIGHTS_FILE] {
            std::fs::write(directory.adapter().join(name), "old").unwrap();
        }
        std::fs::write(directory.metrics(), "{}").unwrap();
        match state {
            Some(State::Completed) => directory.complete(3, "", made_from()).unwrap(),
            Some(state) => Status { state, step: 1, reason: String::new() }.write(directory.root()).unwrap(),
            None => {}
        }
        (directory, config)
    }

    fn made_from() -> Lineage {
        Lineage::new("train", serde_json::Value::Null, BTreeMap::new())
    }

    #[test]
    fn a_completed_run_is_kept_whole_until_the_new_one_is_completed() {
        let root = tempfile::tempdir().unwrap();
        let (directory, config) = run(root.path(), Some(State::Completed));
        directory.prepare(&config, None).unwrap();
        assert!(Status::load(directory.root()).unwrap().is_none() && !directory.adapter().exists());
        let previous = directory.previous();
        assert_eq!(Status::load(&previous).unwrap().unwrap().state, State::Completed);
        assert!(!made_from().must_make(&previous.join(STATUS_FILE), false).unwrap());
        let adapter = previous.join("adapter").join(peft::WEIGHTS_FILE);
        assert_eq!(std::fs::read_to_string(&adapter).unwrap(), "old");
        // The new run fails, and a third one begins: the completed one is still there.
        Status { state: State::Failed, step: 1, reason: String::new() }.write(directory.root()).unwrap();
        directory.prepare(&config, None).unwrap();
        assert!(adapter.exists());
        directory.complete(3, "", made_from()).unwrap();
        assert!(!previous.exists());
    }

    #[test]
    fn an_unfinished_run_is_not_kept() {
        for state in [None, Some(State::Failed), Some(State::Stopped)] {
            let root = tempfile::tempdir().unwrap();
            let (directory, config) = run(root.path(), state);
            assert!(directory.must_make(&made_from(), false).unwrap());
            directory.prepare(&config, None).unwrap();
            assert!(!directory.previous().exists() && !directory.adapter().exists());
        }
    }

    #[test]
    fn a_directory_that_is_no_run_is_refused_even_by_force() {
        let root = tempfile::tempdir().unwrap();
        let directory = RunDirectory { root: root.path().join("run") };
        let refusal = |force| directory.must_make(&made_from(), force).unwrap_err().to_string();
        assert!(directory.must_make(&made_from(), false).unwrap());
        std::fs::create_dir(directory.root()).unwrap();
        std::fs::write(directory.root().join(".medinjection-x"), "").unwrap();
        assert!(directory.must_make(&made_from(), false).unwrap());
        for (name, text) in [("mixture.json", "{}"), (CONFIG_FILE, "[other]\nkey = 1\n"), (STATUS_FILE, "{}")] {
            let path = directory.root().join(name);
            std::fs::write(&path, text).unwrap();
            for force in [false, true] {
                let message = refusal(force);
                assert!(
                    message.contains("output.dir: ") && message.contains(&format!("found {name} in it")),
                    "{message}"
                );
            }
            std::fs::remove_file(&path).unwrap();
        }
        std::fs::remove_dir_all(directory.root()).unwrap();
        std::fs::write(directory.root(), "").unwrap();
        assert!(refusal(true).contains("found a file"));
    }
}
