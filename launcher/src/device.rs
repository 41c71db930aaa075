//! Where tensors live, and in which precision a model computes there.

use tch::{Cuda, Device, Kind};

use crate::ffi::{Cudart, open_cuda};
use crate::{Error, Result};

/// The device that a user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A GPU where there is one, otherwise the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU, or an error.
    Cuda,
}

impl DeviceChoice {
    /// The device of the process that is the `local_rank`th of its machine, counted from 0: a GPU each.
    ///
    /// # Errors
    /// [`Error::Environment`] if there is no GPU where one is asked for, or several processes would have to share one.
    pub fn resolve(self, local_rank: usize) -> Result<Device> {
        if self != Self::Cpu {
            open_cuda();
        }
        let device = resolve(self, local_rank, usize::try_from(Cuda::device_count()).unwrap_or(0))?;
        // What names no device is for the current one, which is the first unless told otherwise.
        if let Device::Cuda(index) = device
            && 0 < index
        {
            use_gpu(index)?;
        }
        Ok(device)
    }
}

/// Makes a GPU the current one of this thread.
///
/// # Errors
/// [`Error::Environment`] if CUDA's run time is not found or refuses.
pub(crate) fn use_gpu(index: usize) -> Result<Cudart> {
    let refused = |message: String| Error::Environment(format!("device cuda:{index}: {message}"));
    let cudart = Cudart::open().map_err(refused)?;
    cudart.set_device(index).map_err(refused)?;
    Ok(cudart)
}

fn resolve(choice: DeviceChoice, local_rank: usize, num_gpus: usize) -> Result<Device> {
    match (choice, num_gpus) {
        (DeviceChoice::Cpu, _) | (DeviceChoice::Auto, 0) => Ok(Device::Cpu),
        (DeviceChoice::Cuda, 0) => Err(Error::Environment(
            "device cuda: expected a GPU and a libtorch with CUDA, found none; use the device cpu or auto".to_owned(),
        )),
        (DeviceChoice::Auto | DeviceChoice::Cuda, _) if num_gpus <= local_rank => Err(Error::Environment(format!(
            "device cuda: expected a GPU for each rank of this machine, found {num_gpus} for rank {local_rank} of it (counted from 0); start as many ranks a machine as it has GPUs, let each see all of them (--gres=gpu:N, not --gpus-per-task), or use the device cpu"
        ))),
        (DeviceChoice::Auto | DeviceChoice::Cuda, _) => Ok(Device::Cuda(local_rank)),
    }
}

/// The precision in which a model computes on `device` unless told otherwise: f32 on the CPU, bf16 on a GPU.
#[must_use]
pub fn default_kind(device: Device) -> Kind {
    if device.is_cuda() { Kind::BFloat16 } else { Kind::Float }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rank_of_a_machine_has_a_gpu_of_its_own_and_none_is_assumed() {
        assert_eq!(resolve(DeviceChoice::Auto, 1, 0).unwrap(), Device::Cpu);
        assert_eq!(resolve(DeviceChoice::Cpu, 1, 2).unwrap(), Device::Cpu);
        assert_eq!(resolve(DeviceChoice::Auto, 0, 1).unwrap(), Device::Cuda(0));
        assert_eq!(resolve(DeviceChoice::Cuda, 1, 2).unwrap(), Device::Cuda(1));
        assert!(resolve(DeviceChoice::Cuda, 0, 0).unwrap_err().to_string().contains("found none"));
        let message = resolve(DeviceChoice::Auto, 2, 2).unwrap_err().to_string();
        assert!(message.contains("found 2 for rank 2"), "{message}");
    }
}
