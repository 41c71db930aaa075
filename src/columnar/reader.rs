//! Streaming reader of parquet files.

use std::cell::Cell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use arrow::array::{RecordBatch, StructArray};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::value::same_type;
use super::{RecordKey, Row};
use crate::record::{Document, Original, Record, Rejected};
use crate::{Error, Result};

/// Rows that are read together.
const BATCH_ROWS: usize = 512;

/// The rows of a parquet file, in order.
///
/// After an error there are no more rows.
#[derive(Debug)]
pub struct Rows<T> {
    rows: Decoded<T>,
    total: u64,
}

/// The records of a file.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is no parquet file of records.
pub fn read_records(path: &Path) -> Result<Rows<Record>> {
    Rows::open(path)
}

/// The keys of the records of a file; the columns that hold text are not read.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is no parquet file of records.
pub fn read_keys(path: &Path) -> Result<Rows<RecordKey>> {
    Rows::open(path)
}

/// The originals of a file.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is no parquet file of originals.
pub fn read_originals(path: &Path) -> Result<Rows<Original>> {
    Rows::open(path)
}

/// The documents of a file.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is no parquet file of documents.
pub fn read_documents(path: &Path) -> Result<Rows<Document>> {
    Rows::open(path)
}

/// The rejected records of a file.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is no parquet file of rejected records.
pub fn read_rejected(path: &Path) -> Result<Rows<Rejected>> {
    Rows::open(path)
}

impl<T: Row> Rows<T> {
    /// Opens `path` and checks that it holds the columns of `T`.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is not parquet, or lacks a column.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path))?;
        let builder =
            guarded(|| ParquetRecordBatchReaderBuilder::try_new(file)).map_err(|error| not_parquet(path, error))?;
        for field in &T::fields() {
            let expected = field.data_type();
            match builder.schema().field_with_name(field.name()).map(arrow::datatypes::Field::data_type) {
                Ok(found) if same_type(expected, found) => {}
                Ok(found) => {
                    let message = format!("column {:?}: expected {expected}, found {found}", field.name());
                    return Err(Error::format(path, message));
                }
                Err(_) => return Err(Error::format(path, format!("expected a column {:?}, found none", field.name()))),
            }
        }
        let total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let roots: Vec<usize> =
            T::fields().iter().filter_map(|field| builder.schema().index_of(field.name()).ok()).collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let batches = guarded(|| builder.with_projection(mask).with_batch_size(BATCH_ROWS).build())
            .map_err(|error| not_parquet(path, error))?;
        Ok(Self { rows: Decoded::new(path, batches, |batch| T::from_columns(&StructArray::from(batch))), total })
    }

    /// Number of rows that the file says it has.
    #[must_use]
    pub const fn num_rows(&self) -> u64 {
        self.total
    }
}

impl<T: Row> Iterator for Rows<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}

/// The rows of a file's batches, one by one; after an error there are no more.
#[derive(Debug)]
pub(super) struct Decoded<R> {
    path: PathBuf,
    batches: Option<ParquetRecordBatchReader>,
    decode: fn(RecordBatch) -> Result<Vec<R>, String>,
    ready: std::vec::IntoIter<R>,
}

impl<R> Decoded<R> {
    /// The rows that `decode` makes of the `batches` of the file `path`.
    pub(super) fn new(
        path: &Path,
        batches: ParquetRecordBatchReader,
        decode: fn(RecordBatch) -> Result<Vec<R>, String>,
    ) -> Self {
        Self { path: path.to_path_buf(), batches: Some(batches), decode, ready: Vec::new().into_iter() }
    }

    fn next_batch(&mut self) -> Option<Result<Vec<R>>> {
        let batches = self.batches.as_mut()?;
        let rows = match guarded(|| batches.next().transpose()) {
            Ok(None) => {
                self.batches = None;
                return None;
            }
            Ok(Some(batch)) => (self.decode)(batch),
            Err(error) => Err(error),
        };
        if rows.is_err() {
            self.batches = None;
        }
        Some(rows.map_err(|error| Error::format(&self.path, error)))
    }
}

impl<R> Iterator for Decoded<R> {
    type Item = Result<R>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.ready.next() {
                return Some(Ok(row));
            }
            match self.next_batch()? {
                Ok(rows) => self.ready = rows.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Runs a step of the parquet reader, which panics on some damaged pages where it should return an error.
pub(super) fn guarded<V, E: std::fmt::Display>(step: impl FnOnce() -> Result<V, E>) -> Result<V, String> {
    let before = IS_GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(step));
    IS_GUARDED.set(before);
    match outcome {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err("damaged page".to_owned()),
    }
}

thread_local! {
    /// Whether this thread is inside of [`guarded`].
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps the panics of the parquet reader that become errors from being printed as well; meant for programs, once.
#[cfg(feature = "cli")]
pub(crate) fn silence_guarded_panics() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !IS_GUARDED.get() {
            hook(panic);
        }
    }));
}

pub(super) fn not_parquet(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::format(path, format!("expected a parquet file: {error}"))
}
