//! Streaming writer of parquet files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::Row;
use crate::provenance::{AtomicFile, TOOL_VERSION};
use crate::record::{Document, Original, Record, Rejected};
use crate::{Error, Result};

/// Rows that are turned into columns together.
const BATCH_ROWS: usize = 512;
/// Rows in a row group, at most; `datasets` reads one at a time.
const ROW_GROUP_ROWS: usize = 20_000;
/// Encoded bytes at which a row group is ended; the Hub's viewer asks for less than 100 MB.
const ROW_GROUP_BYTES: usize = 64 << 20;

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
    arrow_schema: Arc<Schema>,
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
        let writer =
            ArrowWriter::try_new(file, Arc::clone(&arrow_schema), Some(properties())).map_err(refused(path))?;
        let pending = Vec::with_capacity(BATCH_ROWS);
        Ok(Self { path: path.to_path_buf(), writer, arrow_schema, pending, num_rows: 0 })
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
        let (_, columns, _) = T::to_columns(&self.pending).into_parts();
        self.pending.clear();
        let batch = RecordBatch::try_new(Arc::clone(&self.arrow_schema), columns)
            .map_err(|error| Error::format(&self.path, error))?;
        self.writer.write(&batch).map_err(refused(&self.path))?;
        if self.writer.in_progress_size() >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(refused(&self.path))?;
        }
        Ok(())
    }
}

/// Everything that decides on bytes is set here, so that only a new version of the tool changes them.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_created_by(format!("medinjection {TOOL_VERSION}"))
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build()
}

fn refused(path: &Path) -> impl FnOnce(ParquetError) -> Error {
    let path = path.to_path_buf();
    move |error| Error::Io { path, cause: std::io::Error::other(error) }
}
