//! Rows that have become columns: kept aside cheaply, thinned out, and encoded on any thread.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatch, StructArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Schema;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::rows::Columns;
use super::value::decode_field;
use super::{RecordKey, Row};
use crate::record::{FieldLanguage, Record};

/// Zstandard's level for batches that are kept aside: the fastest that still shrinks French text by half.
const LEVEL: i32 = -1;

/// Rows as columns.
#[derive(Debug, Clone)]
pub struct Batch<T> {
    pub(super) columns: RecordBatch,
    rows: PhantomData<fn() -> T>,
}

impl<T: Row> Batch<T> {
    /// The columns of `rows`.
    ///
    /// # Panics
    /// Never: the columns of a row type always fit its schema.
    #[must_use]
    pub fn encode(rows: &[T]) -> Self {
        let (_, columns, _) = T::to_columns(rows).into_parts();
        let arrow_schema = Arc::new(Schema::new(T::fields()));
        Self::of(RecordBatch::try_new(arrow_schema, columns).expect("the columns fit their own schema"))
    }

    const fn of(columns: RecordBatch) -> Self {
        Self { columns, rows: PhantomData }
    }

    /// Number of rows.
    #[must_use]
    pub fn num_rows(&self) -> usize {
        self.columns.num_rows()
    }

    /// Size of the values in memory, the same for equal rows.
    #[must_use]
    pub fn num_bytes(&self) -> usize {
        self.columns.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0)).sum()
    }

    /// The rows that `keep` names, one value a row.
    ///
    /// # Errors
    /// A text saying what is wrong, where `keep` has another length.
    pub fn select(&self, keep: Vec<bool>) -> Result<Self, String> {
        if keep.len() != self.num_rows() {
            return Err(format!("expected one choice for each of {} rows, found {}", self.num_rows(), keep.len()));
        }
        let columns = filter_record_batch(&self.columns, &BooleanArray::from(keep));
        columns.map(Self::of).map_err(|error| error.to_string())
    }

    /// The rows themselves.
    ///
    /// # Errors
    /// A text saying what was expected and found, where a value is outside of its type.
    pub fn rows(&self) -> Result<Vec<T>, String> {
        T::from_columns(&StructArray::from(self.columns.clone()))
    }

    /// The batch as bytes, compressed a little.
    ///
    /// # Errors
    /// A text saying what the encoder refused.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let stream = || -> Result<Vec<u8>, arrow::error::ArrowError> {
            let mut writer = StreamWriter::try_new(Vec::new(), &self.columns.schema())?;
            writer.write(&self.columns)?;
            writer.into_inner()
        };
        let bytes = stream().map_err(|error| error.to_string())?;
        zstd::bulk::compress(&bytes, LEVEL).map_err(|error| error.to_string())
    }

    /// The batch of which these are the bytes.
    ///
    /// # Errors
    /// A text saying what was expected and found.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let stream = zstd::stream::decode_all(bytes).map_err(|error| error.to_string())?;
        let mut reader = StreamReader::try_new(stream.as_slice(), None).map_err(|error| error.to_string())?;
        if reader.schema().fields() != &T::fields() {
            return Err(format!("expected other columns, found {}", reader.schema()));
        }
        let columns = reader.next().ok_or("expected a batch of rows, found none")?;
        columns.map(Self::of).map_err(|error| error.to_string())
    }
}

impl Batch<Record> {
    /// What a mixture and a count need to know of the records.
    ///
    /// # Errors
    /// A text saying what was expected and found, where a value is outside of its type.
    pub fn keys(&self) -> Result<Vec<RecordKey>, String> {
        RecordKey::from_columns(&StructArray::from(self.columns.clone()))
    }

    /// The language of each record's instruction; `None` where it has none.
    ///
    /// # Errors
    /// A text saying what was expected and found, where a value is outside of its type.
    pub fn instruction_languages(&self) -> Result<Vec<Option<String>>, String> {
        let fields: Vec<Option<Vec<FieldLanguage>>> =
            decode_field(&StructArray::from(self.columns.clone()), "languages")?;
        let of_instruction = |fields: Vec<FieldLanguage>| fields.into_iter().find(|field| field.field == "instruction");
        Ok(fields.into_iter().map(|fields| fields.and_then(of_instruction).map(|field| field.language)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::choice_record;

    #[test]
    fn rows_come_back_and_are_thinned_out() {
        let rows: Vec<_> = (0..5).map(|number| choice_record(&format!("Q{number} ?"), &["a", "b"], "A")).collect();
        let batch = Batch::<Record>::from_bytes(&Batch::encode(&rows).to_bytes().unwrap()).unwrap();
        assert_eq!(batch.rows().unwrap(), rows);
        let odd = batch.select(vec![false, true, false, true, false]).unwrap();
        assert_eq!(odd.rows().unwrap(), [rows[1].clone(), rows[3].clone()]);
        assert_eq!(odd.num_bytes(), Batch::encode(&odd.rows().unwrap()).num_bytes());
        assert!(odd.select(vec![true]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_refused_without_panic(bytes: Vec<u8>) {
            proptest::prop_assert!(Batch::<crate::record::Record>::from_bytes(&bytes).is_err());
        }
    }
}
