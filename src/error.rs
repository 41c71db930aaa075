//! The one error type of the library: an operation that could not be done.
//!
//! Bad data is not an error: it is a [`Finding`](crate::record::Finding), counted and written out.

use std::path::{Path, PathBuf};

/// Result of a library operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation that could not be done; the message names the file, row or key, what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or directory could not be read, written, created or renamed.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// A file exists but does not hold what its format asks for.
    #[error("{}{}: {message}", path.display(), row.map(|row| format!(", row {row}")).unwrap_or_default())]
    Format {
        /// The file.
        path: PathBuf,
        /// One-based row or line, where there is one.
        row: Option<u64>,
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
    /// The Hugging Face Hub did not give what was asked for.
    #[error("{place}: {message}")]
    Hub {
        /// Source, repository and file.
        place: String,
        /// What happened and what to do.
        message: String,
    },
    /// The data at hand cannot satisfy the request, for example too few records for a mixture.
    #[error("{0}")]
    Data(String),
}

impl Error {
    /// An [`Error::Io`] for `path`, made to be given to `map_err`.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |cause| Self::Io { path, cause }
    }

    /// An [`Error::Format`] about the whole of `path`.
    pub fn format(path: impl AsRef<Path>, message: impl std::fmt::Display) -> Self {
        Self::Format { path: path.as_ref().to_path_buf(), row: None, message: message.to_string() }
    }

    /// An [`Error::Format`] about the one-based `row` of `path`.
    pub fn row(path: impl AsRef<Path>, row: u64, message: impl std::fmt::Display) -> Self {
        Self::Format { path: path.as_ref().to_path_buf(), row: Some(row), message: message.to_string() }
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
    fn a_message_names_file_row_and_cause() {
        let error = Error::row("train.jsonl", 3, "expected a letter from A to E, found \"Z\"");
        assert_eq!(error.to_string(), "train.jsonl, row 3: expected a letter from A to E, found \"Z\"");
    }
}
