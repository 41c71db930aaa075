//! The output directory: what is there already, and how a new one takes its name.
//!
//! A build works in a hidden directory beside its output, `.medinjection-<name of the output>`. It is locked while the build
//! runs, deleted when the build ends, and found again by the next build of the same output when it was interrupted.

use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Plan;
use super::check::Staging;
use crate::provenance::{MANIFEST, Manifest, TOOL_VERSION, differences};
use crate::record::short_hash;
use crate::{Error, Result};

/// Where a data set that is to be called `out` lands: where a link leads, and otherwise `out` itself.
///
/// # Errors
/// [`Error::Data`] if `out` is a link to nothing, or is no name that a directory can take; [`Error::Io`] if it cannot be
/// looked at.
pub(super) fn destination(out: &Path) -> Result<PathBuf> {
    // Without a slash at its end, which would stand for what a link leads to.
    let bare: PathBuf = out.components().collect();
    let is_link = bare.symlink_metadata().is_ok_and(|found| found.is_symlink());
    if is_link && !bare.exists() {
        let message = format!("{}: expected a directory or nothing, found a link to nothing", out.display());
        return Err(Error::Data(format!("{message}; remove it, or make the directory that it leads to")));
    }
    match bare.file_name() {
        Some(_) if !is_link => Ok(bare),
        _ => bare.canonicalize().map_err(Error::io(out)),
    }
}

/// Checks that a directory can take the place of `out`: not where one works in `out` or below it, nor of a disk's root.
fn check_replaceable(out: &Path) -> Result<()> {
    let found = out.canonicalize().map_err(Error::io(out))?;
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).map_err(Error::io(out))?;
    let why = match found.parent() {
        _ if here.starts_with(&found) => "the current directory or one that it is in",
        Some(parent) if device(parent)? == device(&found)? => return Ok(()),
        _ => "the root of a file system",
    };
    let message = format!("{}: expected a directory that can be replaced, found {why}", out.display());
    Err(Error::Data(format!("{message}; give a new directory inside of it")))
}

fn device(directory: &Path) -> Result<u64> {
    Ok(std::fs::metadata(directory).map_err(Error::io(directory))?.dev())
}

/// The manifest of the data set in `out`, where it is what `plan` would make; `None` where it is to be made.
///
/// # Errors
/// [`Error::Data`] if `out` holds a data set made otherwise and `force` is false, or files that are no data set, or if no
/// directory can take its place.
pub(super) fn existing(plan: &Plan, out: &Path, force: bool) -> Result<Option<Manifest>> {
    if !out.exists() {
        return Ok(None);
    }
    if !out.join(MANIFEST).exists() {
        let is_empty = out.is_dir() && std::fs::read_dir(out).map_err(Error::io(out))?.next().is_none();
        let message =
            || format!("{}: expected a data set or nothing, found other files; give another output", out.display());
        return if is_empty { check_replaceable(out).map(|()| None) } else { Err(Error::Data(message())) };
    }
    let why = match Manifest::read(out) {
        Err(error) => error.to_string(),
        Ok(manifest) => {
            match difference_of(plan, &manifest).map_or_else(|| manifest.verify(out), |why| Err(Error::Data(why))) {
                Ok(()) => return Ok(Some(manifest)),
                Err(error) => error.to_string(),
            }
        }
    };
    if force {
        return check_replaceable(out).map(|()| None);
    }
    Err(Error::Data(format!("{}: {why}; give another output, or --force to replace it", out.display())))
}

fn difference_of(plan: &Plan, found: &Manifest) -> Option<String> {
    let revisions: Vec<&str> = found.sources.iter().map(|source| source.revision.as_str()).collect();
    difference(plan, &found.tool_version, &found.config, &revisions).map(|why| format!("it {why}"))
}

/// In what something was made otherwise than `plan` would make it, as the end of a sentence; `revisions` are those of its
/// sources.
pub(super) fn difference(
    plan: &Plan,
    tool_version: &str,
    found: &serde_json::Value,
    revisions: &[&str],
) -> Option<String> {
    if tool_version != TOOL_VERSION {
        return Some(format!("was made by version {tool_version}"));
    }
    let config = plan.resolved();
    if *found != config {
        return Some(format!("was made with another configuration: {}", differences(found, &config)));
    }
    let changed = plan.inputs.iter().zip(revisions).find(|(input, revision)| input.files.revision() != **revision);
    changed.map(|(input, _)| format!("was made from other files of {}", input.source.info().name))
}

/// The directory in which a build works; deleted when dropped.
#[derive(Debug)]
pub(super) struct Workplace {
    root: PathBuf,
    /// Held so that no other build works here.
    _lock: File,
}

impl Workplace {
    /// The directory beside `out`, with what an interrupted build of the same plan left there.
    ///
    /// # Errors
    /// [`Error::Data`] if another build works there, [`Error::Io`] if it cannot be created.
    pub(super) fn open(plan: &Plan, out: &Path) -> Result<Self> {
        let root = beside(out);
        std::fs::create_dir_all(&root).map_err(Error::io(&root))?;
        let path = root.join("lock");
        let lock = File::create(&path).map_err(Error::io(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("{}: another build is making it; wait for its end", out.display());
                return Err(Error::Data(message));
            }
            Err(TryLockError::Error(cause)) => return Err(Error::io(&path)(cause)),
        }
        let workplace = Self { root, _lock: lock };
        workplace.recover(out)?;
        workplace.clear(plan)?;
        Ok(workplace)
    }

    /// Where what is needed between the steps is kept.
    pub(super) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// The data set that is being made.
    pub(super) fn made(&self) -> PathBuf {
        self.root.join("made")
    }

    /// Puts back what was there before, where a build ended between taking it away and putting the new one in its place.
    fn recover(&self, out: &Path) -> Result<()> {
        let previous = self.root.join("previous");
        if previous.exists() && !out.exists() {
            std::fs::rename(&previous, out).map_err(Error::io(out))?;
        }
        removed(&previous)
    }

    /// Deletes the half-made data set, and what was kept aside for another plan.
    fn clear(&self, plan: &Plan) -> Result<()> {
        removed(&self.made())?;
        let staging = self.staging();
        let name = staging.join("plan");
        let identity = identity(plan);
        if std::fs::read_to_string(&name).is_ok_and(|found| found == identity) {
            return Ok(());
        }
        removed(&staging)?;
        std::fs::create_dir_all(&staging).map_err(Error::io(&staging))?;
        std::fs::write(&name, identity).map_err(Error::io(&name))
    }

    /// Gives the data set the name `out`; what was there before is deleted.
    pub(super) fn finish(self, out: &Path) -> Result<()> {
        let previous = self.root.join("previous");
        let replaced = out.exists();
        if replaced {
            std::fs::rename(out, &previous).map_err(Error::io(out))?;
        }
        let outcome = std::fs::rename(self.made(), out);
        if outcome.is_err() && replaced {
            // What was there before must stay where the new one cannot take its place.
            std::fs::rename(&previous, out).map_err(Error::io(out))?;
        }
        outcome.map_err(Error::io(out))
    }
}

#[cfg(test)]
impl Workplace {
    /// Leaves everything as a build that is killed leaves it.
    pub(super) fn abandon(mut self) {
        self.root = PathBuf::from("no directory of this name");
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // What cannot be deleted is found by the next build of the same output.
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// Deletes what an interrupted build of `out` left, once the data set itself is whole.
pub(super) fn tidy(plan: &Plan, out: &Path) -> Result<()> {
    if beside(out).exists() { Workplace::open(plan, out).map(drop) } else { Ok(()) }
}

/// Whether an interrupted build of the same plan has ended its first pass.
pub(super) fn can_resume(plan: &Plan, out: &Path) -> bool {
    let staging = beside(out).join("staging");
    let is_same = std::fs::read_to_string(staging.join("plan")).is_ok_and(|found| found == identity(plan));
    is_same && Staging::new(staging).checked().is_some()
}

/// Whether a build of `out` goes on now (`true`) or was interrupted (`false`); `None` where neither is so.
pub(super) fn unfinished(out: &Path) -> Option<bool> {
    let lock = File::open(beside(out).join("lock")).ok()?;
    Some(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

fn beside(out: &Path) -> PathBuf {
    let name = out.file_name().map_or("output".into(), |name| name.to_string_lossy());
    out.with_file_name(format!(".medinjection-{name}"))
}

/// Deletes a directory, where it is there.
fn removed(directory: &Path) -> Result<()> {
    if directory.exists() { std::fs::remove_dir_all(directory).map_err(Error::io(directory)) } else { Ok(()) }
}

/// What a plan is told from others by: version, configuration and the content of every file.
fn identity(plan: &Plan) -> String {
    let revisions: Vec<&str> = plan.inputs.iter().map(|input| input.files.revision()).collect();
    short_hash(format!("{TOOL_VERSION}\n{}\n{}", plan.resolved(), revisions.join("\n")).as_bytes())
}
