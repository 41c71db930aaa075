//! How a run ended.

use std::path::Path;

use medinjection_fr::provenance::write_json;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Name of the file in the run's directory.
pub const STATUS_FILE: &str = "status.json";

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All steps are made and the adapter is written.
    Completed,
    /// Its time was up; it goes on when the job is queued again.
    Requeue,
    /// A signal asked it to end.
    Stopped,
    /// Something could not be done.
    Failed,
}

/// `status.json`: absent while a run goes on, and after one was killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Status {
    /// How it ended.
    pub state: State,
    /// Steps that were made.
    pub step: u64,
    /// Why it ended, in words.
    pub reason: String,
}

impl Status {
    /// Reads the status of the run in `directory`; `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be read, [`Error::Format`] if it is not a status.
    pub fn load(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(STATUS_FILE);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| Error::format(&path, error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(&path)(error)),
        }
    }

    /// Writes it into the run's `directory`.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be written.
    pub fn write(&self, directory: &Path) -> Result<()> {
        Ok(write_json(&directory.join(STATUS_FILE), self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_back_and_a_damaged_one_names_its_file() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Status::load(directory.path()).unwrap(), None);
        let status = Status { state: State::Stopped, step: 3, reason: "SIGTERM".into() };
        status.write(directory.path()).unwrap();
        assert_eq!(Status::load(directory.path()).unwrap(), Some(status));
        std::fs::write(directory.path().join(STATUS_FILE), "{").unwrap();
        assert!(Status::load(directory.path()).unwrap_err().to_string().contains(STATUS_FILE));
    }
}
