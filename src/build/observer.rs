//! Who watches a build.

use std::num::NonZeroUsize;

use super::preview::ExpectedRows;

/// A step of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Rows are read and checked.
    Check,
    /// What the shards of a build found is put together.
    Gather,
    /// Duplicates, near-duplicates and leaks are looked for.
    Deduplicate,
    /// The files of the data set are written.
    Write,
}

impl Step {
    /// The name by which a user knows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Check => "read and check",
            Self::Gather => "gather the shards",
            Self::Deduplicate => "find duplicates and leaks",
            Self::Write => "write",
        }
    }
}

/// What is told of a build while it runs; it changes nothing in what is made.
pub trait Observer: Sync {
    /// A step begins. `expected` is how many rows it has, in [`Step::Check`] told before they are read; `None` where it does
    /// not go row by row.
    fn begin(&self, step: Step, expected: Option<ExpectedRows>);

    /// Rows of the step that are done.
    fn advance(&self, num_rows: u64);

    /// The step was done by an earlier build that was interrupted.
    fn resumed(&self, step: Step);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn begin(&self, _: Step, _: Option<ExpectedRows>) {}
    fn advance(&self, _: u64) {}
    fn resumed(&self, _: Step) {}
}

/// How a build is run; none of it changes what is made.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Whether a data set made from something else is replaced.
    pub force: bool,
    /// Threads that check and encode.
    pub num_threads: NonZeroUsize,
    /// Who watches.
    pub observer: &'a dyn Observer,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { force, num_threads, observer: _ } = self;
        formatter
            .debug_struct("Options")
            .field("force", force)
            .field("num_threads", num_threads)
            .finish_non_exhaustive()
    }
}

impl Default for Options<'_> {
    /// Nothing is replaced, every processor is used, nobody watches.
    fn default() -> Self {
        let num_threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { force: false, num_threads, observer: &Unobserved }
    }
}
