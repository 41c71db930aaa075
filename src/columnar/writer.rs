//! Streaming writer of parquet files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::Schema;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::row_group::{ROW_GROUP_BYTES, ROW_GROUP_ROWS};
use super::{Batch, Row};
use crate::provenance::{AtomicFile, TOOL_VERSION};
use crate::record::{Document, Original, Record, Rejected};
use crate::{Error, Result};

/// Rows that are turned into columns together.
const BATCH_ROWS: usize = 512;

/// Writer of records.
pub type RecordWriter = RowWriter<Record>;
/// Writer of originals.
pub type OriginalWriter = RowWriter<Original>;
/// Writer of documents.
pub type DocumentWriter = RowWriter<Document>;
/// Writer of rejected records.
pub type RejectedWriter = RowWriter<Rejected>;

/// A parquet file being written; it takes its name when [`RowWriter::finish`] is called.
///
/// Dropped without `finish`, it leaves nothing behind.
#[derive(Debug)]
pub struct RowWriter<T: Row> {
    path: PathBuf,
    writer: ArrowWriter<AtomicFile>,
    pending: Vec<T>,
    num_rows: u64,
}

impl<T: Row> RowWriter<T> {
    /// Begins the file `path`; its directory is created where it is missing.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        let arrow_schema = Arc::new(Schema::new(T::fields()));
        let file = AtomicFile::create(path)?;
        let writer = ArrowWriter::try_new(file, arrow_schema, Some(properties())).map_err(refused(path))?;
        let pending = Vec::with_capacity(BATCH_ROWS);
        Ok(Self { path: path.to_path_buf(), writer, pending, num_rows: 0 })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written.
    pub fn write(&mut self, row: T) -> Result<()> {
        self.pending.push(row);
        self.num_rows += 1;
        if self.pending.len() == BATCH_ROWS { self.encode() } else { Ok(()) }
    }

    /// Rows written so far.
    #[must_use]
    pub const fn num_rows(&self) -> u64 {
        self.num_rows
    }

    /// Size that the file has by now, nearly: rows that wait for their batch do not count.
    #[must_use]
    pub fn num_bytes(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }

    /// Ends the file and gives it its name; the result is its number of rows.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written or renamed.
    pub fn finish(mut self) -> Result<u64> {
        self.encode()?;
        self.writer.into_inner().map_err(refused(&self.path))?.commit()?;
        Ok(self.num_rows)
    }

    fn encode(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let batch = Batch::encode(&self.pending);
        self.pending.clear();
        self.writer.write(&batch.columns).map_err(refused(&self.path))?;
        if self.writer.in_progress_size() >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(refused(&self.path))?;
        }
        Ok(())
    }
}

/// Everything that decides on bytes is set here, so that only a new version of the tool changes them.
pub(super) fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_created_by(format!("medinjection {TOOL_VERSION}"))
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build()
}

pub(super) fn refused(path: &Path) -> impl FnOnce(ParquetError) -> Error {
    let path = path.to_path_buf();
    move |error| Error::Io { path, cause: std::io::Error::other(error) }
}
