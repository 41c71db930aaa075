//! Parquet files of records, originals, documents and rejected records; the only home of Arrow and parquet types.
//!
//! Rows are streamed both ways: no file is ever whole in memory. Equal rows give equal bytes. Readers ask for the
//! columns they know and pass over others; a file that lacks one, or holds another type under its name, is refused.

mod batch;
mod features;
mod reader;
mod row_group;
mod rows;
mod table;
mod value;
mod writer;

pub use batch::Batch;
pub use features::{Feature, FeatureType, features};
#[cfg(feature = "cli")]
pub(crate) use reader::silence_guarded_panics;
pub use reader::{Rows, read_documents, read_keys, read_originals, read_records, read_rejected};
pub use row_group::{ROW_GROUP_BYTES, ROW_GROUP_ROWS, RowGroup, RowGroupEncoder, RowGroupWriter};
pub use rows::{RecordKey, Row};
pub use table::Table;
pub use writer::{DocumentWriter, OriginalWriter, RecordWriter, RejectedWriter, RowWriter};

#[cfg(test)]
mod tests;
