//! Lines of text files, read one at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::text::BYTE_ORDER_MARK;
use crate::{Error, Result};

/// Bytes from which a line is not read on; a row is a thousand times smaller.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// The lines of a file that hold something, each with its one-based number.
///
/// Blank lines are passed over and counted; a byte-order mark before the first line is no part of it. White space around
/// a line, its end included, is taken off.
///
/// # Errors
/// An item is [`Error::Io`] if the file cannot be read on, and then the last one; it is an [`Error::Format`] that names
/// the row if the line has more than [`MAX_LINE_BYTES`] bytes, and then the next line follows.
#[derive(Debug)]
pub struct Lines<R = BufReader<File>> {
    path: PathBuf,
    reader: R,
    number: u64,
    failed: bool,
}

impl Lines {
    /// Opens the file `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self::over(path, BufReader::with_capacity(1 << 16, File::open(path).map_err(Error::io(path))?)))
    }
}

impl<R: BufRead> Lines<R> {
    /// The lines of `reader`, which messages call `path`.
    pub fn over(path: &Path, reader: R) -> Self {
        Self { path: path.to_path_buf(), reader, number: 0, failed: false }
    }

    /// The next line as it stands in the file; `None` at its end.
    fn read(&mut self) -> Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let limit = MAX_LINE_BYTES as u64 + 1;
        self.reader.by_ref().take(limit).read_until(b'\n', &mut line).map_err(Error::io(&self.path))?;
        if line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if line.len() > MAX_LINE_BYTES && !line.ends_with(b"\n") {
            self.reader.skip_until(b'\n').map_err(Error::io(&self.path))?;
            let message = format!("expected a line of at most {MAX_LINE_BYTES} bytes, found a longer one");
            return Err(Error::row(&self.path, self.number, message));
        }
        Ok(Some(line))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<(u64, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            let line = match self.read() {
                Ok(line) => line?,
                Err(error) => {
                    self.failed = matches!(error, Error::Io { .. });
                    return Some(Err(error));
                }
            };
            let unmarked = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| self.number == 1).unwrap_or(&line);
            let text = unmarked.trim_ascii();
            if !text.is_empty() {
                return Some(Ok((self.number, text.to_vec())));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(bytes: &[u8]) -> Vec<Result<(u64, Vec<u8>)>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        Lines::open(file.path()).unwrap().collect()
    }

    fn texts(bytes: &[u8]) -> Vec<(u64, String)> {
        lines(bytes)
            .into_iter()
            .map(|line| line.unwrap())
            .map(|(n, line)| (n, String::from_utf8(line).unwrap()))
            .collect()
    }

    #[test]
    fn blank_lines_and_a_mark_are_passed_over_and_numbers_stay_true() {
        let found = texts("\u{feff}\r\n\n \t{\"a\": 1} \r\n\n\u{feff}b".as_bytes());
        assert_eq!(found, [(3, "{\"a\": 1}".to_owned()), (5, "\u{feff}b".to_owned())]);
        assert_eq!(texts("\u{feff}a".as_bytes()), [(1, "a".to_owned())]);
        assert_eq!(texts(b""), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_named_and_the_next_is_read() {
        let mut bytes = vec![b'a'; MAX_LINE_BYTES];
        bytes.push(b'\n');
        assert_eq!(texts(&bytes)[0].1.len(), MAX_LINE_BYTES);
        bytes[MAX_LINE_BYTES] = b'a';
        bytes.extend(b"\nb\n");
        let found = lines(&bytes);
        let message = found[0].as_ref().unwrap_err().to_string();
        assert!(message.contains(", row 1: expected a line of at most"), "{message}");
        assert_eq!(found[1].as_ref().unwrap(), &(2, b"b".to_vec()));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_file_that_cannot_be_read_fails_once() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Lines::open(&directory.path().join("absent")).unwrap_err().to_string().contains("absent"));
        let found: Vec<_> = Lines::open(directory.path()).unwrap().collect();
        assert!(found.len() == 1 && matches!(found[0], Err(Error::Io { .. })));
    }

    proptest! {
        #[test]
        fn no_line_is_blank_and_none_is_lost(bytes in prop::collection::vec(prop::sample::select(b"a \n\r\xef\xbb\xbf".to_vec()), 0..60)) {
            let found: Vec<(u64, Vec<u8>)> = lines(&bytes).into_iter().map(|line| line.unwrap()).collect();
            prop_assert!(found.iter().all(|(_, line)| !line.trim_ascii().is_empty()));
            prop_assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0));
            let letters = |bytes: &[u8]| bytes.split(|byte| *byte == b'a').count() - 1;
            prop_assert_eq!(found.iter().map(|(_, line)| letters(line)).sum::<usize>(), letters(&bytes));
        }
    }
}
