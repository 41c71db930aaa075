//! Files of rows with named columns, whatever format they are in.

use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;
use serde_json::{Map, Value};

use super::csv::{csv_rows, joined};
use super::json::{Bad, json_lines, json_list};
use crate::columnar::Table;
use crate::source::{Place, Sink, SourceFile, SourceFiles, SourceRow, Unreadable};
use crate::{Error, Result};

/// How a file holds its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Format {
    /// One JSON list of objects.
    JsonList,
    /// One JSON object a line.
    JsonLines,
    /// Fields between delimiters, the first row being the names of the columns.
    Csv(u8),
    /// Parquet.
    Parquet,
}

impl Format {
    /// The format of a file, by the ending of its name, and for JSON by its first character.
    ///
    /// # Errors
    /// [`Error::Format`] if it is none of them.
    pub(in crate::source) fn of(file: &SourceFile) -> Result<Self> {
        let ending = file.name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
        match ending.as_str() {
            "parquet" => return Ok(Self::Parquet),
            "csv" => return Ok(Self::Csv(b',')),
            "tsv" => return Ok(Self::Csv(b'\t')),
            "jsonl" | "ndjson" => return Ok(Self::JsonLines),
            _ => {}
        }
        match file.first_byte()? {
            Some(b'[') => Ok(Self::JsonList),
            Some(b'{') => Ok(Self::JsonLines),
            found => {
                let found = found.map_or("nothing".to_owned(), |byte| format!("{:?}", char::from(byte)));
                Err(Error::format(file.path(), format!("expected a JSON list of objects or JSON Lines, found {found}")))
            }
        }
    }

    /// Its name.
    pub(in crate::source) const fn name(self) -> &'static str {
        match self {
            Self::JsonList => "JSON list",
            Self::JsonLines => "JSON Lines",
            Self::Csv(b'\t') => "TSV",
            Self::Csv(_) => "CSV",
            Self::Parquet => "parquet",
        }
    }
}

/// A row as it stands in its file.
#[derive(Clone, Copy)]
pub(in crate::source) enum Raw<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// Its columns, where the file holds no text.
    Columns(&'a Value),
}

impl Raw<'_> {
    /// The row as text, to be shown.
    pub(in crate::source) fn text(self) -> String {
        match self {
            Self::Bytes(bytes) => super::raw(bytes),
            Self::Columns(columns) => super::raw(columns.to_string().as_bytes()),
        }
    }
}

/// Gives what `read` makes of each row of `file` to `sink`; `variant` is what provenance says of the file's form.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] if the file cannot be read as a whole, and whatever `sink` returns.
pub(in crate::source) fn each_row<T: DeserializeOwned>(
    files: &SourceFiles,
    (file, format, variant): (&SourceFile, Format, &str),
    sink: &mut Sink<'_>,
    mut read: impl FnMut(T, &Place<'_>) -> Result<SourceRow, String>,
) -> Result<()> {
    each_value(file, format, |row, value: Result<(T, Raw<'_>), Bad>| {
        let place = Place { revision: files.revision(), file, row, format: variant };
        sink(match value {
            Ok((value, raw)) => read(value, &place)
                .unwrap_or_else(|detail| SourceRow::Unreadable(place.unreadable(detail, raw.text().as_bytes()))),
            Err((detail, raw)) => SourceRow::Unreadable(place.unreadable(detail, raw.as_bytes())),
        })
    })
}

/// Gives each row of `file`, with its one-based number, to `each`: parsed, with its text, or as what is wrong with it.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] if the file cannot be read as a whole, and whatever `each` returns.
pub(in crate::source) fn each_value<T: DeserializeOwned>(
    file: &SourceFile,
    format: Format,
    mut each: impl FnMut(u64, Result<(T, Raw<'_>), Bad>) -> Result<()>,
) -> Result<()> {
    match format {
        Format::JsonList => {
            json_list(file, |row, value| each(row, value.map(|(value, bytes)| (value, Raw::Bytes(bytes)))))
        }
        Format::JsonLines => {
            json_lines(file, |row, value| each(row, value.map(|(value, bytes)| (value, Raw::Bytes(bytes)))))
        }
        Format::Csv(delimiter) => with_header(file, delimiter, each),
        Format::Parquet => {
            for (row, fields) in (1..).zip(Table::open(file.path())?) {
                let fields = Value::Object(fields?);
                match T::deserialize(&fields) {
                    Ok(value) => each(row, Ok((value, Raw::Columns(&fields)))),
                    Err(error) => each(row, Err((error.to_string(), Raw::Columns(&fields).text()))),
                }?;
            }
            Ok(())
        }
    }
}

/// The first row of `file` that can be read, as an object, for telling which variant of its format the file is in.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] if the file cannot be read up to there.
pub(in crate::source) fn first_row(file: &SourceFile, format: Format) -> Result<Option<Map<String, Value>>> {
    let mut first = None;
    let outcome = each_value(file, format, |_, row| match row {
        Ok((row, _)) => {
            first = Some(row);
            // An error is how a reader is told that no more rows are wanted.
            Err(Error::Data(String::new()))
        }
        Err(_) => Ok(()),
    });
    if first.is_some() { Ok(first) } else { outcome.map(|()| None) }
}

/// The names in the header of a file of fields between delimiters; `None` where it holds nothing.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] if the header cannot be read.
pub(in crate::source) fn header(file: &SourceFile, delimiter: u8) -> Result<Option<Vec<String>>> {
    let mut header = None;
    let outcome = csv_rows(file, delimiter, |row, fields| {
        header = Some(names_in(file, row, fields, delimiter));
        // An error is how a reader is told that no more rows are wanted.
        Err(Error::Data(String::new()))
    });
    match header {
        Some(names) => names.map(Some),
        None => outcome.map(|()| None),
    }
}

/// The names of the columns in the row that is the header.
fn names_in(
    file: &SourceFile,
    row: u64,
    fields: Result<Vec<String>, Unreadable>,
    delimiter: u8,
) -> Result<Vec<String>> {
    let text = fields.as_ref().map_or_else(|unreadable| unreadable.raw.clone(), |names| joined(names, delimiter));
    let mut after_returns = text.split('\r').skip(1);
    if after_returns.any(|rest| !rest.starts_with('\n')) {
        let message = "expected line ends LF or CRLF, found CR alone in the header; convert them: tr '\\r' '\\n'";
        return Err(Error::row(file.path(), row, message));
    }
    fields.map_err(|unreadable| Error::row(file.path(), row, unreadable.detail))
}

fn with_header<T: DeserializeOwned>(
    file: &SourceFile,
    delimiter: u8,
    mut each: impl FnMut(u64, Result<(T, Raw<'_>), Bad>) -> Result<()>,
) -> Result<()> {
    let mut header: Option<Vec<String>> = None;
    csv_rows(file, delimiter, |row, fields| {
        let Some(names) = &header else {
            header = Some(names_in(file, row, fields, delimiter)?);
            return Ok(());
        };
        let fields = match fields {
            Ok(fields) => fields,
            Err(unreadable) => return each(row, Err((unreadable.detail, unreadable.raw))),
        };
        let raw = joined(&fields, delimiter);
        if fields.len() != names.len() {
            let detail = format!("expected {} columns as in the header, found {}", names.len(), fields.len());
            return each(row, Err((detail, raw)));
        }
        let columns = names.iter().map(String::as_str).zip(fields.into_iter().map(Value::String));
        match T::deserialize(MapDeserializer::<_, serde_json::Error>::new(columns)) {
            Ok(value) => each(row, Ok((value, Raw::Bytes(raw.as_bytes())))),
            Err(error) => each(row, Err((error.to_string(), raw))),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(name: &str, text: &'static str) -> Result<Vec<(u64, Result<Value, String>)>> {
        let files = SourceFiles::embedded(&[(name, text.as_bytes())]);
        let file = files.get(name).unwrap();
        let mut seen = Vec::new();
        each_value::<Value>(file, Format::of(file)?, |row, value| {
            seen.push((row, value.map(|(value, _)| value).map_err(|(detail, _)| detail)));
            Ok(())
        })?;
        Ok(seen)
    }

    #[test]
    fn the_same_rows_are_read_from_each_format() {
        let expected = [(1, Ok(serde_json::json!({ "q": "é", "a": "B" })))];
        assert_eq!(rows("x.json", "[{\"q\": \"é\", \"a\": \"B\"}]").unwrap(), expected);
        assert_eq!(rows("x.json", "{\"q\": \"é\", \"a\": \"B\"}\n").unwrap(), expected);
        assert_eq!(rows("x.jsonl", "{\"q\": \"é\", \"a\": \"B\"}\n").unwrap(), expected);
        let expected =
            [(2, expected[0].1.clone()), (3, Err("expected 2 columns as in the header, found 1".to_owned()))];
        assert_eq!(rows("x.csv", "q,a\né,B\nx\n").unwrap(), expected);
        assert_eq!(rows("x.TSV", "q\ta\né\tB\nx\n").unwrap(), expected);
    }

    #[test]
    fn a_repeated_column_that_a_corpus_reads_is_never_its_last_value() {
        #[derive(Debug, serde::Deserialize)]
        struct Row {
            #[expect(dead_code, reason = "it is read to be refused")]
            q: String,
        }
        let files = SourceFiles::embedded(&[("x.csv", b"q,a,a\nx,1,2\n"), ("y.csv", b"q,q\nx,y\n")]);
        let read = |name: &str| {
            let mut seen = Vec::new();
            each_value::<Row>(files.get(name).unwrap(), Format::Csv(b','), |_, row| {
                seen.push(row.map(|_| ()).map_err(|(detail, _)| detail));
                Ok(())
            })
            .unwrap();
            seen
        };
        assert_eq!(read("x.csv"), [Ok(())]);
        assert_eq!(read("y.csv"), [Err("duplicate field `q`".to_owned())]);
    }

    #[test]
    fn line_ends_of_cr_alone_are_refused() {
        for text in ["q,a\rx,1\ry,2\r", "\"q\",\"a\"\r\"x\",\"1\"\r"] {
            let refusal = rows("x.csv", text).unwrap_err().to_string();
            assert!(refusal.starts_with("x.csv, row 1: expected line ends LF or CRLF, found CR alone"), "{refusal}");
        }
        assert_eq!(rows("x.csv", "q,a\r\nx,1\r\n").unwrap().len(), 1);
    }

    #[test]
    fn a_file_of_no_known_format_is_refused() {
        let refusal = rows("x.json", "<xml>").unwrap_err().to_string();
        assert_eq!(refusal, "x.json: expected a JSON list of objects or JSON Lines, found '<'");
        assert!(rows("x.json", "").unwrap_err().to_string().contains("found nothing"));
    }
}
