//! Ranks with a GPU each: NCCL adds up what lies on devices, another communicator does all else.
//!
//! No call blocks: each is begun, then asked about until it is done, has failed, or its time is up. A rank that is gone or stuck thus ends the
//! others, each with an error that names rank and operation, and never hangs them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tch::{Device, Tensor};

use super::Communicator;
use crate::device::use_gpu;
use crate::ffi::{Cudart, Failure, NcclRanks, UNIQUE_ID_BYTES};
use crate::{Error, Result, ffi};

const LIBRARY: &str = "MEDINJECTION_NCCL";
const ON_HOST: &str = "MEDINJECTION_NCCL_ON_HOST";
const TIMEOUT: &str = "MEDINJECTION_NCCL_TIMEOUT_SECONDS";
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(10);
/// What is waited for an abort before the process ends without it.
const ABORT_PATIENCE: Duration = Duration::from_secs(5);
/// For so long an operation is asked about without a pause: longer than a gradient takes on a fast fabric.
const BUSY: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_micros(200);

/// How NCCL is used, as the environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NcclSettings {
    /// The library's file (`MEDINJECTION_NCCL`); `None` is libtorch's own copy.
    pub library: Option<PathBuf>,
    /// Whether it adds up tensors in host memory (`MEDINJECTION_NCCL_ON_HOST=1`), which no NCCL of NVIDIA's can: for tests.
    pub on_host: bool,
    /// What one operation may take (`MEDINJECTION_NCCL_TIMEOUT_SECONDS`, 600 where it is not set).
    pub timeout: Duration,
}

impl NcclSettings {
    /// The settings that the environment's variables give.
    ///
    /// # Errors
    /// [`Error::Config`] for a time that is no positive number of seconds.
    pub fn from_environment() -> Result<Self> {
        Self::from_variables(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let timeout = variable(TIMEOUT).map_or(Ok(DEFAULT_TIMEOUT), |text| match text.parse::<u32>() {
            Ok(seconds) if 0 < seconds => Ok(Duration::from_secs(seconds.into())),
            _ => Err(Error::config(TIMEOUT, format!("expected a positive number of seconds, found \"{text}\""))),
        })?;
        let on_host = variable(ON_HOST).is_some_and(|value| value == "1");
        Ok(Self { library: variable(LIBRARY).map(PathBuf::from), on_host, timeout })
    }

    /// The version of the library that there is, `2.32.3`.
    ///
    /// # Errors
    /// [`Error::Environment`] if there is none that can be used.
    pub fn version(&self) -> Result<String> {
        open(Device::Cpu, self).map(|(_, version, _)| version)
    }

    /// Whether the gradients of `world_size` ranks whose tensors live on `device` are for NCCL.
    #[must_use]
    pub fn apply(&self, device: Device, world_size: usize) -> bool {
        1 < world_size && (device.is_cuda() || self.on_host)
    }
}

/// The ranks of one run, joined in NCCL over the communicator that they have; NCCL is left by [`Nccl::leave`].
pub struct Nccl<'a> {
    control: &'a dyn Communicator,
    ranks: NcclRanks,
    /// `None` where tensors lie in host memory.
    cudart: Option<Cudart>,
    timeout: Duration,
    version: String,
}

impl<'a> Nccl<'a> {
    /// Joins all ranks of `control`, each on its `device`.
    ///
    /// # Errors
    /// [`Error::Environment`] if some rank has no NCCL or cannot use its device, on every rank; [`Error::Collective`] if the ranks do not find
    /// one another.
    pub fn join(control: &'a dyn Communicator, device: Device, settings: &NcclSettings) -> Result<Self> {
        let (nccl, version, cudart) = control.agree(open(device, settings))?;
        let id = if control.is_root() { nccl.unique_id().map(Vec::from) } else { Ok(Vec::new()) };
        let refused = |failure: Failure| failed(control, "making an id for NCCL's communicator", &failure);
        let id = control.broadcast_bytes(control.agree(id.map_err(refused))?)?;
        let operation = "joining the ranks in NCCL";
        let id: [u8; UNIQUE_ID_BYTES] = id.try_into().map_err(|id: Vec<u8>| {
            Error::Environment(format!("rank 0 sent {} bytes as NCCL's id, expected {UNIQUE_ID_BYTES}", id.len()))
        })?;
        let ranks = nccl.join(id, control.rank(), control.world_size()).map_err(|failure| {
            control.abandon();
            failed(control, operation, &failure)
        })?;
        let joined = Self { control, ranks, cudart, timeout: settings.timeout, version };
        joined.wait(operation, false)?;
        Ok(joined)
    }

    /// NCCL's version, `2.32.3`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Adds up `values` over ranks `times` times, one after the other, and waits for the last.
    ///
    /// # Errors
    /// [`Error::Collective`] with the name of what failed, or once the time is up.
    pub fn sum_repeatedly(&self, values: &mut Tensor, times: usize) -> Result<()> {
        let operation = format!("summing {} values over NCCL", values.numel());
        for turn in 1..=times {
            self.ranks.begin_sum(values).map_err(|failure| self.give_up(&operation, &failure))?;
            self.wait(&operation, turn == times)?;
        }
        Ok(())
    }

    /// Leaves NCCL in order, once every rank has come so far.
    ///
    /// # Errors
    /// [`Error::Collective`] with the name of what failed, or once the time is up.
    pub fn leave(self) -> Result<()> {
        let operation = "leaving NCCL";
        self.ranks.begin_leaving().map_err(|failure| self.give_up(operation, &failure))?;
        self.wait(operation, false)?;
        let control = self.control;
        self.ranks.leave().map_err(|failure| {
            control.abandon();
            failed(control, operation, &failure)
        })?;
        // Whoever could not leave has ended; nobody takes the run for a whole one.
        control.barrier()
    }

    /// Waits until the call before has done its part, and, where `with_stream` is true, what it has put on the stream as well.
    fn wait(&self, operation: &str, with_stream: bool) -> Result<()> {
        let began = Instant::now();
        while !self.is_done(with_stream).map_err(|message| self.give_up(operation, &message))? {
            let elapsed = began.elapsed();
            if self.timeout <= elapsed {
                let seconds = self.timeout.as_secs();
                let message = format!(
                    "not done after {seconds} s ({TIMEOUT}): another rank is gone or stuck, or the network between the ranks is broken; NCCL_DEBUG=INFO says more"
                );
                return Err(self.give_up(operation, &message));
            }
            if elapsed < BUSY {
                std::thread::yield_now();
            } else {
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    fn is_done(&self, with_stream: bool) -> Result<bool, String> {
        if !self.ranks.is_ready().map_err(|failure| failure.to_string())? {
            return Ok(false);
        }
        match &self.cudart {
            Some(cudart) if with_stream => cudart.is_idle(),
            _ => Ok(true),
        }
    }

    /// Ends the communicator and makes the error of it.
    fn give_up(&self, operation: &str, message: &dyn std::fmt::Display) -> Error {
        self.ranks.abort(ABORT_PATIENCE);
        self.control.abandon();
        failed(self.control, operation, message)
    }
}

impl Communicator for Nccl<'_> {
    fn rank(&self) -> usize {
        self.control.rank()
    }

    fn local_rank(&self) -> usize {
        self.control.local_rank()
    }

    fn world_size(&self) -> usize {
        self.control.world_size()
    }

    fn barrier(&self) -> Result<()> {
        self.control.barrier()
    }

    fn all_reduce_sum(&self, values: &mut [f32]) -> Result<()> {
        self.control.all_reduce_sum(values)
    }

    fn all_reduce_sum_f64(&self, values: &mut [f64]) -> Result<()> {
        self.control.all_reduce_sum_f64(values)
    }

    fn all_reduce_sum_tensor(&self, values: &mut Tensor) -> Result<()> {
        self.sum_repeatedly(values, 1)
    }

    fn gather_bytes(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
        self.control.gather_bytes(bytes)
    }

    fn broadcast_bytes(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        self.control.broadcast_bytes(bytes)
    }

    fn abandon(&self) {
        self.control.abandon();
    }
}

impl std::fmt::Debug for Nccl<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Nccl")
            .field("control", &self.control)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// NCCL, its version, and CUDA's run time with this rank's device as the current one.
fn open(device: Device, settings: &NcclSettings) -> Result<(ffi::Nccl, String, Option<Cudart>)> {
    let missing = |message: String| {
        Error::Environment(format!(
            "several ranks on GPUs need NCCL: {message}; it comes with libtorch for CUDA (bash launcher/bootstrap.sh --cuda), or {LIBRARY} names its file; else use one rank, or the device cpu"
        ))
    };
    let nccl = ffi::Nccl::open(settings.library.as_deref()).map_err(missing)?;
    let version = nccl.version_name().map_err(|failure| missing(failure.to_string()))?;
    let Device::Cuda(index) = device else { return Ok((nccl, version, None)) };
    Ok((nccl, version, Some(use_gpu(index)?)))
}

fn failed(control: &dyn Communicator, operation: &str, message: &dyn std::fmt::Display) -> Error {
    Error::Collective {
        rank: control.rank(),
        world_size: control.world_size(),
        operation: operation.to_owned(),
        message: message.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::Single;

    #[test]
    fn a_time_is_a_positive_number_of_seconds() {
        let settings = |time: &str| NcclSettings::from_variables(|name| (name == TIMEOUT).then(|| time.to_owned()));
        assert_eq!(settings("7").unwrap().timeout, Duration::from_secs(7));
        for wrong in ["0", "-1", "soon"] {
            assert!(settings(wrong).unwrap_err().to_string().contains(TIMEOUT), "{wrong}");
        }
        assert_eq!(NcclSettings::from_variables(|_| None).unwrap().timeout, DEFAULT_TIMEOUT);
    }

    #[test]
    fn nccl_is_for_several_ranks_with_gpus() {
        let settings = NcclSettings::from_variables(|_| None).unwrap();
        assert!(settings.apply(Device::Cuda(1), 2) && !settings.apply(Device::Cuda(0), 1));
        assert!(!settings.apply(Device::Cpu, 2) && NcclSettings { on_host: true, ..settings }.apply(Device::Cpu, 2));
    }

    #[test]
    fn what_is_missing_is_said() {
        let settings = NcclSettings::from_variables(|name| (name == LIBRARY).then(|| "nowhere.so".into())).unwrap();
        let message = Nccl::join(&Single, Device::Cpu, &settings).unwrap_err().to_string();
        assert!(message.contains("need NCCL: nowhere.so cannot be opened") && message.contains(LIBRARY), "{message}");
    }
}
