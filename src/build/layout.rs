//! Records on their way to the columns of a layout.

use std::collections::BTreeMap;
use std::path::Path;

use super::shards::Shards;
use crate::columnar::{Batch, RowGroup, RowGroupEncoder, RowGroupWriter};
use crate::provenance::{FileEntry, Layout};
use crate::record::{PublishedRecord, Record};
use crate::{Error, Result};

/// Encodes row groups of records, on any thread.
#[derive(Debug)]
pub(super) enum LayoutEncoder {
    Records(RowGroupEncoder<Record>),
    Published(RowGroupEncoder<PublishedRecord>),
}

/// An encoded row group.
#[derive(Debug)]
pub(super) enum LayoutGroup {
    Records(RowGroup<Record>),
    Published(RowGroup<PublishedRecord>),
}

impl LayoutEncoder {
    pub(super) fn new(layout: Layout) -> Result<Self> {
        match layout {
            Layout::Records => RowGroupEncoder::new().map(Self::Records),
            Layout::Published => RowGroupEncoder::new().map(Self::Published),
        }
    }

    /// The row group of `batches`.
    pub(super) fn encode(&self, batches: &[Batch<Record>]) -> Result<LayoutGroup> {
        match self {
            Self::Records(encoder) => encoder.encode(batches).map(LayoutGroup::Records),
            Self::Published(encoder) => {
                let published = |batch: &Batch<Record>| -> Result<Batch<PublishedRecord>> {
                    let records = batch.rows().map_err(|message| Error::format("staging", message))?;
                    Ok(Batch::encode(&records.iter().map(PublishedRecord::from).collect::<Vec<_>>()))
                };
                let batches = batches.iter().map(published).collect::<Result<Vec<_>>>()?;
                encoder.encode(&batches).map(LayoutGroup::Published)
            }
        }
    }
}

/// The files of the records of one split and origin.
#[derive(Debug)]
pub(super) enum RecordShards {
    Records(Shards<RowGroupWriter<Record>>),
    Published(Shards<RowGroupWriter<PublishedRecord>>),
}

impl RecordShards {
    /// Files called `name` (`data/train-native`) inside `root`.
    pub(super) fn new(layout: Layout, root: &Path, name: &str, max_shard_bytes: usize) -> Self {
        match layout {
            Layout::Records => Self::Records(Shards::new(root, name, max_shard_bytes)),
            Layout::Published => Self::Published(Shards::new(root, name, max_shard_bytes)),
        }
    }

    /// Adds a row group of the same layout.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written, [`Error::Data`] if the row group is of another layout.
    pub(super) fn write(&mut self, row_group: LayoutGroup) -> Result<()> {
        match (self, row_group) {
            (Self::Records(shards), LayoutGroup::Records(row_group)) => shards.write(row_group),
            (Self::Published(shards), LayoutGroup::Published(row_group)) => shards.write(row_group),
            _ => Err(Error::Data("expected a row group of the data set's layout, found one of another".to_owned())),
        }
    }

    /// Ends the last file, gives all their final names, and enters them in `files`.
    pub(super) fn finish(self, files: &mut BTreeMap<String, FileEntry>) -> Result<()> {
        match self {
            Self::Records(shards) => shards.finish(files),
            Self::Published(shards) => shards.finish(files),
        }
    }
}
