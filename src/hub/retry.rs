//! Asking again, after a while, for what failed for a reason that may pass.

use std::time::Duration;

use super::access::Access;
use super::observer::Observer;
use super::trouble::Trouble;

/// Attempts in a row that may fail without anything having arrived.
const MAX_ATTEMPTS: u32 = 6;
/// The same where no connection can be made: a machine without network should not wait for long.
const MAX_CONNECTIONS: u32 = 3;
/// Longest wait that is not left to the user.
const MAX_DELAY: Duration = Duration::from_mins(2);

/// Counts attempts and waits between them.
#[derive(Debug)]
pub(super) struct Patience {
    first_delay: Duration,
    num_failed: u32,
}

impl Patience {
    /// Patience as `access` has it.
    pub(super) const fn new(access: &Access) -> Self {
        Self { first_delay: access.first_delay, num_failed: 0 }
    }

    /// Something has arrived: the next failure counts as the first.
    pub(super) const fn renew(&mut self) {
        self.num_failed = 0;
    }

    /// Waits before the next attempt, as long as the Hub asks for or twice as long as the last time.
    ///
    /// # Errors
    /// `trouble` itself, if asking again is of no use or was done often enough.
    pub(super) fn wait(&mut self, trouble: Trouble, place: &str, observer: &mut dyn Observer) -> Result<(), Trouble> {
        self.num_failed += 1;
        let most = if matches!(trouble, Trouble::Unreachable(_)) { MAX_CONNECTIONS } else { MAX_ATTEMPTS };
        let doubled = self.first_delay.saturating_mul(1 << (self.num_failed - 1).min(16));
        let delay = trouble.retry_after().unwrap_or(doubled);
        if !trouble.is_transient() || self.num_failed >= most || delay > MAX_DELAY {
            return Err(trouble);
        }
        observer.waiting(place, delay, &trouble.summary());
        std::thread::sleep(delay);
        Ok(())
    }
}

/// Asks until there is an answer, or no use in asking.
pub(super) fn with_patience<T>(
    access: &Access,
    place: &str,
    observer: &mut dyn Observer,
    mut ask: impl FnMut() -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let mut patience = Patience::new(access);
    loop {
        match ask() {
            Ok(answer) => return Ok(answer),
            Err(trouble) => patience.wait(trouble, place, observer)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(trouble: impl Fn() -> Trouble) -> u32 {
        let access = Access::new("http://localhost", "cache").unwrap().with_first_delay(Duration::ZERO);
        let mut num_attempts = 0;
        let outcome = with_patience(&access, "x", &mut (), || -> Result<(), Trouble> {
            num_attempts += 1;
            Err(trouble())
        });
        assert!(outcome.is_err());
        num_attempts
    }

    #[test]
    fn it_is_asked_as_often_as_it_may_help() {
        assert_eq!(attempts(|| Trouble::Interrupted(String::new())), MAX_ATTEMPTS);
        assert_eq!(attempts(|| Trouble::Unreachable(String::new())), MAX_CONNECTIONS);
        assert_eq!(attempts(|| Trouble::Unexpected(String::new())), 1);
    }

    #[test]
    fn a_wait_of_hours_is_left_to_the_user() {
        let headers = [("retry-after".parse().unwrap(), "7200".parse().unwrap())].into_iter().collect();
        assert_eq!(attempts(|| Trouble::from_status(429, &headers)), 1);
    }
}
