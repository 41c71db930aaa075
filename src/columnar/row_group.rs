//! Parquet files whose row groups are encoded on any thread and written in order.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::Schema;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use super::writer::{properties, refused};
use super::{Batch, Row};
use crate::provenance::AtomicFile;
use crate::{Error, Result};

/// Rows that make a row group: whoever holds as many, or as many bytes, ends the group.
pub const ROW_GROUP_ROWS: usize = 20_000;
/// Size of the values of a row group at which it is ended; the Hub's viewer asks for less than 100 MB.
pub const ROW_GROUP_BYTES: usize = 64 << 20;

/// Encodes row groups of `T`, on any thread.
#[derive(Debug)]
pub struct RowGroupEncoder<T> {
    factory: ArrowRowGroupWriterFactory,
    arrow_schema: Arc<Schema>,
    rows: PhantomData<fn() -> T>,
}

/// An encoded row group.
#[derive(Debug)]
pub struct RowGroup<T> {
    columns: Vec<ArrowColumnChunk>,
    num_rows: u64,
    rows: PhantomData<fn() -> T>,
}

impl<T: Row> RowGroupEncoder<T> {
    /// An encoder of rows of `T`.
    ///
    /// # Errors
    /// [`Error::Format`] if the columns of `T` have no parquet form.
    pub fn new() -> Result<Self> {
        let arrow_schema = Arc::new(Schema::new(T::fields()));
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&arrow_schema), Some(properties()));
        let (_, factory) = writer.and_then(ArrowWriter::into_serialized_writer).map_err(unencodable)?;
        Ok(Self { factory, arrow_schema, rows: PhantomData })
    }

    /// The row group of `batches`.
    ///
    /// # Errors
    /// [`Error::Format`] if a value cannot be encoded.
    pub fn encode(&self, batches: &[Batch<T>]) -> Result<RowGroup<T>> {
        self.columns(batches).map_err(unencodable)
    }

    fn columns(&self, batches: &[Batch<T>]) -> std::result::Result<RowGroup<T>, ParquetError> {
        let mut writers = self.factory.create_column_writers(0)?;
        for batch in batches {
            let mut leaves = writers.iter_mut();
            for (field, column) in self.arrow_schema.fields().iter().zip(batch.columns.columns()) {
                for (leaf, writer) in compute_leaves(field, column)?.iter().zip(&mut leaves) {
                    writer.write(leaf)?;
                }
            }
        }
        let columns = writers.into_iter().map(ArrowColumnWriter::close).collect::<std::result::Result<_, _>>()?;
        let num_rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        Ok(RowGroup { columns, num_rows, rows: PhantomData })
    }
}

fn unencodable(error: ParquetError) -> Error {
    Error::format("rows", error)
}

/// A parquet file being written; it takes its name when [`RowGroupWriter::finish`] is called.
///
/// Dropped without `finish`, it leaves nothing behind.
#[derive(Debug)]
pub struct RowGroupWriter<T> {
    path: PathBuf,
    writer: SerializedFileWriter<AtomicFile>,
    num_rows: u64,
    rows: PhantomData<fn() -> T>,
}

impl<T: Row> RowGroupWriter<T> {
    /// Begins the file `path`; its directory is created where it is missing.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        let arrow_schema = Arc::new(Schema::new(T::fields()));
        let writer = ArrowWriter::try_new(AtomicFile::create(path)?, arrow_schema, Some(properties()));
        let (writer, _) = writer.and_then(ArrowWriter::into_serialized_writer).map_err(refused(path))?;
        Ok(Self { path: path.to_path_buf(), writer, num_rows: 0, rows: PhantomData })
    }

    /// Adds a row group.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written.
    pub fn write(&mut self, row_group: RowGroup<T>) -> Result<()> {
        let append = || {
            let mut group = self.writer.next_row_group()?;
            for column in row_group.columns {
                column.append_to_row_group(&mut group)?;
            }
            group.close().map(|_| ())
        };
        append().map_err(refused(&self.path))?;
        self.num_rows += row_group.num_rows;
        Ok(())
    }

    /// Size of the file by now.
    #[must_use]
    pub fn num_bytes(&self) -> usize {
        self.writer.bytes_written()
    }

    /// Ends the file and gives it its name; the result is its number of rows.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written or renamed.
    pub fn finish(self) -> Result<u64> {
        self.writer.into_inner().map_err(refused(&self.path))?.commit()?;
        Ok(self.num_rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columnar::read_records;
    use crate::record::Record;
    use crate::record::fixture::choice_record;

    #[test]
    fn row_groups_are_read_back_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data/rows.parquet");
        let rows: Vec<Record> = (0..7).map(|number| choice_record(&format!("Q{number} ?"), &["a", "b"], "A")).collect();
        let encoder = RowGroupEncoder::new().unwrap();
        let mut writer = RowGroupWriter::create(&path).unwrap();
        for part in rows.chunks(3) {
            let batches: Vec<Batch<Record>> = part.chunks(2).map(Batch::encode).collect();
            writer.write(encoder.encode(&batches).unwrap()).unwrap();
        }
        assert_eq!(writer.finish().unwrap(), 7);
        let read: Vec<Record> = read_records(&path).unwrap().map(|row| row.unwrap()).collect();
        assert_eq!(read, rows);
    }
}
