//! Rows of JSON lists, JSON Lines and CSV files, one at a time.

use std::io::BufRead;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::Value;

use super::{SourceFile, SourceRow, Unreadable};
use crate::{Error, Result};

/// Gives each element of a JSON list, with its one-based place, to `each`.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] if the file cannot be read as a JSON list, and whatever `each` returns.
pub(super) fn json_list(file: &SourceFile, each: impl FnMut(u64, Value) -> Result<()>) -> Result<()> {
    let mut failure = None;
    let mut reader = serde_json::Deserializer::from_reader(file.open()?);
    let outcome = reader.deserialize_seq(Elements { each, failure: &mut failure }).and_then(|()| reader.end());
    match (failure, outcome) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(Error::format(file.path(), format!("expected a JSON list of objects: {error}"))),
        (None, Ok(())) => Ok(()),
    }
}

struct Elements<'a, F> {
    each: F,
    failure: &'a mut Option<Error>,
}

impl<'de, F: FnMut(u64, Value) -> Result<()>> Visitor<'de> for Elements<'_, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let mut row = 0;
        while let Some(value) = elements.next_element()? {
            row += 1;
            if let Err(error) = (self.each)(row, value) {
                *self.failure = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// Gives each line that is not blank, with its one-based number, to `each`: as JSON, or as what is wrong with it.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, and whatever `each` returns.
pub(super) fn json_lines(
    file: &SourceFile,
    mut each: impl FnMut(u64, Result<Value, Unreadable>) -> Result<()>,
) -> Result<()> {
    let mut reader = file.open()?;
    let mut line = Vec::new();
    for row in 1.. {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(Error::io(file.path()))? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let value = serde_json::from_slice(&line).map_err(|error| {
            let raw = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
            Unreadable { file: file.name.clone(), row, detail: format!("expected a JSON object: {error}"), raw }
        });
        each(row, value)?;
    }
    Ok(())
}

/// Gives each row of a CSV file without a header, with its one-based number, to `each`. A row is not a line: a quoted
/// field may hold line ends.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, and whatever `each` returns.
pub(super) fn csv_rows(
    file: &SourceFile,
    mut each: impl FnMut(u64, Result<Vec<String>, Unreadable>) -> Result<()>,
) -> Result<()> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file.open()?);
    for (row, fields) in (1..).zip(reader.byte_records()) {
        let fields = fields.map_err(|error| Error::io(file.path())(error.into()))?;
        let text: Result<Vec<String>, _> = fields.iter().map(|field| String::from_utf8(field.to_vec())).collect();
        let text = text.map_err(|_| {
            let raw: Vec<_> = fields.iter().map(String::from_utf8_lossy).collect();
            unreadable_csv(file, row, "expected UTF-8 text", &raw)
        });
        each(row, text)?;
    }
    Ok(())
}

/// The unreadable row `row` of a CSV file.
pub(super) fn unreadable_csv<T: AsRef<str>>(file: &SourceFile, row: u64, detail: &str, fields: &[T]) -> Unreadable {
    let quoted = fields.iter().map(|field| format!("\"{}\"", field.as_ref().replace('"', "\"\"")));
    let raw = quoted.collect::<Vec<_>>().join(",");
    Unreadable { file: file.name.clone(), row, detail: detail.to_owned(), raw }
}

/// The row `row` of a JSON file as what `read` makes of it, or as unreadable.
pub(super) fn json_row(
    file: &SourceFile,
    row: u64,
    value: &Value,
    read: impl FnOnce(&Value) -> Result<SourceRow, String>,
) -> SourceRow {
    read(value).unwrap_or_else(|detail| {
        SourceRow::Unreadable(Unreadable { file: file.name.clone(), row, detail, raw: value.to_string() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFiles;

    fn with<T>(bytes: &[u8], read: impl FnOnce(&SourceFile) -> T) -> T {
        let files = SourceFiles::embedded(&[("file", Box::leak(bytes.into()))]);
        read(files.get("file").unwrap())
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_row() {
        let mut seen = Vec::new();
        let read = |file: &SourceFile| {
            json_lines(file, |row, value| {
                seen.push((row, value.is_ok()));
                Ok(())
            })
        };
        with("\u{feff}{}\n{}\n".as_bytes(), read).unwrap();
        assert_eq!(seen, [(1, true), (2, true)]);
    }

    #[test]
    fn a_list_is_read_element_by_element_and_its_end_is_checked() {
        let mut seen = Vec::new();
        let mut read = |text: &str| {
            with(text.as_bytes(), |file| {
                json_list(file, |row, value| {
                    seen.push((row, value));
                    Ok(())
                })
            })
        };
        read("[1, {\"a\": null}]").unwrap();
        for wrong in ["", "{}", "[1", "[1] 2", "null", "[\u{1}]"] {
            let refusal = read(wrong).unwrap_err().to_string();
            assert!(refusal.contains("expected a JSON list of objects"), "{wrong}: {refusal}");
        }
        assert_eq!(seen[1], (2, serde_json::json!({ "a": null })));
    }

    #[test]
    fn a_bad_line_is_a_row() {
        let mut seen = Vec::new();
        let each = |row, value: Result<Value, Unreadable>| {
            seen.push((row, value.is_ok()));
            Ok(())
        };
        with(b"{}\n\n{\"a\n\xff\n[]", |file| json_lines(file, each)).unwrap();
        assert_eq!(seen, [(1, true), (3, false), (4, false), (5, true)]);
    }

    fn csv(bytes: &[u8]) -> Vec<(u64, Result<Vec<String>, Unreadable>)> {
        let mut seen = Vec::new();
        let each = |row, fields| {
            seen.push((row, fields));
            Ok(())
        };
        with(bytes, |file| csv_rows(file, each)).unwrap();
        seen
    }

    #[test]
    fn a_csv_row_may_span_lines_and_lack_a_line_end() {
        let seen = csv("\u{feff}a,\"b\nc\"\n\"d\"\"\",é".as_bytes());
        assert_eq!(seen[0], (1, Ok(vec!["a".into(), "b\nc".into()])));
        assert_eq!(seen[1], (2, Ok(vec!["d\"".into(), "é".into()])));
        let (row, unreadable) = csv(b"a,\xff").remove(0);
        assert_eq!((row, unreadable.unwrap_err().detail.as_str()), (1, "expected UTF-8 text"));
    }

    proptest::proptest! {
        #[test]
        fn readers_are_total(bytes: Vec<u8>) {
            with(&bytes, |file| {
                let _ = json_list(file, |_, _| Ok(()));
                let _ = json_lines(file, |_, _| Ok(()));
                let _ = csv_rows(file, |_, _| Ok(()));
            });
        }
    }
}
