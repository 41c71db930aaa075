//! A file of the cache in the directory of its source, without taking its room twice where that can be helped.

use std::fs::File;
use std::path::Path;

use crate::provenance::AtomicFile;
use crate::{Error, Result};

/// Makes `destination` the content of `file`: as a second name of it, or as a copy where the disk is another one.
pub(super) fn place(file: &Path, destination: &Path) -> Result<()> {
    let directory = destination.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(Error::io(directory))?;
    // The cache names files by links; a hard link is made to what they lead to.
    let file = file.canonicalize().map_err(Error::io(file))?;
    if link(&file, directory, destination).is_ok() {
        return Ok(());
    }
    let mut copy = AtomicFile::create(destination)?;
    let mut original = File::open(&file).map_err(Error::io(&file))?;
    std::io::copy(&mut original, &mut copy).map_err(Error::io(destination))?;
    copy.commit()
}

fn link(file: &Path, directory: &Path, destination: &Path) -> std::io::Result<()> {
    let linked =
        tempfile::Builder::new().prefix(".medinjection-").make_in(directory, |name| std::fs::hard_link(file, name))?;
    let name = linked.path().to_path_buf();
    linked.persist(destination).map_err(|error| error.error)?;
    // Renaming one name of a file to another name of the same file leaves both.
    match std::fs::remove_file(name) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_replaced_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("blob");
        let destination = directory.path().join("source/data/x.json");
        for content in ["one", "two"] {
            std::fs::remove_file(&file).ok();
            std::fs::write(&file, content).unwrap();
            place(&file, &destination).unwrap();
            place(&file, &destination).unwrap();
            assert_eq!(std::fs::read_to_string(&destination).unwrap(), content);
        }
        assert_eq!(std::fs::read_dir(destination.parent().unwrap()).unwrap().count(), 1);
    }
}
