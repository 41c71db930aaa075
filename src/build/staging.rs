//! Batches of rows kept aside between the two passes.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use crate::columnar::{Batch, Row};
use crate::{Error, Result};

/// A file of batches being written: each as the number of its input, its length and its bytes. Files that follow one another
/// in one file are a file of the batches of all.
#[derive(Debug)]
pub(super) struct StagingWriter {
    path: PathBuf,
    writer: BufWriter<File>,
}

impl StagingWriter {
    pub(super) fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).map_err(Error::io(&path))?;
        Ok(Self { path, writer: BufWriter::with_capacity(1 << 20, file) })
    }

    /// Adds a batch of rows of the input with this number, given as its bytes; none where there are no rows.
    pub(super) fn write(&mut self, input: usize, batch: &[u8]) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let (input, length) = ((input as u64).to_le_bytes(), (batch.len() as u64).to_le_bytes());
        let mut parts = [&input, &length, batch].into_iter();
        parts.try_for_each(|bytes| self.writer.write_all(bytes)).map_err(Error::io(&self.path))
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.writer.flush().map_err(Error::io(&self.path))
    }
}

/// The batches of such a file, in order, each with the number of its input.
#[derive(Debug)]
pub(super) struct StagingReader<T> {
    path: PathBuf,
    reader: BufReader<File>,
    remaining: u64,
    rows: PhantomData<fn() -> T>,
}

impl<T: Row> StagingReader<T> {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path))?;
        let remaining = file.metadata().map_err(Error::io(path))?.len();
        let reader = BufReader::with_capacity(1 << 20, file);
        Ok(Self { path: path.to_path_buf(), reader, remaining, rows: PhantomData })
    }

    fn read(&mut self) -> Result<(usize, Batch<T>)> {
        let (input, length) = (self.number()?, self.number()?);
        self.remaining = self.remaining.saturating_sub(16 + length);
        let mut bytes = Vec::new();
        (&mut self.reader).take(length).read_to_end(&mut bytes).map_err(Error::io(&self.path))?;
        let batch = Batch::from_bytes(&bytes).map_err(|message| Error::format(&self.path, message))?;
        Ok((usize::try_from(input).unwrap_or(usize::MAX), batch))
    }

    fn number(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.reader.read_exact(&mut bytes).map_err(Error::io(&self.path))?;
        Ok(u64::from_le_bytes(bytes))
    }
}

impl<T: Row> Iterator for StagingReader<T> {
    type Item = Result<(usize, Batch<T>)>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.remaining > 0).then(|| self.read())
    }
}
