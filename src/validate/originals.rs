//! English originals kept aside on disk, of which any can be asked for by its identifier.
//!
//! Memory holds some forty bytes an original, whatever their length, and the last megabyte: an original that was given just
//! before its translation is not read back from disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::record::{Original, Record};
use crate::{Error, Result};

/// Bytes that wait to be written together.
const BUFFER_BYTES: usize = 1 << 20;

/// First half of the SHA-256 of an identifier.
type Key = [u8; 16];

/// Originals on disk.
#[derive(Debug)]
pub(crate) struct Originals {
    directory: PathBuf,
    file: File,
    /// Bytes of the file; the buffer follows them.
    num_written: u64,
    buffer: Vec<u8>,
    places: BTreeMap<Key, (u64, u32)>,
    /// Those that were asked for and not there.
    missed: BTreeSet<Key>,
    came_late: bool,
}

/// An original as it was kept aside.
#[derive(Debug)]
pub(crate) struct Stored(Vec<u8>);

impl Originals {
    /// No original yet; their file has no name and goes when this is dropped.
    pub(crate) fn create_in(directory: &Path) -> Result<Self> {
        Ok(Self {
            directory: directory.to_path_buf(),
            file: tempfile::tempfile_in(directory).map_err(Error::io(directory))?,
            num_written: 0,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            places: BTreeMap::new(),
            missed: BTreeSet::new(),
            came_late: false,
        })
    }

    /// Keeps an original; one whose identifier is there already is the same.
    pub(crate) fn push(&mut self, original: &Original) -> Result<()> {
        let key = key(&original.id);
        if self.places.contains_key(&key) {
            return Ok(());
        }
        self.came_late |= self.missed.remove(&key);
        let begin = self.buffer.len();
        serde_json::to_writer(&mut self.buffer, original).map_err(|error| Error::format(&self.directory, error))?;
        let num_bytes = u32::try_from(self.buffer.len() - begin).map_err(|_| {
            Error::Data(format!("original {}: expected fewer than 4 GiB of text, found more", original.id))
        })?;
        self.places.insert(key, (self.num_written + begin as u64, num_bytes));
        if self.buffer.len() >= BUFFER_BYTES {
            self.file.write_all_at(&self.buffer, self.num_written).map_err(Error::io(&self.directory))?;
            self.num_written += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }

    /// The original that `record` names as the one that it translates; `None` where it names none or it is not there.
    pub(crate) fn of(&mut self, record: &Record) -> Result<Option<Stored>> {
        let id = record.provenance.translation.as_ref().map_or("", |translation| &translation.original_id);
        if id.is_empty() {
            return Ok(None);
        }
        let key = key(id);
        let Some((begin, num_bytes)) = self.places.get(&key).copied() else {
            self.missed.insert(key);
            return Ok(None);
        };
        let mut bytes = vec![0; num_bytes as usize];
        match begin.checked_sub(self.num_written).and_then(|begin| usize::try_from(begin).ok()) {
            Some(begin) => bytes.copy_from_slice(&self.buffer[begin..begin + num_bytes as usize]),
            None => self.file.read_exact_at(&mut bytes, begin).map_err(Error::io(&self.directory))?,
        }
        Ok(Some(Stored(bytes)))
    }

    /// Whether an original was asked for and is not there yet.
    pub(crate) fn misses_some(&self) -> bool {
        !self.missed.is_empty()
    }

    /// Whether this original was asked for and is not there yet.
    pub(crate) fn misses(&self, original: &Original) -> bool {
        self.misses_some() && self.missed.contains(&key(&original.id))
    }

    /// Whether an original came after it had been asked for, since the last call.
    pub(crate) fn came_late(&mut self) -> bool {
        std::mem::take(&mut self.came_late)
    }
}

impl Stored {
    /// The original.
    pub(crate) fn open(&self) -> Result<Original> {
        serde_json::from_slice(&self.0).map_err(|error| Error::Data(format!("an original kept aside: {error}")))
    }
}

fn key(id: &str) -> Key {
    let mut key = [0; 16];
    key.copy_from_slice(&Sha256::digest(id)[..16]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Translation;
    use crate::record::fixture::choice_record;
    use crate::validate::rules::translation::fixture::pair;

    fn original(id: &str, question: &str) -> Original {
        Original { id: id.to_owned(), ..pair((question, &[]), (question, &[])).1 }
    }

    fn translation_of(id: &str) -> Record {
        let mut record = choice_record("Quel os ?", &["Tibia"], "A");
        record.provenance.translation = Some(Translation { original_id: id.to_owned(), ..Translation::default() });
        record
    }

    #[test]
    fn any_original_is_found_again_from_the_buffer_and_from_disk() {
        let directory = tempfile::tempdir().unwrap();
        let mut originals = Originals::create_in(directory.path()).unwrap();
        let long = "Which bone? ".repeat(BUFFER_BYTES / 40);
        let given: Vec<Original> = (0..9).map(|number| original(&number.to_string(), &long)).collect();
        for original in &given {
            originals.push(original).unwrap();
        }
        assert!(originals.num_written > 0 && !originals.buffer.is_empty());
        for original in given.iter().rev() {
            let stored = originals.of(&translation_of(&original.id)).unwrap().unwrap();
            assert_eq!(&stored.open().unwrap(), original);
        }
        assert!(originals.of(&translation_of("")).unwrap().is_none());
        assert!(!originals.came_late());
    }

    #[test]
    fn an_original_that_comes_after_its_translation_is_late_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut originals = Originals::create_in(directory.path()).unwrap();
        assert!(originals.of(&translation_of("1")).unwrap().is_none());
        originals.push(&original("2", "Which nerve?")).unwrap();
        assert!(!originals.came_late());
        originals.push(&original("1", "Which bone?")).unwrap();
        assert!(originals.came_late() && !originals.came_late());
        assert!(originals.of(&translation_of("1")).unwrap().is_some());
    }
}
