//! Text files: line by line, or whole.

use std::io::{BufRead, Read};

use super::json::{Bad, read_line};
use super::{MAX_ROW_BYTES, raw, too_long, utf8};
use crate::source::SourceFile;
use crate::{Error, Result};

/// The lines of a file, blank ones too, each with its one-based number.
pub(in crate::source) struct TextLines<'a> {
    file: &'a SourceFile,
    reader: Box<dyn BufRead>,
    num_read: u64,
}

impl<'a> TextLines<'a> {
    /// Opens `file`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be opened, [`Error::Format`] if it is UTF-16.
    pub(in crate::source) fn open(file: &'a SourceFile) -> Result<Self> {
        Ok(Self { file, reader: file.open()?, num_read: 0 })
    }

    /// The next line without its end, or what is wrong with it; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read.
    pub(in crate::source) fn next(&mut self) -> Result<Option<(u64, Result<String, Bad>)>> {
        let mut line = Vec::new();
        if !read_line(&mut self.reader, &mut line).map_err(Error::io(self.file.path()))? {
            return Ok(None);
        }
        self.num_read += 1;
        let is_too_long = line.len() > MAX_ROW_BYTES;
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        Ok(Some((self.num_read, plain(text.strip_suffix(b"\r").unwrap_or(text), is_too_long))))
    }
}

/// The whole text of a file, or what is wrong with it.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is UTF-16.
pub(in crate::source) fn whole_text(file: &SourceFile) -> Result<Result<String, Bad>> {
    let mut bytes = Vec::new();
    file.open()?.take(MAX_ROW_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(Error::io(file.path()))?;
    Ok(plain(&bytes, bytes.len() > MAX_ROW_BYTES))
}

fn plain(bytes: &[u8], is_too_long: bool) -> Result<String, Bad> {
    if is_too_long {
        return Err((too_long(), String::new()));
    }
    if bytes.contains(&0) {
        return Err(("expected text, found a NUL byte".to_owned(), raw(bytes)));
    }
    utf8(bytes).map(str::to_owned).map_err(|detail| (detail, raw(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFiles;

    fn lines(bytes: &[u8]) -> Vec<(u64, Option<String>)> {
        let files = SourceFiles::embedded(&[("x.txt", Box::leak(bytes.into()))]);
        let mut lines = TextLines::open(files.get("x.txt").unwrap()).unwrap();
        let mut seen = Vec::new();
        while let Some((row, line)) = lines.next().unwrap() {
            seen.push((row, line.ok()));
        }
        seen
    }

    #[test]
    fn blank_lines_count_and_wrong_ones_are_rows() {
        let seen = lines("\u{feff}é\r\n\n\0\n".as_bytes());
        assert_eq!(seen, [(1, Some("é".to_owned())), (2, Some(String::new())), (3, None)]);
        let long = [vec![b'a'; MAX_ROW_BYTES + 1], b"\n\xe9\nb".to_vec()].concat();
        assert_eq!(lines(&long), [(1, None), (2, None), (3, Some("b".to_owned()))]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_lines(bytes: Vec<u8>) {
            // Zeros in even and in odd places before them, since bytes that look like UTF-16 are refused as a whole.
            let bytes = [b"a\0\0", bytes.as_slice()].concat();
            proptest::prop_assert_eq!(lines(&bytes).len(), bytes.split_inclusive(|byte| *byte == b'\n').count());
        }
    }
}
