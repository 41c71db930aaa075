//! Values and the Arrow arrays that hold columns of them.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, ListArray, StringArray, StructArray, UInt64Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field};

use crate::record::{ChoiceLabel, Origin, Reason, Severity, Split, Task};

/// A type whose values make a column.
///
/// `None` stands for a null, in both directions: where a struct is null, so are its fields.
pub(super) trait Value: Sized {
    /// Whether nulls are values of the type.
    const NULLABLE: bool = false;

    /// The Arrow type of the column.
    fn data_type() -> DataType;

    /// The column of `values`.
    fn encode(values: &[Option<&Self>]) -> ArrayRef;

    /// The values of a column whose type is [`Value::data_type`], see [`same_type`].
    ///
    /// # Errors
    /// A text saying what was expected and found, where a value is outside of the type.
    fn decode(column: &dyn Array) -> Result<Vec<Option<Self>>, String>;
}

/// The Arrow field `name` of type `T`.
pub(super) fn field<T: Value>(name: &str) -> Field {
    Field::new(plain(name), T::data_type(), T::NULLABLE)
}

/// The values of the field `name`, taken out of a struct.
pub(super) fn decode_field<T: Value>(columns: &StructArray, name: &str) -> Result<Vec<Option<T>>, String> {
    let name = plain(name);
    let column = columns.column_by_name(name).ok_or_else(|| format!("expected a column {name:?}"))?;
    T::decode(column.as_ref()).map_err(|error| format!("{name}: {error}"))
}

/// The name of a field without the mark by which Rust's keywords are made names.
fn plain(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// The value of a field that may not be null, in a struct that is not.
pub(super) fn present<T>(value: Option<T>, name: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("{name}: expected a value, found a null"))
}

/// Whether two types hold the same values: names of list items, nullability and metadata do not matter, nor do
/// further fields of a `found` struct.
pub(super) fn same_type(expected: &DataType, found: &DataType) -> bool {
    match (expected, found) {
        (DataType::List(expected), DataType::List(found)) => same_type(expected.data_type(), found.data_type()),
        (DataType::Struct(expected), DataType::Struct(found)) => expected.iter().all(|field| {
            found.find(field.name()).is_some_and(|(_, other)| same_type(field.data_type(), other.data_type()))
        }),
        _ => expected == found,
    }
}

/// The column as the array type that its checked data type promises.
fn downcast<A: Array + 'static>(column: &dyn Array) -> Result<&A, String> {
    column.as_any().downcast_ref().ok_or_else(|| format!("found a column of type {}", column.data_type()))
}

impl Value for String {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn encode(values: &[Option<&Self>]) -> ArrayRef {
        Arc::new(values.iter().map(|value| value.map(String::as_str)).collect::<StringArray>())
    }

    fn decode(column: &dyn Array) -> Result<Vec<Option<Self>>, String> {
        Ok(downcast::<StringArray>(column)?.iter().map(|value| value.map(str::to_owned)).collect())
    }
}

macro_rules! number {
    ($type:ty, $array:ty, $data_type:ident) => {
        impl Value for $type {
            fn data_type() -> DataType {
                DataType::$data_type
            }

            fn encode(values: &[Option<&Self>]) -> ArrayRef {
                Arc::new(values.iter().map(|value| value.copied()).collect::<$array>())
            }

            fn decode(column: &dyn Array) -> Result<Vec<Option<Self>>, String> {
                Ok(downcast::<$array>(column)?.iter().collect())
            }
        }
    };
}
number!(u64, UInt64Array, UInt64);
number!(f64, Float64Array, Float64);

macro_rules! text_like {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn data_type() -> DataType {
                DataType::Utf8
            }

            fn encode(values: &[Option<&Self>]) -> ArrayRef {
                Arc::new(values.iter().map(|value| value.map(ToString::to_string)).collect::<StringArray>())
            }

            fn decode(column: &dyn Array) -> Result<Vec<Option<Self>>, String> {
                downcast::<StringArray>(column)?.iter().map(|value| value.map(<$type>::from_str).transpose()).collect()
            }
        }
    )+};
}
text_like!(ChoiceLabel, Origin, Reason, Severity, Split, Task);

impl<T: Value> Value for Option<T> {
    const NULLABLE: bool = true;

    fn data_type() -> DataType {
        T::data_type()
    }

    fn encode(values: &[Option<&Self>]) -> ArrayRef {
        T::encode(&values.iter().map(|value| value.and_then(Option::as_ref)).collect::<Vec<_>>())
    }

    fn decode(column: &dyn Array) -> Result<Vec<Option<Self>>, String> {
        Ok(T::decode(column)?.into_iter().map(Some).collect())
    }
}

/// Name of the items of a list, as parquet's specification and pyarrow have it.
const ITEM: &str = "element";

impl<T: Value> Value for Vec<T> {
    fn data_type() -> DataType {
        DataType::List(Arc::new(field::<T>(ITEM)))
    }

    fn encode(values: &[Option<&Self>]) -> ArrayRef {
        let offsets = OffsetBuffer::from_lengths(values.iter().map(|value| value.map_or(0, Vec::len)));
        let items: Vec<Option<&T>> = values.iter().flatten().flat_map(|value| value.iter().map(Some)).collect();
        let nulls = values.iter().map(Option::is_some).collect::<NullBuffer>();
        Arc::new(ListArray::new(Arc::new(field::<T>(ITEM)), offsets, T::encode(&items), Some(nulls)))
    }

    fn decode(column: &dyn Array) -> Result<Vec<Option<Self>>, String> {
        let lists = downcast::<ListArray>(column)?;
        (0..lists.len())
            .map(|index| {
                if lists.is_null(index) {
                    return Ok(None);
                }
                let items = T::decode(lists.value(index).as_ref())?.into_iter();
                items.map(|item| present(item, ITEM)).collect::<Result<_, _>>().map(Some)
            })
            .collect()
    }
}

/// One entry of a map; maps are lists of these, which every reader of parquet understands.
struct Entry {
    name: String,
    value: f64,
}
super::rows::columns!(Entry { name: String, value: f64 });

impl Value for BTreeMap<String, f64> {
    fn data_type() -> DataType {
        Vec::<Entry>::data_type()
    }

    fn encode(values: &[Option<&Self>]) -> ArrayRef {
        let entries =
            |map: &Self| map.iter().map(|(name, value)| Entry { name: name.clone(), value: *value }).collect();
        let lists: Vec<Option<Vec<Entry>>> = values.iter().map(|value| value.map(entries)).collect();
        Vec::<Entry>::encode(&lists.iter().map(Option::as_ref).collect::<Vec<_>>())
    }

    fn decode(column: &dyn Array) -> Result<Vec<Option<Self>>, String> {
        let map = |entries: Vec<Entry>| entries.into_iter().map(|entry| (entry.name, entry.value)).collect();
        Ok(Vec::<Entry>::decode(column)?.into_iter().map(|entries| entries.map(map)).collect())
    }
}
