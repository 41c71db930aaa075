//! NCCL, tried by all ranks: whether its sums are right, and how fast they are.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of ranks and values are small, and patterns may wrap"
)]

use std::time::Instant;

use tch::{Device, Tensor};

use crate::comm::{Communicator, Nccl, NcclSettings};
use crate::{Error, Result};

/// Sizes of messages in bytes; the last but one is near the gradient of a Qwen3-4B adapter (136 MB).
const MESSAGE_BYTES: [usize; 6] = [1 << 10, 1 << 16, 1 << 20, 1 << 24, 1 << 27, 1 << 28];
const WARM_UP: usize = 2;
const REPETITIONS: usize = 10;
/// Values that the checks add up: more than one block of a device, no multiple of one.
const CHECKED_VALUES: usize = (1 << 18) + 3;

/// What was found by trying NCCL.
#[derive(Debug, Clone)]
pub struct NcclTrial {
    /// NCCL's version.
    pub version: String,
    /// Number of ranks.
    pub world_size: usize,
    /// Where the values of rank 0 lay.
    pub device: Device,
    /// Sums of small whole numbers that were wrong, on all ranks together; each of these sums is exact in any order.
    pub num_wrong: usize,
    /// Values that were checked, on all ranks together.
    pub num_checked: usize,
    /// Largest difference from MPI's sums in the order of ranks, of values in ±0.5.
    pub difference: f64,
    /// What rounding in another order can make of that at most.
    pub bound: f64,
    /// One a size of message.
    pub speeds: Vec<Speed>,
}

/// How fast messages of one size were summed.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Speed {
    /// Size of the message on each rank, in bytes.
    pub message_bytes: usize,
    /// Time of one sum, in seconds, on the slowest rank.
    pub seconds: f64,
    /// Bytes of the message through that time, in 10⁹ bytes a second.
    pub algorithm_bandwidth: f64,
    /// What goes over the slowest link at least: 2 (n − 1) / n of that for n ranks.
    pub bus_bandwidth: f64,
}

impl NcclTrial {
    /// Whether all sums were right.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.num_wrong == 0 && self.difference <= self.bound
    }
}

/// Has all ranks of `comm` sum over NCCL, each on its `device`, messages of `max_bytes` at most.
///
/// # Errors
/// [`Error::Environment`] if there is neither a GPU nor a stand-in for tests; what [`Nccl`] refuses. The same verdict on every rank, unless it is
/// an [`Error::Collective`].
pub fn try_nccl(comm: &dyn Communicator, device: Result<Device>, max_bytes: usize) -> Result<NcclTrial> {
    let settings = comm.agree(NcclSettings::from_environment())?;
    let device = match device {
        Ok(device) if !device.is_cuda() && !settings.on_host => {
            Err(Error::Environment("doctor --nccl: no GPU; start it on GPUs, one rank each".to_owned()))
        }
        device => device,
    };
    let device = comm.agree(device)?;
    let nccl = Nccl::join(comm, device, &settings)?;
    let num_wrong = num_wrong_sums(&nccl, device)?;
    let (difference, bound) = difference_from_mpi(&nccl, device)?;
    let mut sums = [num_wrong as f64, CHECKED_VALUES as f64];
    comm.all_reduce_sum_f64(&mut sums)?;
    let sizes = MESSAGE_BYTES.into_iter().filter(|bytes| *bytes <= max_bytes);
    let speeds = sizes.map(|bytes| speed(&nccl, device, bytes)).collect::<Result<_>>()?;
    let version = nccl.version().to_owned();
    nccl.leave()?;
    let [num_wrong, num_checked] = sums.map(|sum| sum as usize);
    Ok(NcclTrial { version, world_size: comm.world_size(), device, num_wrong, num_checked, difference, bound, speeds })
}

/// How many of the sums of whole numbers are not exact on this rank.
fn num_wrong_sums(nccl: &Nccl<'_>, device: Device) -> Result<usize> {
    let given = |rank: usize, index: usize| ((7 * index + 13 * rank) % 17) as f32 - 8.0;
    let mut values = tensor(&numbers(|index| given(nccl.rank(), index)), device)?;
    nccl.all_reduce_sum_tensor(&mut values)?;
    let expected = numbers(|index| (0..nccl.world_size()).map(|rank| given(rank, index)).sum());
    let found = Vec::<f32>::try_from(values.f_to_device(Device::Cpu)?)?;
    Ok(found.iter().zip(&expected).filter(|(found, expected)| *found - *expected != 0.0).count())
}

/// The largest difference between NCCL's sums and MPI's over all ranks, and its bound.
fn difference_from_mpi(nccl: &Nccl<'_>, device: Device) -> Result<(f64, f64)> {
    let rank = nccl.rank();
    let mut by_mpi = numbers(|index| {
        let mixed = (index as u32).wrapping_mul(2_654_435_761).wrapping_add((rank as u32).wrapping_mul(40_503));
        (mixed >> 8) as f32 / (1 << 24) as f32 - 0.5
    });
    let mut by_nccl = tensor(&by_mpi, device)?;
    nccl.all_reduce_sum_tensor(&mut by_nccl)?;
    nccl.all_reduce_sum(&mut by_mpi)?;
    let by_nccl = Vec::<f32>::try_from(by_nccl.f_to_device(Device::Cpu)?)?;
    let differences = by_nccl.iter().zip(&by_mpi).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
    // Not a number counts as infinitely far.
    let mine = differences.fold(0.0, |largest, apart| if apart <= largest { largest } else { apart.max(0.0) });
    let mine = if by_nccl.iter().all(|value| value.is_finite()) { mine } else { f64::INFINITY };
    // Each order of n summands of ±0.5 rounds n − 1 times, by half of 2⁻²³ of a partial sum of n / 2 at most.
    let num_ranks = nccl.world_size() as f64;
    let bound = 2.0 * (num_ranks - 1.0) * f64::from(f32::EPSILON) / 2.0 * num_ranks / 2.0;
    Ok((largest(nccl, mine)?, bound))
}

fn speed(nccl: &Nccl<'_>, device: Device, message_bytes: usize) -> Result<Speed> {
    let zeros = Tensor::f_zeros([i64::try_from(message_bytes / 4).unwrap_or(i64::MAX)], (tch::Kind::Float, device));
    let mut values = (nccl as &dyn Communicator).agree(zeros.map_err(Error::from))?;
    nccl.sum_repeatedly(&mut values, WARM_UP)?;
    nccl.barrier()?;
    let began = Instant::now();
    nccl.sum_repeatedly(&mut values, REPETITIONS)?;
    let seconds = largest(nccl, began.elapsed().as_secs_f64() / REPETITIONS as f64)?;
    let algorithm_bandwidth = message_bytes as f64 / seconds / 1e9;
    let num_ranks = nccl.world_size() as f64;
    let bus_bandwidth = algorithm_bandwidth * 2.0 * (num_ranks - 1.0) / num_ranks;
    Ok(Speed { message_bytes, seconds, algorithm_bandwidth, bus_bandwidth })
}

/// The largest of every rank's number, on every rank.
fn largest(comm: &dyn Communicator, number: f64) -> Result<f64> {
    let gathered = comm.gather_bytes(&number.to_le_bytes())?;
    let numbers = gathered.iter().filter_map(|bytes| Some(f64::from_le_bytes(bytes.as_slice().try_into().ok()?)));
    let largest = numbers.fold(0.0, f64::max);
    let told = comm.broadcast_bytes(largest.to_le_bytes().to_vec())?;
    Ok(told.try_into().map_or(largest, f64::from_le_bytes))
}

fn numbers(of: impl Fn(usize) -> f32) -> Vec<f32> {
    (0..CHECKED_VALUES).map(of).collect()
}

fn tensor(values: &[f32], device: Device) -> Result<Tensor> {
    Ok(Tensor::f_from_slice(values)?.f_to_device(device)?)
}
