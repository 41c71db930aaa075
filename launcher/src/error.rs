//! The one error type of the launcher: an operation that could not be done.

use std::path::{Path, PathBuf};

/// Result of a launcher operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation that could not be done; the message names the file, row, tensor or key, what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The library failed: files, lineage, formats.
    #[error(transparent)]
    Library(#[from] medinjection_fr::Error),
    /// A file exists but does not hold what its format asks for.
    #[error("{}: {message}", path.display())]
    Format {
        /// The file or folder.
        path: PathBuf,
        /// What was expected and what was found.
        message: String,
    },
    /// A key of a configuration file, or an option, is unknown or out of range.
    #[error("{key}: {message}")]
    Config {
        /// The key or option, with its section.
        key: String,
        /// What was expected and what was found.
        message: String,
    },
    /// A tensor has another shape than its place asks for.
    #[error("{tensor}: expected shape {expected:?}, found {found:?}")]
    Shape {
        /// Name of the tensor.
        tensor: String,
        /// The shape that its place asks for.
        expected: Vec<i64>,
        /// The shape that it has.
        found: Vec<i64>,
    },
    /// libtorch failed, for example for want of memory.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
    /// Another rank failed; its own message says why.
    #[error("rank {rank} failed: {message}")]
    Rank {
        /// The lowest rank that failed.
        rank: usize,
        /// What that rank said.
        message: String,
    },
    /// What the ranks do together failed, so that nothing can be agreed on any more: the process ends without waiting for the others.
    #[error("rank {rank} of {world_size}, {operation}: {message}")]
    Collective {
        /// This process.
        rank: usize,
        /// Number of processes.
        world_size: usize,
        /// What was being done.
        operation: String,
        /// What failed, by its name.
        message: String,
    },
    /// The processes, the devices or the build at hand do not allow what was asked for.
    #[error("{0}")]
    Environment(String),
}

impl Error {
    /// An [`Error::Library`] about reading or writing `path`, made to be given to `map_err`.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let make = medinjection_fr::Error::io(path);
        move |source| Self::Library(make(source))
    }

    /// An [`Error::Format`] about `path`.
    pub fn format(path: impl AsRef<Path>, message: impl std::fmt::Display) -> Self {
        Self::Format { path: path.as_ref().to_path_buf(), message: message.to_string() }
    }

    /// An [`Error::Config`] about `key`.
    pub fn config(key: impl std::fmt::Display, message: impl std::fmt::Display) -> Self {
        Self::Config { key: key.to_string(), message: message.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_tensor_and_both_shapes() {
        let error = Error::Shape { tensor: "lm_head.weight".into(), expected: vec![3, 2], found: vec![2, 3] };
        assert_eq!(error.to_string(), "lm_head.weight: expected shape [3, 2], found [2, 3]");
    }
}
