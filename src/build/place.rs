//! The output directory: what is there already, and how a new one takes its name.

use std::path::Path;

use tempfile::TempDir;

use super::Plan;
use crate::provenance::{MANIFEST, Manifest, TOOL_VERSION};
use crate::{Error, Result};

/// The manifest of the data set in `out`, where it is what `plan` would make; `None` where it is to be made.
///
/// # Errors
/// [`Error::Data`] if `out` holds a data set made otherwise and `force` is false, or files that are no data set.
pub(super) fn existing(plan: &Plan, out: &Path, force: bool) -> Result<Option<Manifest>> {
    if !out.exists() {
        return Ok(None);
    }
    if !out.join(MANIFEST).exists() {
        let is_empty = out.is_dir() && std::fs::read_dir(out).map_err(Error::io(out))?.next().is_none();
        let message =
            || format!("{}: expected a data set or nothing, found other files; give another output", out.display());
        return if is_empty { Ok(None) } else { Err(Error::Data(message())) };
    }
    let why = match Manifest::read(out) {
        Err(error) => error.to_string(),
        Ok(manifest) => {
            match difference(plan, &manifest).map_or_else(|| manifest.verify(out), |why| Err(Error::Data(why))) {
                Ok(()) => return Ok(Some(manifest)),
                Err(error) => error.to_string(),
            }
        }
    };
    if force {
        return Ok(None);
    }
    Err(Error::Data(format!("{}: {why}; give another output, or --force to replace it", out.display())))
}

fn difference(plan: &Plan, found: &Manifest) -> Option<String> {
    if found.tool_version != TOOL_VERSION {
        return Some(format!("it was made by version {}", found.tool_version));
    }
    let config = plan.resolved();
    if found.config != config {
        return Some(format!("it was made with another configuration: {}, not {config}", found.config));
    }
    let changed =
        plan.inputs.iter().zip(&found.sources).find(|(input, entry)| input.files.revision() != entry.revision);
    changed.map(|(input, _)| format!("it was made from other files of {}", input.source.info().name))
}

/// An empty directory beside `out`, deleted unless it becomes `out`.
pub(super) fn begin(out: &Path) -> Result<TempDir> {
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
    temporary(parent)
}

/// Gives `directory` the name `out`; what was there before is deleted.
pub(super) fn finish(directory: TempDir, out: &Path) -> Result<()> {
    let previous = match directory.path().parent() {
        Some(parent) if out.exists() => Some(temporary(parent)?),
        _ => None,
    };
    if let Some(previous) = &previous {
        std::fs::rename(out, previous.path()).map_err(Error::io(out))?;
    }
    let outcome = std::fs::rename(directory.path(), out);
    if let (Err(_), Some(previous)) = (&outcome, previous.as_ref()) {
        // What was there before must stay where the new one cannot take its place.
        std::fs::rename(previous.path(), out).map_err(Error::io(out))?;
    }
    outcome.map_err(Error::io(out))?;
    // The directory has another name now, so there is nothing left to delete.
    let _ = directory.keep();
    Ok(())
}

fn temporary(parent: &Path) -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix(".medinjection-")
        .permissions(permissions())
        .tempdir_in(parent)
        .map_err(Error::io(parent))
}

/// Temporary directories are private by default; an output is as readable as any other directory.
#[cfg(unix)]
fn permissions() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o755)
}
