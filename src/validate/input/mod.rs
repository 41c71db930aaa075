//! Rows to validate, read one by one from a file of records.

mod generic;
mod jsonl;

use std::path::Path;

pub use jsonl::read_jsonl;

use crate::record::Record;
use crate::{Error, Result};

/// One row of a file: a record, or why it is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A record; it may be defective.
    Record(Box<Record>),
    /// A row that cannot be read as a record: what was expected and what was found.
    Unreadable(String),
}

/// Receives each row with the name of its file and its one-based number in it.
pub type RowSink<'a> = dyn FnMut(&str, u64, Row) -> Result<()> + 'a;

/// Reads the rows of `path` in order and gives each to `sink`.
///
/// The name's ending says what the file is: `.jsonl` or `.ndjson`, see [`read_jsonl`].
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::Format`] if its kind is unknown; what `sink` returns.
pub fn read_rows(path: &Path, sink: &mut RowSink<'_>) -> Result<()> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    std::fs::metadata(path).map_err(Error::io(path))?;
    match ending.as_str() {
        "jsonl" | "ndjson" => read_jsonl(path, &mut |number, row| sink(&path.display().to_string(), number, row)),
        _ => Err(Error::format(path, format!("expected a name that ends in .jsonl or .ndjson, found {ending:?}"))),
    }
}
