//! Where tensors live, and in which precision a model computes there.

use tch::{Cuda, Device, Kind};

use crate::ffi::open_cuda;
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
    /// The device of one of `world_size` processes.
    ///
    /// # Errors
    /// [`Error::Environment`] if there is no GPU where one is asked for, or several processes would have to share GPUs.
    pub fn resolve(self, world_size: usize) -> Result<Device> {
        if self != Self::Cpu {
            open_cuda();
        }
        resolve(self, world_size, Cuda::is_available())
    }
}

fn resolve(choice: DeviceChoice, world_size: usize, has_gpu: bool) -> Result<Device> {
    match (choice, has_gpu) {
        (DeviceChoice::Cpu, _) | (DeviceChoice::Auto, false) => Ok(Device::Cpu),
        (DeviceChoice::Cuda, false) => Err(Error::Environment(
            "device cuda: expected a GPU and a libtorch with CUDA, found none; use the device cpu or auto".to_owned(),
        )),
        (DeviceChoice::Auto | DeviceChoice::Cuda, true) if 1 < world_size => Err(Error::Environment(format!(
            "device cuda: expected one rank, found {world_size}; several ranks need NCCL, which this build does not have: use one rank, or the device cpu"
        ))),
        (DeviceChoice::Auto | DeviceChoice::Cuda, true) => Ok(Device::Cuda(0)),
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
    fn a_gpu_is_used_by_one_rank_only_and_never_assumed() {
        assert_eq!(resolve(DeviceChoice::Auto, 2, false).unwrap(), Device::Cpu);
        assert_eq!(resolve(DeviceChoice::Cpu, 2, true).unwrap(), Device::Cpu);
        assert_eq!(resolve(DeviceChoice::Auto, 1, true).unwrap(), Device::Cuda(0));
        assert!(resolve(DeviceChoice::Cuda, 1, false).unwrap_err().to_string().contains("found none"));
        assert!(resolve(DeviceChoice::Auto, 2, true).unwrap_err().to_string().contains("NCCL"));
    }
}
