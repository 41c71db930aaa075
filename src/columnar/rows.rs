//! The types whose rows make a file, field by field.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Fields};

use super::value::{Value, decode_field, present};
use crate::record::{
    Choice, ChoiceLabel, Document, FieldLanguage, Finding, LineageStep, Origin, Original, Provenance, PublishedRecord,
    Reason, Record, Rejected, RowProvenance, Severity, Split, Synthesis, Task, Translation,
};

/// A type whose values are the rows of a parquet file.
///
/// The crate alone implements it: for records in both layouts, originals, documents, rejected records and [`RecordKey`]s.
pub trait Row: Columns {}

impl Row for Record {}
impl Row for Original {}
impl Row for Document {}
impl Row for PublishedRecord {}
impl Row for Rejected {}
impl Row for RecordKey {}

/// How rows become top-level columns and back.
pub trait Columns: Sized {
    /// The top-level columns.
    fn fields() -> Fields;

    /// One array a column.
    fn to_columns(rows: &[Self]) -> StructArray;

    /// The rows of a batch that holds at least the columns of [`Columns::fields`].
    ///
    /// # Errors
    /// A text saying what was expected and found.
    fn from_columns(columns: &StructArray) -> Result<Vec<Self>, String>;
}

/// What a mixture needs to know of a record: a projection that reads no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordKey {
    /// Identifier of the record.
    pub id: String,
    /// Kind of question.
    pub task: Task,
    /// How the record was made.
    pub origin: Origin,
    /// What the record may be used for.
    pub split: Split,
    /// Name of the corpus it came from.
    pub source: String,
    /// Records that share a case, a passage or an original share this.
    pub group_id: String,
    /// Licence of the corpus.
    pub license: String,
}

/// Implements [`Value`] for a struct, from its fields and their types.
macro_rules! columns {
    ($row:ident { $($name:ident: $type:ty),+ $(,)? }) => {
        impl $crate::columnar::value::Value for $row {
            fn data_type() -> arrow::datatypes::DataType {
                arrow::datatypes::DataType::Struct(
                    [$($crate::columnar::value::field::<$type>(stringify!($name))),+].into_iter().collect(),
                )
            }

            fn encode(rows: &[Option<&Self>]) -> arrow::array::ArrayRef {
                $crate::columnar::rows::struct_array::<Self>(rows, vec![$({
                    let values: Vec<_> = rows.iter().map(|row| row.map(|row| &row.$name)).collect();
                    <$type as $crate::columnar::value::Value>::encode(&values)
                }),+])
            }

            fn decode(column: &dyn arrow::array::Array) -> Result<Vec<Option<Self>>, String> {
                let columns = $crate::columnar::rows::as_struct(column)?;
                $(let mut $name =
                    $crate::columnar::value::decode_field::<$type>(columns, stringify!($name))?.into_iter();)+
                (0..arrow::array::Array::len(columns))
                    .map(|index| {
                        $(let $name = $name.next().flatten();)+
                        if arrow::array::Array::is_null(columns, index) {
                            return Ok(None);
                        }
                        Ok(Some($row {
                            $($name: $crate::columnar::value::present($name, stringify!($name))?),+
                        }))
                    })
                    .collect()
            }
        }
    };
}
pub(super) use columns;

columns!(Choice { label: ChoiceLabel, text: String });
columns!(FieldLanguage { field: String, language: String, confidence: f64 });
columns!(Finding { reason: Reason, severity: Severity, field: String, detail: String });
columns!(LineageStep { step: String, detail: String });
columns!(Translation {
    original_id: String,
    engine: String,
    model: String,
    prompt_version: String,
    scores: BTreeMap<String, f64>,
});
columns!(Synthesis { model: String, prompt_version: String, task_name: String, document_id: String, evidence: String });
columns!(Provenance {
    source_revision: String,
    source_file: String,
    source_row: u64,
    lineage: Vec<LineageStep>,
    translation: Option<Translation>,
    synthesis: Option<Synthesis>,
});
columns!(RowProvenance {
    source_revision: String,
    source_file: String,
    source_row: u64,
    lineage: Vec<LineageStep>,
});
columns!(Record {
    id: String,
    instruction: String,
    context: String,
    choices: Vec<Choice>,
    answer_labels: Vec<ChoiceLabel>,
    answer: String,
    task: Task,
    origin: Origin,
    split: Split,
    source: String,
    source_id: String,
    group_id: String,
    license: String,
    provenance: Provenance,
    languages: Vec<FieldLanguage>,
    findings: Vec<Finding>,
});
columns!(PublishedRecord { instruction: String, context: String, answer: String, r#type: String, origin: String });
columns!(RecordKey {
    id: String,
    task: Task,
    origin: Origin,
    split: Split,
    source: String,
    group_id: String,
    license: String,
});
columns!(Original {
    id: String,
    question: String,
    context: String,
    choices: Vec<Choice>,
    answer_labels: Vec<ChoiceLabel>,
    task: Task,
    source: String,
    source_id: String,
    license: String,
    provenance: RowProvenance,
});
columns!(Document {
    id: String,
    text: String,
    source: String,
    source_id: String,
    license: String,
    authors: Vec<String>,
    reference: String,
    provenance: RowProvenance,
});

/// What is known of a rejection beside the record.
struct Rejection {
    reason: Reason,
    detail: String,
    partner_id: String,
    source_name: String,
    file: String,
    row: u64,
    raw: String,
}
columns!(Rejection {
    reason: Reason,
    detail: String,
    partner_id: String,
    source_name: String,
    file: String,
    row: u64,
    raw: String,
});

macro_rules! top_level {
    ($($row:ty),+) => {$(
        impl Columns for $row {
            fn fields() -> Fields {
                struct_fields::<Self>()
            }

            fn to_columns(rows: &[Self]) -> StructArray {
                encode_struct(&rows.iter().map(Some).collect::<Vec<_>>())
            }

            fn from_columns(columns: &StructArray) -> Result<Vec<Self>, String> {
                Self::decode(columns)?.into_iter().map(|row| present(row, "row")).collect()
            }
        }
    )+};
}
top_level!(Record, PublishedRecord, RecordKey, Original, Document);

/// The columns of the record, null where there is none, beside those of the rejection.
impl Columns for Rejected {
    fn fields() -> Fields {
        let record = struct_fields::<Record>();
        let record = record.iter().map(|field| Arc::new(field.as_ref().clone().with_nullable(true)));
        record.chain(struct_fields::<Rejection>().iter().map(Arc::clone)).collect()
    }

    fn to_columns(rows: &[Self]) -> StructArray {
        let rejections: Vec<Rejection> = rows.iter().map(Rejection::of).collect();
        let records = encode_struct::<Record>(&rows.iter().map(|row| row.record.as_ref()).collect::<Vec<_>>());
        let rejections = encode_struct(&rejections.iter().map(Some).collect::<Vec<_>>());
        let columns = records.columns().iter().chain(rejections.columns()).map(Arc::clone).collect();
        StructArray::new(Self::fields(), columns, None)
    }

    fn from_columns(columns: &StructArray) -> Result<Vec<Self>, String> {
        let ids = decode_field::<String>(columns, "id")?;
        let nulls = ids.iter().map(Option::is_some).collect::<NullBuffer>();
        let records = StructArray::new(columns.fields().clone(), columns.columns().to_vec(), Some(nulls));
        let rejections = Rejection::decode(columns)?;
        Record::decode(&records)?
            .into_iter()
            .zip(rejections)
            .map(|(record, rejection)| Ok(present(rejection, "row")?.with(record)))
            .collect()
    }
}

impl Rejection {
    fn of(rejected: &Rejected) -> Self {
        let Rejected { record: _, reason, detail, partner_id, source_name, file, row, raw } = rejected.clone();
        Self { reason, detail, partner_id, source_name, file, row, raw }
    }

    fn with(self, record: Option<Record>) -> Rejected {
        let Self { reason, detail, partner_id, source_name, file, row, raw } = self;
        Rejected { record, reason, detail, partner_id, source_name, file, row, raw }
    }
}

/// The struct array of `rows` from its `columns`, in the order of the type's fields.
pub(super) fn struct_array<T: Value>(rows: &[Option<&T>], columns: Vec<ArrayRef>) -> ArrayRef {
    let nulls = rows.iter().any(Option::is_none).then(|| rows.iter().map(Option::is_some).collect::<NullBuffer>());
    Arc::new(StructArray::new(struct_fields::<T>(), columns, nulls))
}

/// The column as a struct.
pub(super) fn as_struct(column: &dyn Array) -> Result<&StructArray, String> {
    column.as_any().downcast_ref().ok_or_else(|| format!("found a column of type {}", column.data_type()))
}

fn struct_fields<T: Value>() -> Fields {
    match T::data_type() {
        DataType::Struct(fields) => fields,
        _ => Fields::empty(),
    }
}

fn encode_struct<T: Value>(rows: &[Option<&T>]) -> StructArray {
    StructArray::from(T::encode(rows).to_data())
}
