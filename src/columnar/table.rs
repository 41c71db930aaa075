//! Rows of any parquet file, as JSON objects.

use std::fs::File;
use std::path::Path;

use arrow::array::{
    Array, AsArray, BooleanArray, Float32Array, Float64Array, Int64Array, LargeStringArray, ListArray, RecordBatch,
    StringArray, StringViewArray, StructArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value};

use super::reader::{Decoded, guarded, not_parquet};
use crate::{Error, Result};

/// Rows that are read together; these may hold long texts.
const BATCH_ROWS: usize = 256;

/// The rows of a parquet file whose columns are not known beforehand, in order.
///
/// Texts, numbers, truth values, lists and structs become JSON; a column of another type (dates, bytes) is refused when
/// the file is opened. After an error there are no more rows.
#[derive(Debug)]
pub struct Table {
    columns: Vec<String>,
    num_rows: u64,
    rows: Decoded<Map<String, Value>>,
}

impl Table {
    /// Opens the file `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is no parquet file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path))?;
        let builder =
            guarded(|| ParquetRecordBatchReaderBuilder::try_new(file)).map_err(|error| not_parquet(path, error))?;
        let columns = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        let num_rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
        let batches =
            guarded(|| builder.with_batch_size(BATCH_ROWS).build()).map_err(|error| not_parquet(path, error))?;
        Ok(Self { columns, num_rows, rows: Decoded::new(path, batches, |batch| rows(&batch)) })
    }

    /// Names of the columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of rows, as the file says.
    #[must_use]
    pub const fn num_rows(&self) -> u64 {
        self.num_rows
    }
}

impl Iterator for Table {
    type Item = Result<Map<String, Value>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}

fn rows(batch: &RecordBatch) -> Result<Vec<Map<String, Value>>, String> {
    let mut rows = vec![Map::new(); batch.num_rows()];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let values = values(column.as_ref()).map_err(|error| format!("column {:?}: {error}", field.name()))?;
        for (row, value) in rows.iter_mut().zip(values) {
            row.insert(field.name().clone(), value);
        }
    }
    Ok(rows)
}

/// The values of a column as JSON.
fn values(column: &dyn Array) -> Result<Vec<Value>, String> {
    let cast_to = |data_type: &DataType| cast(column, data_type).map_err(|error| error.to_string());
    match column.data_type() {
        DataType::Null => Ok(vec![Value::Null; column.len()]),
        DataType::Utf8 => Ok(downcast::<StringArray>(column)?.iter().map(Value::from).collect()),
        DataType::LargeUtf8 => Ok(downcast::<LargeStringArray>(column)?.iter().map(Value::from).collect()),
        DataType::Utf8View => Ok(downcast::<StringViewArray>(column)?.iter().map(Value::from).collect()),
        DataType::Boolean => Ok(downcast::<BooleanArray>(column)?.iter().map(Value::from).collect()),
        DataType::Int64 => Ok(downcast::<Int64Array>(column)?.iter().map(Value::from).collect()),
        DataType::UInt64 => Ok(downcast::<UInt64Array>(column)?.iter().map(Value::from).collect()),
        DataType::Float32 => Ok(downcast::<Float32Array>(column)?.iter().map(Value::from).collect()),
        DataType::Float64 => Ok(downcast::<Float64Array>(column)?.iter().map(Value::from).collect()),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => values(cast_to(&DataType::Int64)?.as_ref()),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => values(cast_to(&DataType::UInt64)?.as_ref()),
        DataType::Dictionary(_, of) => values(cast_to(of)?.as_ref()),
        DataType::LargeList(of) | DataType::FixedSizeList(of, _) => {
            values(cast_to(&DataType::List(of.clone()))?.as_ref())
        }
        DataType::List(_) => lists(downcast(column)?),
        DataType::Struct(_) => structs(column.as_struct()),
        other => Err(format!("expected text, numbers, truth values, lists or structs, found {other}")),
    }
}

fn lists(column: &ListArray) -> Result<Vec<Value>, String> {
    let items = values(column.values().as_ref())?;
    let offsets = column.value_offsets();
    let bound = |index: usize| usize::try_from(offsets[index]).unwrap_or_default();
    let list = |index: usize| {
        if column.is_null(index) {
            Value::Null
        } else {
            Value::Array(items.get(bound(index)..bound(index + 1)).unwrap_or_default().to_vec())
        }
    };
    Ok((0..column.len()).map(list).collect())
}

fn structs(column: &StructArray) -> Result<Vec<Value>, String> {
    let mut objects = vec![Map::new(); column.len()];
    for (name, field) in column.column_names().into_iter().zip(column.columns()) {
        for (object, value) in objects.iter_mut().zip(values(field.as_ref())?) {
            object.insert(name.to_owned(), value);
        }
    }
    let object = |(index, object)| if column.is_null(index) { Value::Null } else { Value::Object(object) };
    Ok(objects.into_iter().enumerate().map(object).collect())
}

fn downcast<A: Array + 'static>(column: &dyn Array) -> Result<&A, String> {
    column.as_any().downcast_ref().ok_or_else(|| format!("found a column of type {}", column.data_type()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::columnar::RecordWriter;
    use crate::record::fixture::choice_record;

    fn written(directory: &Path) -> PathBuf {
        let path = directory.join("x.parquet");
        let mut writer = RecordWriter::create(&path).unwrap();
        for index in 0..600 {
            writer.write(choice_record(&format!("Question {index} ?"), &["é", "b"], "B")).unwrap();
        }
        writer.finish().unwrap();
        path
    }

    #[test]
    fn rows_of_unknown_columns_become_json() {
        let directory = tempfile::tempdir().unwrap();
        let path = written(directory.path());
        let table = Table::open(&path).unwrap();
        assert_eq!((table.columns()[1].as_str(), table.num_rows()), ("instruction", 600));
        let rows: Vec<Map<String, Value>> = table.map(Result::unwrap).collect();
        assert_eq!((rows.len(), &rows[599]["instruction"]), (600, &Value::from("Question 599 ?")));
        assert_eq!(rows[0]["choices"][0], serde_json::json!({ "label": "A", "text": "é" }));
        assert_eq!(rows[0]["answer_labels"], serde_json::json!(["B"]));
        assert_eq!(rows[0]["provenance"]["source_row"], 0);
        assert_eq!(rows[0]["provenance"]["translation"], Value::Null);
    }

    #[test]
    fn damaged_files_are_errors_that_name_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = written(directory.path());
        let whole = std::fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 60) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            std::fs::write(&path, &damaged).unwrap();
            let outcome = Table::open(&path).and_then(Iterator::collect::<Result<Vec<_>>>);
            if let Err(error) = outcome {
                assert!(error.to_string().contains("x.parquet"), "{error}");
            }
        }
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(Table::open(&path).unwrap_err().to_string().contains("expected a parquet file"));
    }
}
