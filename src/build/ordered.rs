//! Work on several threads whose outcomes come in the order in which it was given out.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use crate::{Error, Result};

/// Takes the jobs that are produced, one after the other.
pub(super) type Jobs<'a, T> = dyn FnMut(T) -> Result<()> + 'a;

/// Gives each job of `produce` to `work`, on one of `num_threads` threads, and each outcome to `consume`, in the order of the
/// jobs. No more jobs are under way than a few a thread, so memory is bounded.
///
/// # Errors
/// The first error of `consume` or `work` in the order of the jobs, else that of `produce`.
pub(super) fn ordered<T: Send, R: Send>(
    num_threads: usize,
    produce: impl FnOnce(&mut Jobs<'_, T>) -> Result<()> + Send,
    work: impl Fn(T) -> Result<R> + Sync,
    mut consume: impl FnMut(R) -> Result<()>,
) -> Result<()> {
    if num_threads <= 1 {
        return produce(&mut |job| consume(work(job)?));
    }
    let (job_sender, job_receiver) = sync_channel::<Assigned<T, R>>(num_threads);
    let (ticket_sender, tickets) = sync_channel::<Receiver<Result<R>>>(2 * num_threads);
    let queue = Mutex::new(job_receiver);
    std::thread::scope(|scope| {
        let start = |_| std::thread::Builder::new().spawn_scoped(scope, || serve(&queue, &work));
        let workers =
            (0..num_threads).map(start).collect::<std::io::Result<Vec<_>>>().map_err(too_many(num_threads))?;
        let produce_jobs = move || {
            produce(&mut |job| {
                let (reply, ticket) = sync_channel(1);
                ticket_sender.send(ticket).map_err(|_| stopped())?;
                job_sender.send((job, reply)).map_err(|_| stopped())
            })
        };
        let producer = std::thread::Builder::new().spawn_scoped(scope, produce_jobs).map_err(too_many(num_threads))?;
        let mut outcome = Ok(());
        for ticket in tickets {
            // A ticket without an outcome is that of a worker that panicked; the panic is passed on below.
            let Ok(found) = ticket.recv() else { break };
            outcome = found.and_then(&mut consume);
            if outcome.is_err() {
                break;
            }
        }
        let of_producer = joined(producer);
        workers.into_iter().for_each(joined);
        outcome.and(of_producer)
    })
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A job, and where its outcome goes.
type Assigned<T, R> = (T, SyncSender<Result<R>>);

/// Works on jobs until there are no more.
fn serve<T, R>(queue: &Mutex<Receiver<Assigned<T, R>>>, work: &impl Fn(T) -> Result<R>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((job, reply)) = next else { return };
        // Where nobody waits for the outcome, an earlier one was an error.
        let _ = reply.send(work(job));
    }
}

fn too_many(num_threads: usize) -> impl Fn(std::io::Error) -> Error {
    move |cause| Error::Data(format!("expected to start {num_threads} threads, found {cause}; give fewer: --threads"))
}

fn stopped() -> Error {
    Error::Data("the build stopped at an earlier error".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(num_threads: usize, fails_at: Option<usize>) -> (Vec<usize>, Result<()>) {
        let mut seen = Vec::new();
        let outcome = ordered(
            num_threads,
            |jobs| (0..500).try_for_each(jobs),
            |job| if Some(job) == fails_at { Err(Error::Data(job.to_string())) } else { Ok(job) },
            |job| {
                seen.push(job);
                Ok(())
            },
        );
        (seen, outcome)
    }

    #[test]
    fn outcomes_keep_their_order_and_end_at_the_first_error() {
        for num_threads in [1, 2, 7] {
            let (seen, outcome) = run(num_threads, None);
            assert_eq!((seen, outcome.is_ok()), ((0..500).collect::<Vec<_>>(), true));
            let (seen, outcome) = run(num_threads, Some(100));
            assert_eq!((seen, outcome.unwrap_err().to_string()), ((0..100).collect::<Vec<_>>(), "100".to_owned()));
        }
    }

    #[test]
    fn an_error_of_the_producer_comes_after_what_it_produced() {
        let mut num_seen = 0;
        let outcome = ordered(
            2,
            |jobs: &mut Jobs<'_, usize>| {
                jobs(1)?;
                Err(Error::Data("broken".to_owned()))
            },
            Ok,
            |_| {
                num_seen += 1;
                Ok(())
            },
        );
        assert_eq!((num_seen, outcome.unwrap_err().to_string()), (1, "broken".to_owned()));
    }
}
