//! Where a run was made: what its configuration does not say, and what a reader asks when two runs differ.
//!
//! Nothing here decides on the result, and it differs from machine to machine: comparisons of runs leave the file out.

use std::collections::BTreeMap;
use std::path::Path;

use medinjection_fr::provenance::write_json;
use serde::{Deserialize, Serialize};
use tch::Device;

use crate::comm::Communicator;
use crate::doctor::libtorch_version;
use crate::{Error, Result};

/// Name of the file in the run's directory.
pub const ENVIRONMENT_FILE: &str = "environment.json";

/// The variable by which the scripts say from which sources they have built the program.
const COMMIT_VARIABLE: &str = "MEDINJECTION_COMMIT";

/// What Slurm says of a job.
const SLURM_VARIABLES: [&str; 8] = [
    "SLURM_CLUSTER_NAME",
    "SLURM_JOB_PARTITION",
    "SLURM_JOB_ID",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_STEP_ID",
    "SLURM_RESTART_COUNT",
    "SLURM_JOB_NODELIST",
];

/// `environment.json`: every start of a run, the first one first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Environment {
    /// The starts; more than one where the run went on from a checkpoint.
    pub starts: Vec<Start>,
}

/// One start of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Start {
    /// Optimizer steps that had been made before.
    pub step: u64,
    /// Version of the launcher.
    pub tool_version: String,
    /// Commit of the sources from which the scripts built the program, with `-dirty` where they had been edited; absent where
    /// the program was started without them.
    pub commit: Option<String>,
    /// Version of libtorch; absent where its files do not tell.
    pub libtorch: Option<String>,
    /// `cpu` or `cuda`.
    pub device: String,
    /// Number of ranks.
    pub world_size: usize,
    /// Where each of them ran.
    pub ranks: Vec<Rank>,
    /// Slurm's own variables, where Slurm started the run.
    pub slurm: BTreeMap<String, String>,
}

/// The place of one rank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Rank {
    /// Name of the machine.
    pub host: String,
    /// Threads of libtorch's.
    pub threads: i32,
}

impl Start {
    /// What all ranks say of the start after `step` steps; a collective, whose result is whole on rank 0 alone.
    ///
    /// # Errors
    /// [`Error::Environment`] if the processes cannot reach one another, or one of them says something else.
    pub fn gather(comm: &dyn Communicator, device: Device, step: u64) -> Result<Self> {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
        let here = Rank { host, threads: tch::get_num_threads() };
        let unclear = |error| Error::Environment(format!("expected host and threads of each rank, found {error}"));
        let said = comm.gather_bytes(&serde_json::to_vec(&here).map_err(unclear)?)?;
        let ranks = said.iter().map(|said| serde_json::from_slice(said).map_err(unclear)).collect::<Result<_>>()?;
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Ok(Self {
            step,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: variable(COMMIT_VARIABLE),
            libtorch: libtorch_version(),
            device: if device == Device::Cpu { "cpu" } else { "cuda" }.to_owned(),
            world_size: comm.world_size(),
            ranks,
            slurm: SLURM_VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), variable(name)?))).collect(),
        })
    }

    /// Adds the start to those of the run in `directory`, or begins the list where the run begins.
    ///
    /// # Errors
    /// [`Error::Library`] if the file cannot be read or written, [`Error::Format`] if it is not that of a run.
    pub fn write(self, directory: &Path) -> Result<()> {
        let path = directory.join(ENVIRONMENT_FILE);
        let mut environment = match std::fs::read(&path) {
            Ok(bytes) if self.step > 0 => serde_json::from_slice(&bytes).map_err(|error| {
                Error::format(&path, format!("expected the starts of a run, found {error}; remove it"))
            })?,
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(&path)(error)),
            _ => Environment::default(),
        };
        environment.starts.push(self);
        Ok(write_json(&path, &environment)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::Single;

    #[test]
    fn a_run_that_goes_on_keeps_its_earlier_starts_and_a_new_one_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let steps = || -> Vec<u64> {
            let bytes = std::fs::read(directory.path().join(ENVIRONMENT_FILE)).unwrap();
            serde_json::from_slice::<Environment>(&bytes).unwrap().starts.iter().map(|start| start.step).collect()
        };
        let start = |step| Start::gather(&Single, Device::Cpu, step).unwrap();
        assert_eq!((start(3).world_size, start(3).ranks.len(), start(3).device.as_str()), (1, 1, "cpu"));
        assert!(!start(3).ranks[0].host.is_empty() && start(3).ranks[0].threads >= 1);
        for (step, expected) in [(0, &[0][..]), (4, &[0, 4]), (7, &[0, 4, 7]), (0, &[0])] {
            start(step).write(directory.path()).unwrap();
            assert_eq!(steps(), expected);
        }
        std::fs::write(directory.path().join(ENVIRONMENT_FILE), "{").unwrap();
        let refusal = start(1).write(directory.path()).unwrap_err().to_string();
        assert!(refusal.contains(ENVIRONMENT_FILE) && refusal.ends_with("remove it"), "{refusal}");
    }
}
