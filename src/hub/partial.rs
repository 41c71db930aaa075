//! A file in the cache that is not whole yet, with the hash of what is there.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::content::{Hasher, Hashes, hash_rest};
use crate::{Error, Result};

/// A file that is not whole yet. Dropped, it stays, so that the next run goes on with it.
#[derive(Debug)]
pub(super) struct Partial {
    file: File,
    path: PathBuf,
    hasher: Hasher,
    num_expected: u64,
    num_bytes: u64,
}

impl Partial {
    /// Opens what is there of a file of `num_expected` bytes, or begins it.
    pub(super) fn open(path: PathBuf, num_expected: u64) -> Result<Self> {
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = options.map_err(Error::io(&path))?;
        let num_bytes = file.metadata().map_err(Error::io(&path))?.len();
        let mut partial = Self { file, path, hasher: Hasher::new(num_expected), num_expected, num_bytes };
        if num_bytes > num_expected {
            partial.restart()?;
        }
        hash_rest((&mut partial.file).take(partial.num_bytes), &partial.path, &mut partial.hasher)?;
        Ok(partial)
    }

    /// Bytes that are there.
    pub(super) const fn num_bytes(&self) -> u64 {
        self.num_bytes
    }

    /// Whether no byte is missing.
    pub(super) const fn is_complete(&self) -> bool {
        self.num_bytes == self.num_expected
    }

    /// Adds the next bytes; `false`, and nothing is added, where there are more than the file has.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<bool> {
        let num_bytes = self.num_bytes + bytes.len() as u64;
        if num_bytes > self.num_expected {
            return Ok(false);
        }
        self.file.write_all(bytes).map_err(Error::io(&self.path))?;
        self.hasher.update(bytes);
        self.num_bytes = num_bytes;
        Ok(true)
    }

    /// Forgets every byte.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(Error::io(&self.path))?;
        self.hasher = Hasher::new(self.num_expected);
        self.num_bytes = 0;
        Ok(())
    }

    /// The hashes of what is there.
    pub(super) fn hashes(&self) -> Hashes {
        self.hasher.clone().finish()
    }

    /// Gives the whole file its name.
    pub(super) fn keep(self, name: &Path) -> Result<()> {
        self.file.sync_all().map_err(Error::io(&self.path))?;
        std::fs::rename(&self.path, name).map_err(Error::io(name))
    }

    /// Removes the file.
    pub(super) fn remove(self) -> Result<()> {
        std::fs::remove_file(&self.path).map_err(Error::io(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::content::ContentId;

    #[test]
    fn what_was_written_in_two_runs_has_one_hash() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.incomplete");
        assert!(Partial::open(path.clone(), 6).unwrap().write(b"hel").unwrap());
        let mut partial = Partial::open(path, 6).unwrap();
        assert_eq!((partial.num_bytes(), partial.is_complete()), (3, false));
        assert!(!partial.write(b"lo\n!").unwrap());
        assert!(partial.write(b"lo\n").unwrap() && partial.is_complete());
        assert!(partial.hashes().are_of(&ContentId::parse("ce013625030ba8dba906f756967f9e9ca394464a").unwrap()));
        partial.keep(&directory.path().join("x")).unwrap();
        assert_eq!(std::fs::read(directory.path().join("x")).unwrap(), b"hello\n");
    }

    #[test]
    fn a_remainder_that_is_too_long_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.incomplete");
        std::fs::write(&path, "longer").unwrap();
        assert_eq!(Partial::open(path, 3).unwrap().num_bytes(), 0);
    }
}
