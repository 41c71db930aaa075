//! The cache of one repository, laid out as `huggingface_hub` lays it out, so that both programs use each other's files.
//!
//! `datasets--owner--name/{blobs/<etag>, snapshots/<commit>/<path> → blob, refs/<revision>}`; a download in progress is
//! `blobs/<etag>.incomplete`, and who writes it holds the lock `.locks/datasets--owner--name/<etag>.lock`.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::content::ContentId;
use super::kind::Kind;
use crate::provenance::write_atomic;
use crate::{Error, Result};

/// The cache of one repository.
#[derive(Debug, Clone)]
pub(super) struct RepositoryCache {
    folder: PathBuf,
    locks: PathBuf,
}

/// Held while a blob is written; other programs wait. Some network disks have no locks.
#[derive(Debug)]
pub(super) struct BlobLock(Option<File>);

impl RepositoryCache {
    /// The cache of `repository` under `cache`.
    pub(super) fn new(cache: &Path, kind: Kind, repository: &str) -> Self {
        let name = format!("{}--{}", kind.plural(), repository.replace('/', "--"));
        Self { folder: cache.join(&name), locks: cache.join(".locks").join(name) }
    }

    /// Where a content is kept.
    pub(super) fn blob(&self, id: &ContentId) -> PathBuf {
        self.folder.join("blobs").join(id.digits())
    }

    /// Where a content is kept until it is whole; where nothing keeps two programs apart, each has a file of its own.
    pub(super) fn incomplete(&self, id: &ContentId, lock: &BlobLock) -> PathBuf {
        let own = if lock.0.is_some() { String::new() } else { format!(".{}", std::process::id()) };
        self.folder.join("blobs").join(format!("{}{own}.incomplete", id.digits()))
    }

    /// Where a file of a commit is kept.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    /// Waits until nobody else writes the content.
    pub(super) fn lock(&self, id: &ContentId) -> Result<BlobLock> {
        let path = self.locks.join(format!("{}.lock", id.digits()));
        create_parent(&path)?;
        create_parent(&self.blob(id))?;
        let file = File::create(&path).map_err(Error::io(&path))?;
        match file.lock() {
            Ok(()) => Ok(BlobLock(Some(file))),
            Err(error) if error.kind() == std::io::ErrorKind::Unsupported => Ok(BlobLock(None)),
            Err(error) => Err(Error::io(&path)(error)),
        }
    }

    /// The commit that a branch or tag was at when it was last asked for; a commit is its own.
    pub(super) fn commit(&self, revision: &str) -> Option<String> {
        let known = if is_commit(revision) {
            Some(revision.to_owned())
        } else {
            std::fs::read_to_string(self.reference(revision)?).ok().map(|text| text.trim().to_owned())
        };
        known.filter(|commit| is_commit(commit) && self.snapshot(commit).is_dir())
    }

    /// Writes down that `revision` is at `commit`, and that `path` of that commit has the content `id`.
    pub(super) fn record(&self, revision: &str, commit: &str, path: &str, id: &ContentId) -> Result<()> {
        let pointer = self.snapshot(commit).join(path);
        create_parent(&pointer)?;
        let depth = path.split('/').count() + 1;
        let target: PathBuf = std::iter::repeat_n("..", depth).collect::<PathBuf>().join("blobs").join(id.digits());
        if std::fs::read_link(&pointer).ok().as_ref() != Some(&target) {
            if pointer.symlink_metadata().is_ok() {
                std::fs::remove_file(&pointer).map_err(Error::io(&pointer))?;
            }
            link(&target, &self.blob(id), &pointer)?;
        }
        match self.reference(revision) {
            Some(reference) if self.commit(revision).as_deref() != Some(commit) => {
                write_atomic(&reference, commit.as_bytes())
            }
            _ => Ok(()),
        }
    }

    /// Where the commit of a branch or tag is kept; `None` for a commit and for what is no name of a branch.
    fn reference(&self, revision: &str) -> Option<PathBuf> {
        let plain = revision.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains('\\'));
        (plain && !is_commit(revision)).then(|| self.folder.join("refs").join(revision))
    }
}

/// Whether `revision` is a whole commit.
pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn create_parent(path: &Path) -> Result<()> {
    let parent = path.parent().unwrap_or(path);
    std::fs::create_dir_all(parent).map_err(Error::io(parent))
}

#[cfg(unix)]
fn link(target: &Path, _: &Path, pointer: &Path) -> Result<()> {
    std::os::unix::fs::symlink(target, pointer).map_err(Error::io(pointer))
}

#[cfg(not(unix))]
fn link(_: &Path, blob: &Path, pointer: &Path) -> Result<()> {
    std::fs::copy(blob, pointer).map(|_| ()).map_err(Error::io(pointer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_through_its_revision() {
        let directory = tempfile::tempdir().unwrap();
        let cache = RepositoryCache::new(directory.path(), Kind::Dataset, "a/b");
        let (id, commit) = (ContentId::GitBlob("1".repeat(40)), "2".repeat(40));
        drop(cache.lock(&id).unwrap());
        std::fs::write(cache.blob(&id), "text").unwrap();
        assert_eq!(cache.commit("main"), None);
        cache.record("main", &commit, "data/x.json", &id).unwrap();
        cache.record("main", &commit, "data/x.json", &id).unwrap();
        assert_eq!(cache.commit("main").as_deref(), Some(commit.as_str()));
        let file = directory.path().join(format!("datasets--a--b/snapshots/{commit}/data/x.json"));
        assert_eq!(std::fs::read(file).unwrap(), b"text");
    }

    #[test]
    fn a_revision_never_leads_out_of_the_cache() {
        let cache = RepositoryCache::new(Path::new("cache"), Kind::Dataset, "a/b");
        for revision in ["../x", "/etc", "a//b", ".", "a/../../b", "a\\b"] {
            assert_eq!(cache.reference(revision), None, "{revision}");
        }
        assert!(cache.reference("refs/convert/parquet").is_some());
    }
}
