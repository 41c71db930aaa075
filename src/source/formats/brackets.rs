//! Splits a JSON list or object into its elements without parsing them.
//!
//! Only quotes and brackets are looked at, with a counter in place of recursion, so that nesting of any depth and texts of
//! any length are read in the memory of one row.

use std::io::BufRead;

use super::MAX_ROW_BYTES;
use crate::source::SourceFile;
use crate::{Error, Result};

/// An element as it stands in the file, or that it is too long.
pub(super) type Element<'a> = Option<&'a [u8]>;

/// The brackets of a list.
pub(super) const LIST: [u8; 2] = *b"[]";
/// The brackets of an object; its elements are `"key": value`.
pub(super) const OBJECT: [u8; 2] = *b"{}";

/// Gives each element between the outermost `brackets`, with its one-based place, to `each`.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is not between such brackets or ends inside of them,
/// and whatever `each` returns.
pub(super) fn elements(
    file: &SourceFile,
    brackets: [u8; 2],
    each: impl FnMut(u64, Element<'_>) -> Result<()>,
) -> Result<()> {
    let mut reader = file.open()?;
    let mut splitter = Splitter::new(brackets, each);
    loop {
        let buffer = reader.fill_buf().map_err(Error::io(file.path()))?;
        if buffer.is_empty() {
            break;
        }
        let num_bytes = buffer.len();
        for byte in buffer {
            splitter.take(*byte).map_err(|fault| fault.in_file(file))?;
        }
        reader.consume(num_bytes);
    }
    splitter.end().map_err(|fault| fault.in_file(file))
}

/// Why splitting stopped.
enum Fault {
    Shape(String),
    Stopped(Error),
}

impl Fault {
    fn in_file(self, file: &SourceFile) -> Error {
        match self {
            Self::Shape(message) => Error::format(file.path(), message),
            Self::Stopped(error) => error,
        }
    }
}

#[derive(PartialEq)]
enum Place {
    Before,
    Inside,
    After,
}

struct Splitter<F> {
    each: F,
    brackets: [u8; 2],
    place: Place,
    depth: u64,
    in_text: bool,
    escaped: bool,
    element: Vec<u8>,
    is_too_long: bool,
    row: u64,
}

impl<F: FnMut(u64, Element<'_>) -> Result<()>> Splitter<F> {
    fn new(brackets: [u8; 2], each: F) -> Self {
        let place = Place::Before;
        let element = Vec::new();
        Self { each, brackets, place, depth: 0, in_text: false, escaped: false, element, is_too_long: false, row: 0 }
    }

    fn take(&mut self, byte: u8) -> Result<(), Fault> {
        match self.place {
            Place::Inside if self.in_text => self.text_byte(byte),
            Place::Inside => return self.code_byte(byte),
            _ if byte.is_ascii_whitespace() => {}
            Place::Before if byte == self.brackets[0] => self.place = Place::Inside,
            Place::Before => return Err(self.shape(&format!("found {:?} at its beginning", char::from(byte)))),
            Place::After => return Err(self.shape(&format!("found {:?} after its end", char::from(byte)))),
        }
        Ok(())
    }

    fn text_byte(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            // A text cannot go on in the next line: a missing quote spoils its own row only.
            b'"' | b'\n' => self.in_text = false,
            _ => {}
        }
        self.push(byte);
    }

    fn code_byte(&mut self, byte: u8) -> Result<(), Fault> {
        match byte {
            b',' if self.depth == 0 => return self.finish_element(),
            _ if byte == self.brackets[1] && self.depth == 0 => {
                self.place = Place::After;
                let is_empty = self.row == 0 && self.element.trim_ascii().is_empty();
                return if is_empty { Ok(()) } else { self.finish_element() };
            }
            b'"' => self.in_text = true,
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.push(byte);
        Ok(())
    }

    fn push(&mut self, byte: u8) {
        if self.element.len() < MAX_ROW_BYTES {
            self.element.push(byte);
        } else {
            self.is_too_long = true;
        }
    }

    fn finish_element(&mut self) -> Result<(), Fault> {
        self.row += 1;
        let element = (!self.is_too_long).then(|| self.element.trim_ascii());
        let outcome = (self.each)(self.row, element);
        self.element.clear();
        self.is_too_long = false;
        outcome.map_err(Fault::Stopped)
    }

    fn end(self) -> Result<(), Fault> {
        match self.place {
            Place::After => Ok(()),
            Place::Before => Err(self.shape("found nothing")),
            Place::Inside => Err(self.shape(&format!(
                "found the end of the file inside row {}: the file is cut, or a quote or bracket of that row is missing",
                self.row + 1
            ))),
        }
    }

    fn shape(&self, found: &str) -> Fault {
        let expected = if self.brackets == LIST { "a JSON list of objects" } else { "a JSON object of rows" };
        Fault::Shape(format!("expected {expected}, {found}"))
    }
}
