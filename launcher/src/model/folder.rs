//! Folders that appear whole or not at all.

use std::path::Path;

use crate::{Error, Result};

/// Makes the folder `destination`: `fill` writes into a sibling, which takes the name when all is there.
///
/// What was there before is replaced, after `fill` has succeeded; a failure leaves it as it was.
///
/// # Errors
/// What `fill` returns; [`Error::Library`] if a folder cannot be created, moved or removed.
pub fn write_folder(destination: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = match destination.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
    let sibling = tempfile::Builder::new().prefix(".medinjection-").tempdir_in(parent).map_err(Error::io(parent))?;
    let (fresh, stale) = (sibling.path().join("new"), sibling.path().join("old"));
    std::fs::create_dir(&fresh).map_err(Error::io(&fresh))?;
    fill(&fresh)?;
    if destination.exists() {
        std::fs::rename(destination, &stale).map_err(Error::io(destination))?;
    }
    std::fs::rename(&fresh, destination).map_err(Error::io(destination))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_leaves_what_was_there_and_success_replaces_it() {
        let directory = tempfile::tempdir().unwrap();
        let destination = directory.path().join("a/model");
        let write = |text: &'static str| {
            move |folder: &Path| {
                let path = folder.join("f");
                std::fs::write(&path, text).map_err(Error::io(&path))
            }
        };
        let read = || std::fs::read_to_string(destination.join("f")).unwrap();
        write_folder(&destination, write("one")).unwrap();
        let failed = write_folder(&destination, |folder| {
            write("two")(folder)?;
            Err(Error::Environment("no".into()))
        });
        assert!(failed.is_err());
        assert_eq!(read(), "one");
        write_folder(&destination, write("three")).unwrap();
        assert_eq!(read(), "three");
        assert_eq!(std::fs::read_dir(directory.path().join("a")).unwrap().count(), 1);
    }
}
