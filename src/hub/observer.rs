//! Who wants to know how a download goes. Nothing here prints.

use std::time::Duration;

/// Is told how a download goes; every method does nothing unless it is written.
pub trait Observer {
    /// The files of `source` are about to come: `num_files`, of `num_bytes` in all.
    fn begins(&mut self, source: &str, num_files: usize, num_bytes: u64) {
        let _ = (source, num_files, num_bytes);
    }

    /// `num_bytes` more of `file` are there, from the network or from an earlier attempt.
    fn arrived(&mut self, file: &str, num_bytes: u64) {
        let _ = (file, num_bytes);
    }

    /// `num_bytes` of `file` that had arrived are of no use and come again.
    fn lost(&mut self, file: &str, num_bytes: u64) {
        let _ = (file, num_bytes);
    }

    /// The next attempt at `place` begins after `delay`, because of `cause`.
    fn waiting(&mut self, place: &str, delay: Duration, cause: &str) {
        let _ = (place, delay, cause);
    }

    /// The files of `source` are there, or will not come.
    fn ends(&mut self, source: &str) {
        let _ = source;
    }

    /// Something that a user should know.
    fn note(&mut self, message: &str) {
        let _ = message;
    }
}

/// Nobody wants to know.
impl Observer for () {}
