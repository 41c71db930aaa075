//! Rows to validate, read one by one from a data set or a file of records.

mod generic;
mod jsonl;

use std::path::Path;

pub use jsonl::read_jsonl;

use crate::columnar::{Rows, read_records, read_rejected};
use crate::provenance::Dataset;
use crate::record::{PublishedRecord, Record, Rejected, Split};
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
/// A directory is a data set in either layout, whose splits are read one after the other. Of a file, the name's ending says what it is:
/// `.parquet`, or `.jsonl` and `.ndjson`, see [`read_jsonl`]. Of a data set's `rejected.parquet`, the rows are the records
/// that were rejected; a row that was none when it was rejected is none here, and says where it came from.
///
/// # Errors
/// [`Error::Io`] if a file cannot be read; [`Error::Format`] if its kind is unknown, a parquet file is damaged, or a data
/// set is not the one that was written; what `sink` returns.
pub fn read_rows(path: &Path, sink: &mut RowSink<'_>) -> Result<()> {
    if std::fs::metadata(path).map_err(Error::io(path))?.is_dir() {
        return read_dataset(&Dataset::open_any_layout(path)?, sink);
    }
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "jsonl" | "ndjson" => read_jsonl(path, &mut |number, row| sink(&path.display().to_string(), number, row)),
        "parquet" => read_parquet(path, sink),
        _ => {
            let expected = "expected a directory, or a name that ends in .parquet, .jsonl or .ndjson";
            Err(Error::format(path, format!("{expected}, found the ending {ending:?}")))
        }
    }
}

/// Reads the records of a data set, whose splits are read one after the other.
pub(super) fn read_dataset(dataset: &Dataset, sink: &mut RowSink<'_>) -> Result<()> {
    let mut files = Split::ALL.iter().flat_map(|split| dataset.record_paths(*split));
    files.try_for_each(|file| read_parquet(&file, sink))
}

fn read_parquet(path: &Path, sink: &mut RowSink<'_>) -> Result<()> {
    let name = path.display().to_string();
    // A file of rejected rows has the columns of records and more, of which a row may have none.
    if let Ok(rejected) = read_rejected(path) {
        return (1..).zip(rejected).try_for_each(|(number, rejected)| sink(&name, number, rejected?.into()));
    }
    if let Ok(published) = Rows::<PublishedRecord>::open(path) {
        let row = |published| match Record::try_from(published) {
            Ok(record) => Row::Record(Box::new(record)),
            Err(message) => Row::Unreadable(message),
        };
        return (1..).zip(published).try_for_each(|(number, published)| sink(&name, number, row(published?)));
    }
    for (number, record) in (1..).zip(read_records(path)?) {
        sink(&name, number, Row::Record(Box::new(record?)))?;
    }
    Ok(())
}

impl From<Rejected> for Row {
    fn from(rejected: Rejected) -> Self {
        let Rejected { record, detail, source_name, file, row, .. } = rejected;
        let unreadable = || Self::Unreadable(format!("{detail} ({source_name}, {file}, row {row})"));
        record.map_or_else(unreadable, |record| Self::Record(Box::new(record)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columnar::{RecordWriter, RejectedWriter};
    use crate::record::Reason;
    use crate::record::fixture::choice_record;

    #[test]
    fn rejected_rows_are_records_or_say_where_they_came_from() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rejected.parquet");
        let record = choice_record("Quel os ?", &["Tibia"], "A");
        let mut writer = RejectedWriter::create(&path).unwrap();
        for record in [None, Some(record.clone())] {
            let text = |text: &str| text.to_owned();
            let (reason, partner_id, raw) = (Reason::Unreadable, String::new(), text("{"));
            let (detail, source_name, file, row) = (text("expected a list"), text("essai"), text("a.json"), 7);
            writer.write(Rejected { record, reason, detail, partner_id, source_name, file, row, raw }).unwrap();
        }
        writer.finish().unwrap();
        let mut rows = Vec::new();
        let mut sink = |_: &str, number: u64, row| {
            rows.push((number, row));
            Ok(())
        };
        read_rows(&path, &mut sink).unwrap();
        let unreadable = Row::Unreadable("expected a list (essai, a.json, row 7)".to_owned());
        assert_eq!(rows, [(1, unreadable), (2, Row::Record(Box::new(record)))]);
    }

    #[test]
    fn a_parquet_file_gives_its_records_with_their_rows() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.parquet");
        let records = ["Quel os ?", "Quel nerf ?"].map(|question| choice_record(question, &["Tibia", "Foie"], "A"));
        let mut writer = RecordWriter::create(&path).unwrap();
        for record in &records {
            writer.write(record.clone()).unwrap();
        }
        writer.finish().unwrap();
        let mut rows = Vec::new();
        let mut sink = |_: &str, number: u64, row| {
            rows.push((number, row));
            Ok(())
        };
        read_rows(&path, &mut sink).unwrap();
        let [first, second] = records.map(|record| Row::Record(Box::new(record)));
        assert_eq!(rows, [(1, first), (2, second)]);
    }

    #[test]
    fn a_damaged_parquet_file_and_a_directory_without_manifest_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.parquet");
        std::fs::write(&path, b"PAR1").unwrap();
        for wrong in [path.as_path(), directory.path()] {
            assert!(read_rows(wrong, &mut |_, _, _| Ok(())).is_err(), "{}", wrong.display());
        }
    }
}
