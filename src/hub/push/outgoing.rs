//! A file that is to be published, compared with its hash each time it is read.

use std::fs::File;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::blocking::Body;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::content::{Hasher, Hashes, hash_file};
use crate::provenance::FileEntry;
use crate::{Error, Result};

/// The first bytes, by which the Hub tells text from other content.
const NUM_SAMPLE_BYTES: usize = 512;

/// Where the bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// In a file.
    File(PathBuf),
    /// Here.
    Bytes(Vec<u8>),
}

/// A file that is to be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outgoing {
    /// Path in the repository.
    pub path: String,
    /// Its size.
    pub num_bytes: u64,
    /// SHA-256 of its content.
    pub sha256: String,
    /// The content.
    #[serde(skip)]
    pub content: Content,
}

impl Outgoing {
    /// A file at `path` with these bytes.
    #[must_use]
    pub fn new(path: &str, bytes: Vec<u8>) -> Self {
        let sha256 = hashes_of(&bytes).sha256;
        Self { path: path.to_owned(), num_bytes: bytes.len() as u64, sha256, content: Content::Bytes(bytes) }
    }

    /// A file at `path` that holds `value` as JSON.
    ///
    /// # Errors
    /// [`Error::Format`] if it cannot be written as JSON.
    pub fn json(path: &str, value: &impl Serialize) -> Result<Self> {
        let mut text = serde_json::to_vec_pretty(value)
            .map_err(|error| Error::format(path, format!("cannot be written as JSON: {error}")))?;
        text.push(b'\n');
        Ok(Self::new(path, text))
    }

    /// The file as a manifest lists it; a file without rows.
    #[must_use]
    pub fn entry(&self) -> FileEntry {
        FileEntry { sha256: self.sha256.clone(), num_bytes: self.num_bytes, num_rows: None }
    }

    /// The hashes of the content.
    ///
    /// # Errors
    /// [`Error::Format`] if it is not the one that was looked at before.
    pub(super) fn checked_hashes(&self) -> Result<Hashes> {
        match &self.content {
            Content::Bytes(bytes) => Ok(hashes_of(bytes)),
            Content::File(path) => self.checked(path, hash_file(path)?),
        }
    }

    /// The bytes, under the same condition.
    pub(super) fn checked_bytes(&self) -> Result<Vec<u8>> {
        match &self.content {
            Content::Bytes(bytes) => Ok(bytes.clone()),
            Content::File(path) => {
                let bytes = std::fs::read(path).map_err(Error::io(path))?;
                self.checked(path, hashes_of(&bytes)).map(|_| bytes)
            }
        }
    }

    /// The bytes for a request, streamed.
    pub(super) fn body(&self) -> Result<Body> {
        match &self.content {
            Content::Bytes(bytes) => Ok(Body::from(bytes.clone())),
            Content::File(path) => {
                let file = File::open(path).map_err(Error::io(path))?;
                if file.metadata().map_err(Error::io(path))?.len() != self.num_bytes {
                    return Err(changed(path));
                }
                Ok(Body::sized(file, self.num_bytes))
            }
        }
    }

    /// Path, size and first bytes, as the Hub asks for them before it is sent the file.
    pub(super) fn description(&self) -> Result<Value> {
        let sample = match &self.content {
            Content::Bytes(bytes) => bytes[..bytes.len().min(NUM_SAMPLE_BYTES)].to_vec(),
            Content::File(path) => {
                use std::io::Read;
                let mut sample = Vec::new();
                let file = File::open(path).map_err(Error::io(path))?;
                file.take(NUM_SAMPLE_BYTES as u64).read_to_end(&mut sample).map_err(Error::io(path))?;
                sample
            }
        };
        Ok(json!({"path": self.path, "size": self.num_bytes, "sample": base64(&sample)}))
    }

    fn checked(&self, path: &Path, found: Hashes) -> Result<Hashes> {
        if found.sha256 == self.sha256 { Ok(found) } else { Err(changed(path)) }
    }
}

fn changed(path: &Path) -> Error {
    Error::format(
        path,
        "the file was changed while it was being published; nothing was committed, run again when it is whole",
    )
}

fn hashes_of(bytes: &[u8]) -> Hashes {
    let mut hasher = Hasher::new(bytes.len() as u64);
    hasher.update(bytes);
    hasher.finish()
}

/// The bytes in base 64.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_changed_is_not_sent() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        std::fs::write(&path, "whole").unwrap();
        let file = Outgoing { content: Content::File(path.clone()), ..Outgoing::new("x", b"whole".to_vec()) };
        assert_eq!(file.checked_bytes().unwrap(), b"whole");
        std::fs::write(&path, "other").unwrap();
        for refusal in [file.checked_bytes().unwrap_err(), file.checked_hashes().unwrap_err()] {
            assert!(refusal.to_string().contains("x: the file was changed while"), "{refusal}");
        }
        std::fs::write(&path, "longer than before").unwrap();
        assert!(file.body().is_err());
    }
}
