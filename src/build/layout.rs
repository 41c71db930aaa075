//! Records on their way to the columns of a layout.

use std::collections::BTreeMap;
use std::path::Path;

use super::shards::Shards;
use crate::Result;
use crate::provenance::{FileEntry, Layout};
use crate::record::{PublishedRecord, Record};

/// The files of the records of one split.
#[derive(Debug)]
pub(super) enum RecordShards {
    Records(Shards<Record>),
    Published(Shards<PublishedRecord>),
}

impl RecordShards {
    /// Files called `name` (`data/train`) inside `root`.
    pub(super) fn new(layout: Layout, root: &Path, name: &str, max_shard_bytes: usize) -> Self {
        match layout {
            Layout::Records => Self::Records(Shards::new(root, name, max_shard_bytes)),
            Layout::Published => Self::Published(Shards::new(root, name, max_shard_bytes)),
        }
    }

    /// Adds a record.
    pub(super) fn write(&mut self, record: Record) -> Result<()> {
        match self {
            Self::Records(shards) => shards.write(record),
            Self::Published(shards) => shards.write(PublishedRecord::from(&record)),
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
