//! The pipeline that makes a data set: read → language → validate → de-duplicate → split → write.
//!
//! Records are streamed twice, never whole in memory: read and checked into a staging file, then, when duplicates are
//! known, written to the shards of their split. A record with an error finding, a duplicate, a leak, and a row that could
//! not be read go to `rejected.parquet`. The directory is made under a temporary name beside its destination; the
//! manifest is its last file. The same inputs, configuration and version give the same bytes.

mod card;
mod check;
mod config;
mod croissant;
mod description;
#[cfg(test)]
mod fixture;
mod layout;
mod place;
mod shards;
mod tables;
mod tally;
mod write;

use std::path::Path;

pub use config::{Input, Plan};
pub use description::Description;

use crate::Result;
use crate::provenance::Manifest;

/// What a build ended with.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    /// Manifest of the data set.
    pub manifest: Manifest,
    /// Whether the data set was there already, made from the same inputs.
    pub up_to_date: bool,
}

impl Built {
    /// Rows that were rejected, for whatever reason.
    #[must_use]
    pub fn num_rejected(&self) -> u64 {
        self.manifest.sources.iter().flat_map(|source| source.rejected.values()).sum()
    }
}

/// Makes the data set of `plan` in the directory `out`, or finds it there.
///
/// # Errors
/// [`Error::Data`](crate::Error::Data) if `out` holds something else and `force` is false, or no data set at all;
/// [`Error::Io`](crate::Error::Io) or [`Error::Format`](crate::Error::Format) if a file cannot be read or written. After
/// an error `out` is what it was before.
pub fn build(plan: &Plan, out: &Path, force: bool) -> Result<Built> {
    if let Some(manifest) = place::existing(plan, out, force)? {
        return Ok(Built { manifest, up_to_date: true });
    }
    let directory = place::begin(out)?;
    let checked = check::check(plan, directory.path())?;
    let manifest = write::write(plan, checked, directory.path())?;
    place::finish(directory, out)?;
    Ok(Built { manifest, up_to_date: false })
}

#[cfg(test)]
mod tests;
