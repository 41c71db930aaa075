//! The pipeline that makes a data set: read → language → validate → de-duplicate → split → write.
//!
//! Records are streamed twice, never whole in memory: read, checked and kept aside as compressed columns, then, when
//! duplicates are known, written to the shards of their split. A record with an error finding, a duplicate, a leak, and a
//! row that could not be read go to `rejected.parquet`. The directory is made under a hidden name beside its destination;
//! the manifest is its last file. The same inputs, configuration and version give the same bytes, whatever the number of
//! threads. A build that was interrupted goes on after the last step that it had ended. The first pass can be divided among
//! processes, [`build_shard`], whose results [`merge_shards`] makes the same data set of.

mod card;
mod check;
mod config;
mod croissant;
mod declared;
mod description;
#[cfg(test)]
mod fixture;
mod layout;
mod observer;
mod ordered;
mod place;
mod preview;
#[cfg(feature = "hub")]
mod publication;
mod sharded;
mod shards;
mod share;
mod staging;
mod tables;
mod tally;
mod validation;
mod write;

use std::path::Path;

pub use config::{Input, Plan, declared_sources};
pub use declared::DeclaredSource;
pub use description::{Creator, Description};
pub use observer::{Observer, Options, Step, Unobserved};
pub use preview::{ExpectedRows, FilePreview, Preview, SourcePreview, Standing, preview};
#[cfg(feature = "hub")]
pub use publication::{Consent, PUBLISHED_PREFIXES, Publication};
pub(crate) use sharded::ShardManifest;
pub use sharded::{BuiltShard, build_shard, merge_shards};
pub use share::Shard;
pub use validation::validate_sources;

use crate::provenance::Manifest;
use crate::{Error, Result};

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

/// Makes the data set of `plan` in the directory `out`, or finds it there; a link is followed.
///
/// # Errors
/// [`Error::Data`] if `out` holds something else and `force` is false, if it holds no data set at all, or if another build is
/// making it, or if no directory can take its place; [`Error::Io`] or [`Error::Format`] if a file cannot be read or written. After an error `out` is what it was
/// before.
pub fn build(plan: &Plan, out: &Path, force: bool) -> Result<Built> {
    build_with(plan, out, &Options { force, ..Options::default() })
}

/// [`build`] with all its options.
///
/// # Errors
/// Those of [`build`].
pub fn build_with(plan: &Plan, out: &Path, options: &Options<'_>) -> Result<Built> {
    let out = place::destination(out)?;
    make(plan, &out, options, |staging| check::check(plan, &share::Share::whole(plan), staging, options))
}

/// Makes the data set in `out`, with what `first_pass` leaves in the staging unless an interrupted build has left it there.
fn make(
    plan: &Plan,
    out: &Path,
    options: &Options<'_>,
    first_pass: impl FnOnce(&check::Staging) -> Result<check::Checked>,
) -> Result<Built> {
    if let Some(manifest) = place::existing(plan, out, options.force)? {
        place::tidy(plan, out)?;
        return Ok(Built { manifest, up_to_date: true });
    }
    let workplace = place::Workplace::open(plan, out)?;
    let staging = check::Staging::new(workplace.staging());
    let checked = if let Some(checked) = staging.checked() {
        options.observer.resumed(Step::Check);
        checked
    } else {
        let checked = first_pass(&staging)?;
        staging.end(&checked)?;
        checked
    };
    let made = workplace.made();
    std::fs::create_dir_all(&made).map_err(Error::io(&made))?;
    let manifest = write::write(plan, &staging, checked, &made, options)?;
    workplace.finish(out)?;
    Ok(Built { manifest, up_to_date: false })
}

#[cfg(test)]
mod sharded_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod translation_tests;
