//! The C library's allocator.

use std::ffi::c_int;

const M_TRIM_THRESHOLD: c_int = -1;
const M_TOP_PAD: c_int = -2;
const M_MMAP_MAX: c_int = -4;
const M_ARENA_MAX: c_int = -8;
/// What the heap grows by beyond what is asked for.
const TOP_PAD_BYTES: c_int = 1 << 26;

unsafe extern "C" {
    safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
}

/// Tells the allocator to keep the memory of freed tensors for the next ones, instead of giving it back to the system.
///
/// A page that comes fresh from the system has to be cleared and mapped first, which costs ten times as much as to write to it; a
/// training step frees and asks for the same sizes again and again.
pub fn keep_freed_memory() {
    // Everything from one heap that never shrinks.
    for (parameter, value) in
        [(M_MMAP_MAX, 0), (M_ARENA_MAX, 1), (M_TRIM_THRESHOLD, c_int::MAX), (M_TOP_PAD, TOP_PAD_BYTES)]
    {
        mallopt(parameter, value);
    }
}
