//! Batches of rows kept aside between the two passes.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use crate::columnar::{Batch, Row};
use crate::{Error, Result};

/// A file of batches being written: each as its length and its bytes.
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

    /// Adds a batch, given as its bytes.
    pub(super) fn write(&mut self, batch: &[u8]) -> Result<()> {
        let length = (batch.len() as u64).to_le_bytes();
        [&length, batch].iter().try_for_each(|bytes| self.writer.write_all(bytes)).map_err(Error::io(&self.path))
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.writer.flush().map_err(Error::io(&self.path))
    }
}

/// The batches of such a file, in order.
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

    fn read(&mut self) -> Result<Batch<T>> {
        let mut length = [0; 8];
        self.reader.read_exact(&mut length).map_err(Error::io(&self.path))?;
        let length = u64::from_le_bytes(length);
        self.remaining = self.remaining.saturating_sub(8 + length);
        let mut bytes = Vec::new();
        (&mut self.reader).take(length).read_to_end(&mut bytes).map_err(Error::io(&self.path))?;
        Batch::from_bytes(&bytes).map_err(|message| Error::format(&self.path, message))
    }
}

impl<T: Row> Iterator for StagingReader<T> {
    type Item = Result<Batch<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.remaining > 0).then(|| self.read())
    }
}
