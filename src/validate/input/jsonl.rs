//! Records as JSON, one a line.

use std::path::Path;

use serde_json::Value;

use super::{Row, generic};
use crate::provenance::Lines;
use crate::{Error, Result};

/// Reads a file of one JSON object a line and gives each row to `sink` with its one-based line number.
///
/// A line is a whole [`Record`](crate::record::Record) (it has `provenance`), or the plain form `instruction`, `context`,
/// `choices`, `answer`, `task` with what is missing filled in. Empty lines and a byte-order mark are passed over.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, and what `sink` returns. A bad line is a [`Row::Unreadable`].
pub fn read_jsonl(path: &Path, sink: &mut dyn FnMut(u64, Row) -> Result<()>) -> Result<()> {
    for line in Lines::open(path)? {
        match line {
            Ok((number, text)) => sink(number, row(&text))?,
            Err(Error::Format { row: Some(number), message, .. }) => sink(number, Row::Unreadable(message))?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn row(text: &[u8]) -> Row {
    let record = match serde_json::from_slice::<Value>(text) {
        Ok(Value::Object(fields)) if fields.contains_key("provenance") => {
            // Read again from the text, so that a message can name the column.
            serde_json::from_slice(text).map_err(|error| format!("expected a record, found {error}"))
        }
        Ok(Value::Object(fields)) => generic::record(&fields),
        Ok(other) => Err(format!("expected a JSON object, found {}", generic::kind(&other))),
        Err(error) => Err(format!("expected a JSON object, found {error}")),
    };
    record.map_or_else(Row::Unreadable, |record| Row::Record(Box::new(record)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provenance::MAX_LINE_BYTES;
    use crate::record::fixture::choice_record;

    fn rows(bytes: &[u8]) -> Vec<(u64, Row)> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.jsonl");
        std::fs::write(&path, bytes).unwrap();
        let mut rows = Vec::new();
        let mut sink = |number, row| {
            rows.push((number, row));
            Ok(())
        };
        read_jsonl(&path, &mut sink).unwrap();
        rows
    }

    #[test]
    fn a_record_is_read_back_after_a_byte_order_mark_and_an_empty_line() {
        let record = choice_record("Quel os ?", &["Tibia", "Foie"], "A");
        let line = format!("\u{feff}\n\n{}\r\n", serde_json::to_string(&record).unwrap());
        assert_eq!(rows(line.as_bytes()), [(3, Row::Record(Box::new(record)))]);
    }

    #[test]
    fn a_hostile_line_is_unreadable_and_the_next_is_read() {
        let deep = "[".repeat(100_000);
        let long = format!("{{\"instruction\": \"{}\"}}", "a".repeat(MAX_LINE_BYTES));
        for bad in ["{", "[]", "nul", "\"", "{\"provenance\": 1}", "\u{0}", deep.as_str(), long.as_str()] {
            let found = rows(format!("{bad}\n{{\"instruction\": \"Q ?\", \"answer\": \"R\"}}").as_bytes());
            assert_eq!(found.len(), 2);
            assert!(matches!(&found[0], (1, Row::Unreadable(message)) if message.starts_with("expected")));
            assert!(matches!(found[1], (2, Row::Record(_))));
        }
        assert!(matches!(rows(b"\xff\xfe\n")[0].1, Row::Unreadable(_)));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            rows(&bytes);
        }
    }
}
