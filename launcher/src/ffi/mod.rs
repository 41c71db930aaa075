//! All that is unsafe: memory of tensors as slices, libtorch's threads, the processor's widest registers, the allocator's settings,
//! NCCL and CUDA's run time.

#![expect(unsafe_code, reason = "the one home of unsafe code")]

mod cuda;
mod cudart;
mod exit;
mod memory;
mod nccl;
mod product;
mod simd;
mod slices;
mod threads;

pub(crate) use cuda::folder_of_libtorch;
pub use cuda::open_cuda;
pub(crate) use cudart::Cudart;
pub use exit::exit_at_once;
pub use memory::keep_freed_memory;
pub(crate) use nccl::{Failure, Nccl, NcclRanks, UNIQUE_ID_BYTES};
pub(crate) use product::{has_fast_products, multiply};
pub(crate) use simd::{has_avx2, has_avx512, with_avx2, with_avx512};
pub(crate) use slices::{floats, floats_mut};
pub(crate) use threads::{num_threads, run_on_threads};
