//! Signals that ask a run to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};

use crate::{Error, Result};

/// What asked a run to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The system or the scheduler.
    Terminate,
    /// The user at the terminal.
    Interrupt,
    /// The scheduler: the job's time is up, and it will be queued again.
    TimeUp,
}

impl Stop {
    /// Exit code: the shell's own for the signal, or `EX_TEMPFAIL`, by which a job is queued again.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Terminate => 143,
            Self::Interrupt => 130,
            Self::TimeUp => 75,
        }
    }

    /// Name of the signal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::TimeUp => "SIGUSR1",
        }
    }
}

/// The signals that this process has been sent since it was made.
#[derive(Debug)]
pub struct Signals {
    terminate: Arc<AtomicBool>,
    interrupt: Arc<AtomicBool>,
    time_up: Arc<AtomicBool>,
}

impl Signals {
    /// Catches `SIGTERM`, `SIGINT` and `SIGUSR1` from here on.
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
        Ok(Self { terminate: flag(SIGTERM)?, interrupt: flag(SIGINT)?, time_up: flag(SIGUSR1)? })
    }

    /// Which signals have come, as numbers that ranks can add up.
    #[must_use]
    pub fn counts(&self) -> [f64; 3] {
        [&self.terminate, &self.interrupt, &self.time_up].map(|flag| f64::from(u8::from(flag.load(Ordering::Relaxed))))
    }

    /// Whether one has come.
    #[must_use]
    pub fn any(&self) -> bool {
        self.counts().iter().any(|count| *count > 0.0)
    }

    /// What the added counts of all ranks ask for.
    #[must_use]
    pub fn verdict(counts: [f64; 3]) -> Option<Stop> {
        match counts {
            [terminate, ..] if terminate > 0.0 => Some(Stop::Terminate),
            [_, interrupt, _] if interrupt > 0.0 => Some(Stop::Interrupt),
            [.., time_up] if time_up > 0.0 => Some(Stop::TimeUp),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rank_that_was_told_to_end_is_enough() {
        assert_eq!(Signals::verdict([0.0, 0.0, 0.0]), None);
        assert_eq!(Signals::verdict([0.0, 0.0, 1.0]).map(Stop::exit_code), Some(75));
        assert_eq!(Signals::verdict([0.0, 1.0, 1.0]).map(Stop::exit_code), Some(130));
        assert_eq!(Signals::verdict([1.0, 2.0, 0.0]).map(Stop::exit_code), Some(143));
    }
}
