//! CSV and TSV files, row by row (RFC 4180).
//!
//! A quoted field may hold delimiters, doubled quotes and line ends. Where a quote that begins a field is not closed as the
//! format asks (something other than a delimiter or a line end follows the closing one, or [`MAX_ROW_LINES`] lines or the
//! file end before it), the line that opened it is a row that cannot be read, and reading goes on with the next line: a
//! stray quote costs its own line and never swallows the rest of the file. A quote in the middle of a field is text.

use std::collections::VecDeque;
use std::io::BufRead;

use super::json::read_line;
use super::{MAX_ROW_BYTES, raw, too_long, utf8};
use crate::source::{SourceFile, Unreadable};
use crate::{Error, Result};

/// Lines that a row may span.
const MAX_ROW_LINES: usize = 1_000;

/// Gives each row that is not blank, with its one-based number, to `each`. A row is not a line, and blank lines are no rows.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, and whatever `each` returns.
pub(in crate::source) fn csv_rows(
    file: &SourceFile,
    delimiter: u8,
    mut each: impl FnMut(u64, Result<Vec<String>, Unreadable>) -> Result<()>,
) -> Result<()> {
    let mut lines = Lines { reader: file.open()?, waiting: VecDeque::new() };
    let mut row = 0;
    while let Some(first) = lines.next().map_err(Error::io(file.path()))? {
        if first.trim_ascii().is_empty() {
            continue;
        }
        row += 1;
        let fields = lines.row(first, delimiter).map_err(Error::io(file.path()))?;
        each(row, fields.map_err(|(detail, raw)| Unreadable { file: file.name.clone(), row, detail, raw }))?;
    }
    Ok(())
}

/// The fields as one CSV row.
pub(in crate::source) fn joined<T: AsRef<str>>(fields: &[T], delimiter: u8) -> String {
    let quoted = fields.iter().map(|field| format!("\"{}\"", field.as_ref().replace('"', "\"\"")));
    quoted.collect::<Vec<_>>().join(&String::from(char::from(delimiter)))
}

/// Lines of a file, some of which were read before their turn.
struct Lines {
    reader: Box<dyn BufRead>,
    waiting: VecDeque<Vec<u8>>,
}

impl Lines {
    fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.waiting.pop_front() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        Ok(read_line(&mut self.reader, &mut line)?.then_some(line))
    }

    /// The fields of the row that begins with the line `first`, or what is wrong with that line.
    fn row(&mut self, first: Vec<u8>, delimiter: u8) -> std::io::Result<Result<Vec<String>, (String, String)>> {
        let mut parser = Parser::new(delimiter);
        let mut taken: Vec<Vec<u8>> = Vec::new();
        let mut num_bytes = 0;
        let mut line = first;
        let fault = loop {
            num_bytes += line.len();
            let outcome = parser.feed(&line);
            taken.push(line);
            match outcome {
                _ if num_bytes > MAX_ROW_BYTES => break too_long(),
                Outcome::Whole => return Ok(decoded(&parser.fields, &taken)),
                Outcome::StrayQuote => break stray("text goes on after the closing one"),
                Outcome::Open if taken.len() == MAX_ROW_LINES => {
                    break stray(&format!("found none in {MAX_ROW_LINES} lines"));
                }
                Outcome::Open => {}
            }
            match self.next()? {
                Some(next) => line = next,
                None => break stray("found none to the end of the file"),
            }
        };
        let shown = raw(&taken[0]);
        for line in taken.into_iter().skip(1).rev() {
            self.waiting.push_front(line);
        }
        Ok(Err((fault, shown)))
    }
}

fn stray(found: &str) -> String {
    format!("expected a closing quote and then a delimiter or line end, {found}; the next row is the next line")
}

fn decoded(fields: &[Vec<u8>], lines: &[Vec<u8>]) -> Result<Vec<String>, (String, String)> {
    let text = |field: &Vec<u8>| -> Result<String, String> {
        if field.contains(&0) {
            return Err("expected text, found a NUL byte".to_owned());
        }
        utf8(field).map(str::to_owned)
    };
    fields.iter().map(text).collect::<Result<_, _>>().map_err(|detail| (detail, raw(&lines.concat())))
}

#[derive(Clone, Copy)]
enum State {
    Begin,
    Plain,
    Quoted,
    Closed,
}

enum Outcome {
    Whole,
    Open,
    StrayQuote,
}

/// The fields of one row, line by line.
struct Parser {
    delimiter: u8,
    state: State,
    fields: Vec<Vec<u8>>,
    field: Vec<u8>,
}

impl Parser {
    fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::Begin, fields: Vec::new(), field: Vec::new() }
    }

    fn feed(&mut self, line: &[u8]) -> Outcome {
        let end = line.len() - line_end_bytes(line);
        for (index, byte) in line.iter().enumerate() {
            self.state = match self.state {
                State::Quoted if *byte == b'"' => State::Closed,
                State::Quoted => self.keep(*byte, State::Quoted),
                _ if end <= index => break,
                State::Begin | State::Plain | State::Closed if *byte == self.delimiter => self.finish_field(),
                State::Begin if *byte == b'"' => State::Quoted,
                State::Begin | State::Plain => self.keep(*byte, State::Plain),
                State::Closed if *byte == b'"' => self.keep(*byte, State::Quoted),
                State::Closed => return Outcome::StrayQuote,
            };
        }
        if matches!(self.state, State::Quoted) {
            return Outcome::Open;
        }
        self.finish_field();
        Outcome::Whole
    }

    fn keep(&mut self, byte: u8, next: State) -> State {
        self.field.push(byte);
        next
    }

    fn finish_field(&mut self) -> State {
        self.fields.push(std::mem::take(&mut self.field));
        State::Begin
    }
}

fn line_end_bytes(line: &[u8]) -> usize {
    match line {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFiles;

    fn read(bytes: &[u8]) -> Vec<(u64, Result<Vec<String>, Unreadable>)> {
        let files = SourceFiles::embedded(&[("file", Box::leak(bytes.into()))]);
        let mut seen = Vec::new();
        let each = |row, fields| {
            seen.push((row, fields));
            Ok(())
        };
        csv_rows(files.get("file").unwrap(), b',', each).unwrap();
        seen
    }

    /// The rows that could be read, and for the others what is said of them.
    fn fields(bytes: &[u8]) -> Vec<Result<Vec<String>, String>> {
        read(bytes).into_iter().map(|(_, row)| row.map_err(|unreadable| unreadable.detail)).collect()
    }

    fn row(fields: &[&str]) -> Vec<String> {
        fields.iter().map(|field| (*field).to_owned()).collect()
    }

    #[test]
    fn a_row_may_span_lines_and_lack_a_line_end() {
        let seen = fields("\u{feff}a,\"b\nc\"\r\n\n\"d\"\"\",é,5\" de large,".as_bytes());
        assert_eq!(seen, [Ok(row(&["a", "b\nc"])), Ok(row(&["d\"", "é", "5\" de large", ""]))]);
    }

    #[test]
    fn a_stray_quote_costs_its_own_line_and_no_other() {
        for text in ["a,\"b\nc,d\n\"e\",f\n", "a,\"b\nc,d\n e,f", "a,\"b\" c\nc,d\ne,f\n"] {
            let seen = fields(text.as_bytes());
            assert!(seen[0].as_ref().unwrap_err().contains("expected a closing quote"), "{seen:?}");
            assert_eq!((seen.len(), &seen[1]), (3, &Ok(row(&["c", "d"]))), "{text}");
        }
        let long = format!("a,\"b\n{}", "c,d\n".repeat(2 * MAX_ROW_LINES));
        assert_eq!(fields(long.as_bytes()).len(), 1 + 2 * MAX_ROW_LINES);
    }

    #[test]
    fn latin_1_and_nul_are_rows_that_cannot_be_read() {
        let seen = read(b"a,\xe9t\xe9\na,\0\na,b\n");
        let details: Vec<&str> = seen
            .iter()
            .filter_map(|(_, row)| row.as_ref().err())
            .map(|unreadable| unreadable.detail.as_str())
            .collect();
        assert!(details[0].contains("found the byte 0xE9 at 0") && details[1].contains("NUL"), "{details:?}");
        assert_eq!((seen.len(), seen[2].0, seen[0].1.as_ref().unwrap_err().row), (3, 3, 1));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>, text in "[\",a\r\n]{0,40}") {
            // Zeros in even and in odd places before them, since bytes that look like UTF-16 are refused as a whole.
            read(&[b"a\0\0", bytes.as_slice()].concat());
            read(text.as_bytes());
        }

        #[test]
        fn what_is_written_is_read_back(rows in proptest::collection::vec(proptest::collection::vec("[^\0]*", 2..4), 0..4)) {
            let mut writer = ::csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = writer.into_inner().unwrap();
            // A byte-order mark at the very beginning is no text.
            proptest::prop_assume!(!text.starts_with("\u{feff}".as_bytes()));
            let found: Vec<Vec<String>> = fields(&text).into_iter().map(Result::unwrap).collect();
            proptest::prop_assert_eq!(found, rows);
        }
    }
}
