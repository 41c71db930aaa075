//! Ranks over MPI.

use std::cell::RefCell;

use mpi::collective::CommunicatorCollectives;
use mpi::datatype::Equivalence;
use mpi::environment::Universe;
use mpi::point_to_point::{Destination, Source};
use mpi::topology::{Communicator as _, SimpleCommunicator};
use mpi::traits::Root;

use super::Communicator;
use crate::{Error, Result};

/// Values that one collective carries; far below MPI's limit of 2³¹, and small enough that buffers stay in cache.
const CHUNK_VALUES: usize = 1 << 20;

/// The ranks that `mpirun` or `srun --mpi=pmix` started; leaves MPI when it is dropped.
pub struct Mpi {
    world: SimpleCommunicator,
    rank: usize,
    local_rank: usize,
    world_size: usize,
    // Dropped last: its end is MPI_Finalize, which waits for the others; none where they are abandoned.
    universe: RefCell<Option<Universe>>,
}

impl Mpi {
    /// Enters MPI.
    ///
    /// # Errors
    /// [`Error::Environment`] if this process has entered MPI before.
    pub fn initialize() -> Result<Self> {
        let universe =
            mpi::initialize().ok_or_else(|| Error::Environment("this process has entered MPI before".into()))?;
        let world = universe.world();
        let size = |count: i32| usize::try_from(count).map_err(|error| Error::Environment(format!("MPI: {error}")));
        let local_rank = size(world.split_shared(world.rank()).rank())?;
        let (rank, world_size) = (size(world.rank())?, size(world.size())?);
        Ok(Self { rank, local_rank, world_size, world, universe: RefCell::new(Some(universe)) })
    }

    /// Each rank adds up one slice of the values of all ranks, in the order of ranks, then the slices are put together.
    fn sum_in_rank_order<T: Equivalence + Copy + Default + std::ops::AddAssign>(&self, values: &mut [T]) {
        for chunk in values.chunks_mut(CHUNK_VALUES) {
            let slice = chunk.len().div_ceil(self.world_size);
            let mut mine = vec![T::default(); slice * self.world_size];
            mine[..chunk.len()].copy_from_slice(chunk);
            let mut theirs = vec![T::default(); mine.len()];
            self.world.all_to_all_into(&mine[..], &mut theirs[..]);
            let mut sum = theirs[..slice].to_vec();
            for other in theirs.chunks(slice).skip(1) {
                sum.iter_mut().zip(other).for_each(|(sum, other)| *sum += *other);
            }
            self.world.all_gather_into(&sum[..], &mut mine[..]);
            chunk.copy_from_slice(&mine[..chunk.len()]);
        }
    }
}

impl Communicator for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn local_rank(&self) -> usize {
        self.local_rank
    }

    fn world_size(&self) -> usize {
        self.world_size
    }

    fn barrier(&self) -> Result<()> {
        self.world.barrier();
        Ok(())
    }

    fn all_reduce_sum(&self, values: &mut [f32]) -> Result<()> {
        self.sum_in_rank_order(values);
        Ok(())
    }

    fn all_reduce_sum_f64(&self, values: &mut [f64]) -> Result<()> {
        self.sum_in_rank_order(values);
        Ok(())
    }

    fn abandon(&self) {
        std::mem::forget(self.universe.take());
    }

    fn gather_bytes(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut lengths = vec![0u64; self.world_size];
        self.world.all_gather_into(&(bytes.len() as u64), &mut lengths[..]);
        if !self.is_root() {
            bytes.chunks(CHUNK_VALUES).for_each(|chunk| self.world.process_at_rank(0).send(chunk));
            return Ok(Vec::new());
        }
        let mut gathered = vec![bytes.to_vec()];
        for (rank, length) in lengths.into_iter().enumerate().skip(1) {
            let mut received = vec![0u8; to_usize(length)?];
            let process = self.world.process_at_rank(i32::try_from(rank).expect("MPI counts ranks in i32"));
            for chunk in received.chunks_mut(CHUNK_VALUES) {
                process.receive_into(chunk);
            }
            gathered.push(received);
        }
        Ok(gathered)
    }

    fn broadcast_bytes(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let root = self.world.process_at_rank(0);
        let mut length = bytes.len() as u64;
        root.broadcast_into(&mut length);
        let mut bytes = if self.is_root() { bytes } else { vec![0; to_usize(length)?] };
        for chunk in bytes.chunks_mut(CHUNK_VALUES) {
            root.broadcast_into(chunk);
        }
        Ok(bytes)
    }
}

impl std::fmt::Debug for Mpi {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Mpi")
            .field("rank", &self.rank)
            .field("world_size", &self.world_size)
            .finish_non_exhaustive()
    }
}

fn to_usize(length: u64) -> Result<usize> {
    usize::try_from(length).map_err(|_| Error::Environment(format!("another rank sent {length} bytes")))
}
