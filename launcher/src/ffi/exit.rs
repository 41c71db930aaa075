//! The end of a process that must not wait for others.

use std::ffi::c_int;

unsafe extern "C" {
    safe fn _exit(code: c_int) -> !;
}

/// Ends the process at once, without what libraries do at an exit: MPI would wait for ranks that may be gone, CUDA for a device that may
/// no longer answer. What started the ranks then ends the others.
pub fn exit_at_once(code: u8) -> ! {
    _exit(c_int::from(code))
}
