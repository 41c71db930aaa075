//! libtorch's own threads, for loops of ours.
//!
//! libtorch runs its operators on the threads of GNU's OpenMP library. A second pool beside it would wait for the same cores.

use std::ffi::{c_uint, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use libloading::os::unix::Library;

/// `GOMP_parallel (fn, data, num_threads, flags)`: the team runs `fn (data)`.
type GompParallel = unsafe extern "C" fn(extern "C" fn(*mut c_void), *mut c_void, c_uint, c_uint);

/// The entry points that the program has loaded with libtorch; `None` where libtorch uses another library.
fn gomp_parallel() -> Option<GompParallel> {
    static FOUND: OnceLock<Option<GompParallel>> = OnceLock::new();
    // SAFETY: the symbol, where there is one, is that of GNU's OpenMP library, whose interface is fixed.
    *FOUND.get_or_init(|| unsafe { Library::this().get::<GompParallel>(b"GOMP_parallel\0").ok().map(|symbol| *symbol) })
}

/// Threads that libtorch computes with.
pub(crate) fn num_threads() -> usize {
    usize::try_from(tch::get_num_threads()).unwrap_or(1).max(1)
}

/// Calls `work` with each of `0..num_parts`, on libtorch's threads where there are several parts.
///
/// # Panics
/// If `work` panics, once all threads have come to their end.
pub(crate) fn run_on_threads(num_parts: usize, work: &(dyn Fn(usize) + Sync)) {
    let threads = num_parts.min(num_threads());
    let Some(parallel) = gomp_parallel().filter(|_| 1 < threads) else {
        (0..num_parts).for_each(work);
        return;
    };
    let mut team = Team { work, next: AtomicUsize::new(0), num_parts, panic: Mutex::new(None) };
    let data = (&raw mut team).cast::<c_void>();
    // SAFETY: `run_parts` takes exactly this pointer, reads it only, and every thread is done with it when the call returns.
    unsafe { parallel(run_parts, data, c_uint::try_from(threads).unwrap_or(1), 0) };
    if let Some(panic) = team.panic.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        resume_unwind(panic);
    }
}

struct Team<'a> {
    work: &'a (dyn Fn(usize) + Sync),
    next: AtomicUsize,
    num_parts: usize,
    panic: Mutex<Option<Box<dyn std::any::Any + Send>>>,
}

extern "C" fn run_parts(data: *mut c_void) {
    // SAFETY: `run_on_threads` passes a `Team`, which outlives the call and is shared by reference only.
    let team = unsafe { &*data.cast::<Team<'_>>().cast_const() };
    // A panic must not cross into C.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        loop {
            let part = team.next.fetch_add(1, Ordering::Relaxed);
            if team.num_parts <= part {
                return;
            }
            (team.work)(part);
        }
    }));
    if let Err(panic) = outcome {
        team.panic.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_run_once() {
        let counts: Vec<AtomicUsize> = (0..100).map(|_| AtomicUsize::new(0)).collect();
        run_on_threads(counts.len(), &|part| {
            counts[part].fetch_add(1, Ordering::Relaxed);
        });
        assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        assert!(gomp_parallel().is_some(), "libtorch runs on another OpenMP library here");
    }

    #[test]
    #[should_panic(expected = "part 3")]
    fn a_panic_comes_back_to_the_caller() {
        run_on_threads(8, &|part| assert!(part != 3, "part {part}"));
    }
}
