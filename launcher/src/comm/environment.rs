//! What the launcher of the processes says about them.

use super::{Communicator, Mpi, Single};
use crate::{Error, Result};

/// How this process was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Launch {
    /// By `mpirun`, or by `srun --mpi=pmix`.
    Mpi,
    /// By hand, by a script, or as the only task of an `srun`.
    Alone,
}

/// The processes that were started together with this one.
///
/// # Errors
/// [`Error::Environment`] if several tasks were started without what MPI needs to join them, or if their number is not
/// the one that Slurm was asked for.
pub fn connect() -> Result<Box<dyn Communicator>> {
    let variable = |name: &str| std::env::var(name).ok();
    let comm: Box<dyn Communicator> = match launch(variable)? {
        Launch::Mpi => Box::new(Mpi::initialize()?),
        Launch::Alone => Box::new(Single),
    };
    check_world_size(comm.world_size(), variable)?;
    Ok(comm)
}

/// Whether this process is the one that speaks, as far as the environment tells before the ranks are joined.
#[must_use]
pub fn is_first_process() -> bool {
    let rank = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"].iter().find_map(|name| std::env::var(name).ok());
    rank.is_none_or(|rank| rank == "0")
}

fn launch(variable: impl Fn(&str) -> Option<String>) -> Result<Launch> {
    if variable("OMPI_COMM_WORLD_SIZE").is_some() || variable("PMIX_RANK").is_some() {
        return Ok(Launch::Mpi);
    }
    let tasks = variable("SLURM_STEP_ID").and_then(|_| variable("SLURM_STEP_NUM_TASKS"));
    match tasks.as_deref() {
        None | Some("1") => Ok(Launch::Alone),
        Some(tasks) => Err(Error::Environment(format!(
            "srun started {tasks} tasks without PMIx, so that they cannot join in MPI; start them with srun --mpi=pmix"
        ))),
    }
}

fn check_world_size(world_size: usize, variable: impl Fn(&str) -> Option<String>) -> Result<()> {
    match variable("SLURM_NTASKS") {
        Some(tasks) if tasks != world_size.to_string() => Err(Error::Environment(format!(
            "SLURM_NTASKS is {tasks}, but the world has {world_size} ranks; start them with srun --mpi=pmix"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn mpirun_and_pmix_join_the_ranks() {
        assert_eq!(launch(environment(&[("OMPI_COMM_WORLD_SIZE", "2")])).unwrap(), Launch::Mpi);
        let step = environment(&[("SLURM_STEP_ID", "0"), ("SLURM_STEP_NUM_TASKS", "2"), ("PMIX_RANK", "1")]);
        assert_eq!(launch(step).unwrap(), Launch::Mpi);
        assert_eq!(launch(environment(&[])).unwrap(), Launch::Alone);
    }

    #[test]
    fn several_tasks_without_pmix_are_refused_before_mpi_is_entered() {
        let message = launch(environment(&[("SLURM_STEP_ID", "0"), ("SLURM_STEP_NUM_TASKS", "2")])).unwrap_err();
        assert!(message.to_string().contains("srun --mpi=pmix"), "{message}");
    }

    #[test]
    fn a_world_of_another_size_than_slurms_is_refused() {
        let message = check_world_size(1, environment(&[("SLURM_NTASKS", "2")])).unwrap_err();
        assert!(message.to_string().contains("SLURM_NTASKS is 2"), "{message}");
        assert!(check_world_size(2, environment(&[("SLURM_NTASKS", "2")])).is_ok());
        assert!(check_world_size(2, environment(&[])).is_ok());
    }
}
