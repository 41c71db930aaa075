//! Panics of libtorch as failures.
//!
//! Most of tch's arithmetic panics where libtorch fails, for example for want of memory. One rank's panic must not leave the
//! others waiting for it.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Error, Result};

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Runs `work`; a panic in it becomes an error.
///
/// # Errors
/// What `work` returns; [`Error::Environment`] if it panics.
pub fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    DEPTH.set(DEPTH.get() + 1);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    outcome.unwrap_or_else(|panic| {
        let first = first_line(&*panic);
        Err(Error::Environment(format!("libtorch or this program failed, perhaps for want of memory: {first}")))
    })
}

/// What a panic says first; below it libtorch puts the calls that led there, with its line ends spelled out.
#[must_use]
pub fn first_line(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.and_then(|text| text.lines().next()).and_then(|line| line.split("\\n").next()).unwrap_or("no message")
}

/// Whether a panic of this thread would become an error, so that nothing needs to be said about it yet.
#[must_use]
pub fn is_guarded() -> bool {
    DEPTH.get() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        assert!(!is_guarded());
        let message = guard::<()>(|| panic!("no room for {} bytes\nat some place", 7)).unwrap_err().to_string();
        assert!(message.ends_with("no room for 7 bytes"), "{message}");
        let message = guard::<()>(|| panic!("Torch(\"no room\\nframe #0: main\")")).unwrap_err().to_string();
        assert!(message.ends_with("Torch(\"no room"), "{message}");
        assert!(guard(|| Ok(is_guarded())).unwrap());
        assert!(!is_guarded());
    }
}
