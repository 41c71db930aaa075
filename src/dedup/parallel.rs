//! Independent pieces of work on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Result;

/// The outcomes of `work` on `0..num_pieces`, in that order whatever the threads; the first error where there is one.
pub(super) fn in_parallel<T: Send>(
    num_threads: usize,
    num_pieces: usize,
    work: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= num_pieces {
                return done;
            }
            done.push((piece, work(piece)));
        }
    };
    let mut done: Vec<(usize, Result<T>)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..num_threads.min(num_pieces)).map(|_| scope.spawn(run)).collect();
        let own = run();
        let others =
            others.into_iter().flat_map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        own.into_iter().chain(others).collect()
    });
    done.sort_by_key(|(piece, _)| *piece);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn outcomes_keep_their_order_and_the_first_error_is_told() {
        for num_threads in [1, 2, 8] {
            assert_eq!(in_parallel(num_threads, 100, Ok).unwrap(), (0..100).collect::<Vec<_>>());
            let work = |piece: usize| if piece < 50 { Ok(()) } else { Err(Error::Data(piece.to_string())) };
            assert_eq!(in_parallel(num_threads, 100, work).unwrap_err().to_string(), "50");
        }
    }
}
