//! Rows in files of bounded size: `<name>-00000-of-0000N.parquet`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::columnar::{Row, RowGroup, RowGroupWriter, RowWriter};
use crate::provenance::FileEntry;
use crate::{Error, Result};

/// Rows that look at the size of their file together.
const ROWS_BETWEEN_LOOKS: u64 = 512;

/// A parquet file being written, by rows or by row groups.
pub(super) trait ShardWriter: Sized {
    /// Begins the file `path`.
    fn create(path: &Path) -> Result<Self>;

    /// Ends the file; the result is its number of rows.
    fn finish(self) -> Result<u64>;

    /// Whether it is time to compare the size of the file with `max_shard_bytes`, and it is as large.
    fn is_full(&self, max_shard_bytes: usize) -> bool;
}

impl<T: Row> ShardWriter for RowWriter<T> {
    fn create(path: &Path) -> Result<Self> {
        Self::create(path)
    }

    fn finish(self) -> Result<u64> {
        self.finish()
    }

    fn is_full(&self, max_shard_bytes: usize) -> bool {
        self.num_rows().is_multiple_of(ROWS_BETWEEN_LOOKS) && self.num_bytes() >= max_shard_bytes
    }
}

impl<T: Row> ShardWriter for RowGroupWriter<T> {
    fn create(path: &Path) -> Result<Self> {
        Self::create(path)
    }

    fn finish(self) -> Result<u64> {
        self.finish()
    }

    fn is_full(&self, max_shard_bytes: usize) -> bool {
        self.num_bytes() >= max_shard_bytes
    }
}

/// Files of rows that are written one after the other by writers `W`; without rows there are none.
#[derive(Debug)]
pub(super) struct Shards<W> {
    root: PathBuf,
    name: String,
    max_shard_bytes: usize,
    current: Option<W>,
    num_rows: Vec<u64>,
}

impl<T: Row> Shards<RowWriter<T>> {
    /// Adds a row.
    pub(super) fn write(&mut self, row: T) -> Result<()> {
        self.add(|writer| writer.write(row))
    }
}

impl<T: Row> Shards<RowGroupWriter<T>> {
    /// Adds a row group.
    pub(super) fn write(&mut self, row_group: RowGroup<T>) -> Result<()> {
        self.add(|writer| writer.write(row_group))
    }
}

impl<W: ShardWriter> Shards<W> {
    /// Files called `name` (`data/train-native`) inside `root`.
    pub(super) fn new(root: &Path, name: &str, max_shard_bytes: usize) -> Self {
        Self { root: root.to_path_buf(), name: name.to_owned(), max_shard_bytes, current: None, num_rows: Vec::new() }
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

    fn add(&mut self, write: impl FnOnce(&mut W) -> Result<()>) -> Result<()> {
        let writer = match &mut self.current {
            Some(writer) => writer,
            None => self.current.insert(W::create(&unnumbered(&self.root, &self.name, self.num_rows.len()))?),
        };
        write(writer)?;
        if writer.is_full(self.max_shard_bytes) {
            self.end()?;
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
