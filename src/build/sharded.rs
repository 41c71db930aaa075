//! A data set that several processes build together: each reads and checks its shard, and one merges what they found.
//!
//! A shard leaves what the first pass of a build leaves, in `<output>.shards/00002-of-00004`; its manifest, `shard.json`, says
//! what it was made from and is its last file. The merge puts the files of the shards one after the other, which are then those
//! of the first pass of one process, and goes on as that process would.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::{Checked, Staging, check};
use super::observer::{Options, Step};
use super::place::{self, Workplace};
use super::share::{Part, Shard, Share};
use super::tally::Tally;
use super::{Built, Plan};
use crate::provenance::{FileEntry, TOOL_VERSION, write_json};
use crate::{Error, Result};

/// Name of the manifest inside the directory of a shard.
const SHARD_MANIFEST: &str = "shard.json";

/// Shards that a message names.
const NAMED_SHARDS: usize = 8;

/// What a shard ended with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuiltShard {
    /// Which shard it is.
    pub shard: Shard,
    /// Its directory; where the data set was there already, that of the data set.
    pub path: PathBuf,
    /// The files that it has read, each after the name of its source.
    pub files: Vec<String>,
    /// Records that it lets pass; duplicates are found by the merge.
    pub num_records: u64,
    /// Rows that it rejects.
    pub num_rejected: u64,
    /// Whether it, or the data set itself, was there already, made from the same inputs.
    pub up_to_date: bool,
}

/// Content of `shard.json`, which is written last: where it is, the shard is whole.
#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShardManifest {
    /// Version of the tool.
    tool_version: String,
    /// Which shard it is.
    shard: Shard,
    /// The configuration, with every default filled in.
    config: serde_json::Value,
    /// All corpora of the build, in order.
    sources: Vec<ShardSource>,
    /// The files that the shard has read.
    read: Vec<String>,
    /// What it found.
    checked: Checked,
    /// Every file of the directory but this one.
    files: BTreeMap<String, FileEntry>,
}

/// A corpus of a build.
#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ShardSource {
    /// Its name.
    name: String,
    /// `sha256:` and the hash of the names and hashes of its files.
    revision: String,
    /// SHA-256 of each of its files.
    files: BTreeMap<String, String>,
}

/// Reads and checks the share of `shard` in the input of `plan`, and keeps what it found beside the directory `out`.
///
/// # Errors
/// Those of [`build`](super::build); [`Error::Data`] if the shard is there, made from something else, and `options.force` is
/// false.
pub fn build_shard(plan: &Plan, out: &Path, shard: Shard, options: &Options<'_>) -> Result<BuiltShard> {
    let out = place::destination(out)?;
    if place::existing(plan, &out, options.force)?.is_some() {
        let (files, num_records, num_rejected) = (Vec::new(), 0, 0);
        return Ok(BuiltShard { shard, path: out, files, num_records, num_rejected, up_to_date: true });
    }
    let path = path_of(&out, shard);
    match found(plan, &path, shard).and_then(|manifest| manifest.verify(&path).map(|()| manifest)) {
        Ok(manifest) => return Ok(manifest.built(path, true)),
        Err(_) if !path.exists() => {}
        Err(_) if options.force && path.join(SHARD_MANIFEST).exists() => {}
        Err(why) => return Err(Error::Data(format!("{}: it {why}; give --force to replace it", path.display()))),
    }
    let workplace = Workplace::open(plan, &path)?;
    let staging = Staging::new(workplace.made());
    std::fs::create_dir_all(workplace.made()).map_err(Error::io(workplace.made()))?;
    let input = Share::of(plan, shard);
    let checked = check(plan, &input, &staging, options)?;
    let manifest = ShardManifest {
        tool_version: TOOL_VERSION.to_owned(),
        shard,
        config: plan.resolved(),
        sources: sources(plan),
        read: input.own.iter().flat_map(Part::names).collect(),
        checked,
        files: staging.files()?,
    };
    write_json(&workplace.made().join(SHARD_MANIFEST), &manifest)?;
    workplace.finish(&path)?;
    Ok(manifest.built(path, false))
}

/// Makes the data set of `plan` in the directory `out` from what `count` shards found, to the bytes of one process; the
/// shards are deleted when the data set is there.
///
/// # Errors
/// Those of [`build_with`](super::build_with); [`Error::Config`] if there cannot be so many shards; [`Error::Data`] if a shard
/// is missing, unfinished or of another build, and [`Error::Format`] if its files are not those that it wrote.
pub fn merge_shards(plan: &Plan, out: &Path, count: u32, options: &Options<'_>) -> Result<Built> {
    let out = place::destination(out)?;
    let shards = Shard::all(count).map_err(|message| Error::config("merge", message))?;
    let built = super::make(plan, &out, options, |staging| {
        options.observer.begin(Step::Gather, None);
        gather(all_found(plan, &out, &shards)?, &out, staging)
    })?;
    // The data set is whole: a shard that cannot be deleted takes room and does no harm.
    for shard in shards {
        let _ = std::fs::remove_dir_all(path_of(&out, shard));
    }
    let _ = std::fs::remove_dir(directory(&out));
    Ok(built)
}

/// The directory of all shards of `out`.
fn directory(out: &Path) -> PathBuf {
    let name = out.file_name().map_or("output".into(), |name| name.to_string_lossy());
    out.with_file_name(format!("{name}.shards"))
}

fn path_of(out: &Path, shard: Shard) -> PathBuf {
    directory(out).join(shard.name())
}

fn sources(plan: &Plan) -> Vec<ShardSource> {
    let source = |input: &super::Input| ShardSource {
        name: input.source.info().name.clone(),
        revision: input.files.revision().to_owned(),
        files: input.files.iter().map(|file| (file.name.clone(), file.sha256.clone())).collect(),
    };
    plan.inputs.iter().map(source).collect()
}

impl ShardManifest {
    fn built(self, path: PathBuf, up_to_date: bool) -> BuiltShard {
        let Self { shard, read: files, checked, .. } = self;
        let steps = checked.tally.steps();
        let num_rejected = steps.iter().flat_map(|step| step.rejected.values()).sum();
        let num_records = steps.iter().filter(|step| step.step == "validate").map(|step| step.num_out).sum();
        BuiltShard { shard, path, files, num_records, num_rejected, up_to_date }
    }

    /// Checks that the files are those that the shard wrote; the error continues "it …".
    fn verify(&self, path: &Path) -> Result<(), String> {
        for (name, expected) in &self.files {
            match FileEntry::of(&path.join(name), None) {
                Ok(found) if found == *expected => {}
                Ok(found) => {
                    let (expected, found) = (&expected.sha256, found.sha256);
                    return Err(format!("has another file {name} than it wrote: SHA-256 {found}, expected {expected}"));
                }
                Err(error) => return Err(format!("has lost a file: {error}")),
            }
        }
        Ok(())
    }
}

/// The manifest of the shard in `path`; the error, where it is not there or of another build, continues "it …".
fn found(plan: &Plan, path: &Path, shard: Shard) -> Result<ShardManifest, String> {
    let name = path.join(SHARD_MANIFEST);
    if !name.exists() {
        return Err(match place::unfinished(path) {
            _ if path.exists() => format!("has no {SHARD_MANIFEST}, so no shard wrote it"),
            Some(true) => "is still being made: wait for its end".to_owned(),
            Some(false) => "was interrupted".to_owned(),
            None => "is missing".to_owned(),
        });
    }
    let bytes = std::fs::read(&name).map_err(|error| format!("cannot be read: {error}"))?;
    let manifest: ShardManifest =
        serde_json::from_slice(&bytes).map_err(|error| format!("has a {SHARD_MANIFEST} that is none: {error}"))?;
    let revisions: Vec<&str> = manifest.sources.iter().map(|source| source.revision.as_str()).collect();
    match place::difference(plan, &manifest.tool_version, &manifest.config, &revisions) {
        Some(why) => Err(why),
        None if manifest.shard != shard => Err(format!("is the shard {} in another's place", manifest.shard)),
        None => Ok(manifest),
    }
}

/// The manifests of all `shards`.
fn all_found(plan: &Plan, out: &Path, shards: &[Shard]) -> Result<Vec<ShardManifest>> {
    let mut manifests = Vec::new();
    let mut faults = Vec::new();
    for shard in shards {
        match found(plan, &path_of(out, *shard), *shard) {
            Ok(manifest) => manifests.push(manifest),
            Err(why) => faults.push(format!("{shard} {why}")),
        }
    }
    if faults.is_empty() {
        return Ok(manifests);
    }
    let num_more = faults.len().saturating_sub(NAMED_SHARDS);
    faults.truncate(NAMED_SHARDS);
    if num_more > 0 {
        faults.push(format!("and {num_more} more"));
    }
    let (directory, count) = (directory(out).display().to_string(), shards.len());
    Err(Error::Data(format!(
        "{directory}: expected {count} shards of this build, but {}; run `medinjection build --shard I/{count}` for each of \
         these, with this configuration and output (and --force where it was made from something else), then merge again",
        faults.join("; ")
    )))
}

/// Puts the files of the shards one after the other into `staging`.
fn gather(manifests: Vec<ShardManifest>, out: &Path, staging: &Staging) -> Result<Checked> {
    let mut tally = Tally::default();
    for manifest in manifests {
        let shard = manifest.shard;
        let from = path_of(out, shard);
        manifest.verify(&from).map_err(|why| {
            let message = format!("the shard {shard} {why}; make it again: medinjection build --shard {shard} --force");
            Error::format(&from, message)
        })?;
        for name in manifest.files.keys() {
            append(&from.join(name), &staging.path(name), shard.is_first())?;
        }
        tally.add(manifest.checked.tally);
    }
    Ok(Checked { tally })
}

/// Adds the bytes of one file to another, which begins anew with the first.
fn append(from: &Path, to: &Path, is_first: bool) -> Result<()> {
    let directory = to.parent().unwrap_or(to);
    std::fs::create_dir_all(directory).map_err(Error::io(directory))?;
    let mut options = File::options();
    // A file that is opened to append cannot be filled by the kernel alone, so it is written at its end.
    options.write(true).create(true).truncate(is_first);
    let mut target = options.open(to).map_err(Error::io(to))?;
    std::io::Seek::seek(&mut target, std::io::SeekFrom::End(0)).map_err(Error::io(to))?;
    let mut source = File::open(from).map_err(Error::io(from))?;
    std::io::copy(&mut source, &mut target).map_err(Error::io(to)).map(|_| ())
}
