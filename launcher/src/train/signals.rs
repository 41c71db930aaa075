//! Signals that ask a run to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::{Error, Result};

/// What asked a run to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The system or the scheduler.
    Terminate,
    /// The user at the terminal.
    Interrupt,
}

impl Stop {
    /// Exit code by which a shell knows the signal.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Terminate => 143,
            Self::Interrupt => 130,
        }
    }

    /// Name of the signal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }
}

/// The signals that this process has been sent since it was made.
#[derive(Debug)]
pub struct Signals {
    terminate: Arc<AtomicBool>,
    interrupt: Arc<AtomicBool>,
}

impl Signals {
    /// Catches `SIGTERM` and `SIGINT` from here on.
    ///
    /// # Errors
    /// [`Error::Environment`] if the operating system refuses.
    pub fn catch() -> Result<Self> {
        let flag = |signal| {
            let flag = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(signal, Arc::clone(&flag))
                .map_err(|error| Error::Environment(format!("signal {signal}: {error}")))?;
            Ok::<_, Error>(flag)
        };
        Ok(Self { terminate: flag(SIGTERM)?, interrupt: flag(SIGINT)? })
    }

    /// Which signals have come, as numbers that ranks can add up.
    #[must_use]
    pub fn counts(&self) -> [f64; 2] {
        [&self.terminate, &self.interrupt].map(|flag| f64::from(u8::from(flag.load(Ordering::Relaxed))))
    }

    /// What the added counts of all ranks ask for.
    #[must_use]
    pub fn verdict(counts: [f64; 2]) -> Option<Stop> {
        match counts {
            [terminate, _] if terminate > 0.0 => Some(Stop::Terminate),
            [_, interrupt] if interrupt > 0.0 => Some(Stop::Interrupt),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rank_that_was_told_to_end_is_enough() {
        assert_eq!(Signals::verdict([0.0, 0.0]), None);
        assert_eq!(Signals::verdict([0.0, 1.0]).map(Stop::exit_code), Some(130));
        assert_eq!(Signals::verdict([1.0, 2.0]).map(Stop::exit_code), Some(143));
    }
}
