//! Rows in files of bounded size: `<name>-00000-of-0000N.parquet`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::columnar::{Row, RowGroup, RowGroupWriter, RowWriter};
use crate::provenance::FileEntry;
use crate::{Error, Result};

/// Rows that look at the size of their file together.
const ROWS_BETWEEN_LOOKS: u64 = 512;

/// The files of one name; without rows there are none.
#[derive(Debug)]
struct Numbered {
    root: PathBuf,
    name: String,
    num_rows: Vec<u64>,
}

impl Numbered {
    /// Path of the next file, while the number of files is not known yet.
    fn next(&self) -> PathBuf {
        self.unnumbered(self.num_rows.len())
    }

    fn unnumbered(&self, index: usize) -> PathBuf {
        self.root.join(format!("{}-{index:05}.parquet", self.name))
    }

    /// Gives all files their final names, and enters them in `files`.
    fn finish(self, files: &mut BTreeMap<String, FileEntry>) -> Result<()> {
        let total = self.num_rows.len();
        for (index, num_rows) in self.num_rows.iter().enumerate() {
            let name = format!("{}-{index:05}-of-{total:05}.parquet", self.name);
            let path = self.root.join(&name);
            std::fs::rename(self.unnumbered(index), &path).map_err(Error::io(&path))?;
            files.insert(name, FileEntry::of(&path, Some(*num_rows))?);
        }
        Ok(())
    }
}

/// Files that are written row by row.
#[derive(Debug)]
pub(super) struct Shards<T: Row> {
    files: Numbered,
    max_shard_bytes: usize,
    current: Option<RowWriter<T>>,
}

impl<T: Row> Shards<T> {
    /// Files called `name` (`originals/originals`) inside `root`.
    pub(super) fn new(root: &Path, name: &str, max_shard_bytes: usize) -> Self {
        let files = Numbered { root: root.to_path_buf(), name: name.to_owned(), num_rows: Vec::new() };
        Self { files, max_shard_bytes, current: None }
    }

    /// Adds a row.
    pub(super) fn write(&mut self, row: T) -> Result<()> {
        let writer = match &mut self.current {
            Some(writer) => writer,
            None => self.current.insert(RowWriter::create(&self.files.next())?),
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
        self.files.finish(files)
    }

    fn end(&mut self) -> Result<()> {
        if let Some(writer) = self.current.take() {
            self.files.num_rows.push(writer.finish()?);
        }
        Ok(())
    }
}

/// Files that are written row group by row group.
#[derive(Debug)]
pub(super) struct GroupShards<T: Row> {
    files: Numbered,
    max_shard_bytes: usize,
    current: Option<RowGroupWriter<T>>,
}

impl<T: Row> GroupShards<T> {
    /// Files called `name` (`data/train`) inside `root`.
    pub(super) fn new(root: &Path, name: &str, max_shard_bytes: usize) -> Self {
        let files = Numbered { root: root.to_path_buf(), name: name.to_owned(), num_rows: Vec::new() };
        Self { files, max_shard_bytes, current: None }
    }

    /// Adds a row group.
    pub(super) fn write(&mut self, row_group: RowGroup<T>) -> Result<()> {
        let writer = match &mut self.current {
            Some(writer) => writer,
            None => self.current.insert(RowGroupWriter::create(&self.files.next())?),
        };
        writer.write(row_group)?;
        if writer.num_bytes() >= self.max_shard_bytes {
            self.end()?;
        }
        Ok(())
    }

    /// Ends the last file, gives all their final names, and enters them in `files`.
    pub(super) fn finish(mut self, files: &mut BTreeMap<String, FileEntry>) -> Result<()> {
        self.end()?;
        self.files.finish(files)
    }

    fn end(&mut self) -> Result<()> {
        if let Some(writer) = self.current.take() {
            self.files.num_rows.push(writer.finish()?);
        }
        Ok(())
    }
}
