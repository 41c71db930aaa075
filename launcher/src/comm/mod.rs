//! The processes of one run and what they exchange.
//!
//! Every rank reaches every collective: only the work between two of them depends on the rank, and a failure is agreed
//! on before anyone returns.

mod environment;
mod mpi;
mod nccl;
mod single;

pub use environment::{connect, is_first_process};
pub use mpi::Mpi;
pub use nccl::{Nccl, NcclSettings};
pub use single::Single;

use tch::{Device, Tensor};

use crate::ffi::floats_mut;
use crate::{Error, Result};

/// The processes of one run.
///
/// All methods but `rank`, `local_rank`, `world_size`, `is_root` and `abandon` are collectives.
pub trait Communicator: std::fmt::Debug {
    /// Index of this process among `world_size`.
    fn rank(&self) -> usize;

    /// Index of this process among those of its machine.
    fn local_rank(&self) -> usize;

    /// Number of processes.
    fn world_size(&self) -> usize;

    /// Returns when every rank has come here.
    ///
    /// # Errors
    /// [`Error::Environment`] if the processes cannot reach one another.
    fn barrier(&self) -> Result<()>;

    /// Replaces `values` by their sum over ranks, added in the order of ranks, so that it is the same in every run.
    ///
    /// # Errors
    /// [`Error::Environment`] if the processes cannot reach one another.
    fn all_reduce_sum(&self, values: &mut [f32]) -> Result<()>;

    /// [`Communicator::all_reduce_sum`] in double precision.
    ///
    /// # Errors
    /// [`Error::Environment`] if the processes cannot reach one another.
    fn all_reduce_sum_f64(&self, values: &mut [f64]) -> Result<()>;

    /// Replaces the values of a tensor by their sum over ranks: in the order of ranks, unless [`Nccl`] adds them up on GPUs.
    ///
    /// # Shapes
    /// Any, of f32, side by side.
    ///
    /// # Errors
    /// [`Error::Environment`] if the processes cannot reach one another; [`Error::Collective`] from [`Nccl`].
    fn all_reduce_sum_tensor(&self, values: &mut Tensor) -> Result<()> {
        // On the CPU these are the values themselves, elsewhere a copy.
        let mut row = values.f_view([1, -1])?.f_to_device(Device::Cpu)?;
        self.all_reduce_sum(floats_mut(&mut row))?;
        if values.device() != Device::Cpu {
            values.f_copy_(&row.f_view_as(values)?)?;
        }
        Ok(())
    }

    /// Tells that some rank may be gone: this process ends without waiting for the others.
    fn abandon(&self);

    /// Every rank's bytes in the order of ranks, on rank 0; an empty list elsewhere.
    ///
    /// # Errors
    /// [`Error::Environment`] if the processes cannot reach one another.
    fn gather_bytes(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>>;

    /// The bytes that rank 0 gives; what the others give is not looked at.
    ///
    /// # Errors
    /// [`Error::Environment`] if the processes cannot reach one another.
    fn broadcast_bytes(&self, bytes: Vec<u8>) -> Result<Vec<u8>>;

    /// Whether this is rank 0, which alone writes files and speaks.
    fn is_root(&self) -> bool {
        self.rank() == 0
    }
}

impl dyn Communicator + '_ {
    /// One verdict for all ranks: `outcome` where every rank succeeded, otherwise an error on each.
    ///
    /// # Errors
    /// On rank 0 its own failure, where it has failed. Otherwise, and on all other ranks, [`Error::Rank`] with the message of the
    /// lowest rank that failed.
    pub fn agree<T>(&self, outcome: Result<T>) -> Result<T> {
        let message = outcome.as_ref().err().map(|error| format!("!{error}")).unwrap_or_default();
        let messages = self.gather_bytes(message.as_bytes())?;
        let verdict = messages
            .iter()
            .position(|message| !message.is_empty())
            .map_or_else(Vec::new, |rank| [&(rank as u64).to_le_bytes(), &messages[rank][1..]].concat());
        let verdict = self.broadcast_bytes(verdict)?;
        let Some((rank, message)) = verdict.split_first_chunk::<8>() else {
            return outcome;
        };
        let rank = usize::try_from(u64::from_le_bytes(*rank)).unwrap_or(usize::MAX);
        match outcome {
            Err(error) if self.is_root() => Err(error),
            _ => Err(Error::Rank { rank, message: String::from_utf8_lossy(message).into_owned() }),
        }
    }
}
