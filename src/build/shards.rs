//! Rows in files of bounded size: `<name>-00000-of-0000N.parquet`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::columnar::{Row, RowWriter};
use crate::provenance::FileEntry;
use crate::{Error, Result};

/// Rows that look at the size of their file together.
const ROWS_BETWEEN_LOOKS: u64 = 512;

/// The files being written; without rows there are none.
#[derive(Debug)]
pub(super) struct Shards<T: Row> {
    root: PathBuf,
    name: String,
    max_shard_bytes: usize,
    current: Option<RowWriter<T>>,
    num_rows: Vec<u64>,
}

impl<T: Row> Shards<T> {
    /// Files called `name` (`data/train`) inside `root`.
    pub(super) fn new(root: &Path, name: &str, max_shard_bytes: usize) -> Self {
        Self { root: root.to_path_buf(), name: name.to_owned(), max_shard_bytes, current: None, num_rows: Vec::new() }
    }

    /// Adds a row.
    pub(super) fn write(&mut self, row: T) -> Result<()> {
        let writer = match &mut self.current {
            Some(writer) => writer,
            None => self.current.insert(RowWriter::create(&unnumbered(&self.root, &self.name, self.num_rows.len()))?),
        };
        writer.write(row)?;
        if writer.num_rows().is_multiple_of(ROWS_BETWEEN_LOOKS) && writer.num_bytes() >= self.max_shard_bytes {
            self.end()?;
        }
        Ok(())
    }

    /// Ends the last file, gives all their final names, and enters them in `files`.
    pub(super) fn finish(mut self, files: &mut BTreeMap<String, FileEntry>) -> Result<()> {
        self.end()?;
        let total = self.num_rows.len();
        for (index, num_rows) in self.num_rows.iter().enumerate() {
            let name = format!("{}-{index:05}-of-{total:05}.parquet", self.name);
            let path = self.root.join(&name);
            std::fs::rename(unnumbered(&self.root, &self.name, index), &path).map_err(Error::io(&path))?;
            files.insert(name, FileEntry::of(&path, Some(*num_rows))?);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if let Some(writer) = self.current.take() {
            self.num_rows.push(writer.finish()?);
        }
        Ok(())
    }
}

/// Path of a file while the number of files is not known yet.
fn unnumbered(root: &Path, name: &str, index: usize) -> PathBuf {
    root.join(format!("{name}-{index:05}.parquet"))
}
