//! What a file's content is known by on the Hub, and the hashes that prove it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::record::hex;
use crate::{Error, Result};

/// The name of a content, which is also the file's `ETag` and the name of its blob in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ContentId {
    /// SHA-256 of the content, for files in large-file storage (Git LFS or Xet).
    Sha256(String),
    /// Git's name of the content, for the other ones: SHA-1 of `blob`, its length and itself.
    GitBlob(String),
}

impl ContentId {
    /// The content named by `text`: 64 or 40 hexadecimal digits, bare or as an `ETag`; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().trim_start_matches("W/").trim_matches('"').to_ascii_lowercase();
        let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        match digits.len() {
            64 if hexadecimal => Some(Self::Sha256(digits)),
            40 if hexadecimal => Some(Self::GitBlob(digits)),
            _ => None,
        }
    }

    /// The hexadecimal digits.
    pub(super) fn digits(&self) -> &str {
        match self {
            Self::Sha256(digits) | Self::GitBlob(digits) => digits,
        }
    }
}

/// Hashes a content of a length that is known beforehand, piece by piece.
#[derive(Debug, Clone)]
pub(super) struct Hasher {
    sha256: Sha256,
    git_blob: Sha1,
}

/// The hashes of a whole content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hashes {
    /// SHA-256, in hexadecimal digits.
    pub(super) sha256: String,
    git_blob: String,
}

impl Hasher {
    /// Begins a content of `num_bytes`.
    pub(super) fn new(num_bytes: u64) -> Self {
        let mut git_blob = Sha1::new();
        git_blob.update(format!("blob {num_bytes}\0"));
        Self { sha256: Sha256::new(), git_blob }
    }

    /// Adds the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.git_blob.update(bytes);
    }

    /// The hashes of what was added.
    pub(super) fn finish(self) -> Hashes {
        Hashes { sha256: hex(&self.sha256.finalize()), git_blob: hex(&self.git_blob.finalize()) }
    }
}

impl Hashes {
    /// The hash that an identity of the same kind as `id` has.
    pub(super) fn like(&self, id: &ContentId) -> &str {
        match id {
            ContentId::Sha256(_) => &self.sha256,
            ContentId::GitBlob(_) => &self.git_blob,
        }
    }

    /// Whether one of them is `digits`.
    pub(super) fn include(&self, digits: &str) -> bool {
        self.sha256 == digits || self.git_blob == digits
    }

    /// Whether the content is the one called `id`.
    pub(super) fn are_of(&self, id: &ContentId) -> bool {
        self.like(id) == id.digits()
    }
}

/// Adds what `reader` has left to `hasher`; `path` is for messages.
pub(super) fn hash_rest(mut reader: impl Read, path: &Path, hasher: &mut Hasher) -> Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer).map_err(Error::io(path))? {
            0 => return Ok(()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// The hashes of a file.
pub(super) fn hash_file(path: &Path) -> Result<Hashes> {
    let file = File::open(path).map_err(Error::io(path))?;
    let mut hasher = Hasher::new(file.metadata().map_err(Error::io(path))?.len());
    hash_rest(file, path, &mut hasher)?;
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_has_the_name_that_git_gives_it() {
        let mut hasher = Hasher::new(6);
        hasher.update(b"hel");
        hasher.update(b"lo\n");
        let found = hasher.finish();
        // `printf 'hello\n' | git hash-object --stdin` and `printf 'hello\n' | sha256sum`.
        assert_eq!(found.git_blob, "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(found.sha256, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
        assert!(found.are_of(&ContentId::parse("W/\"CE013625030ba8dba906f756967f9e9ca394464a\"").unwrap()));
        assert!(!found.are_of(&ContentId::GitBlob("0".repeat(40))));
    }

    #[test]
    fn an_etag_that_is_no_hash_names_no_content() {
        for text in ["", "\"abc\"", "../../etc/passwd", &"g".repeat(40), &"0".repeat(63)] {
            assert_eq!(ContentId::parse(text), None, "{text}");
        }
    }
}
