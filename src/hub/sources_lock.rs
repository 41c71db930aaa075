//! `sources.lock`: which commit of which repository the files of each source are from, and their hashes.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cache::is_commit;
use super::content::ContentId;
use super::select::is_inside;
use crate::provenance::write_atomic;
use crate::{Error, Result};

/// Name of the file.
pub const SOURCES_LOCK: &str = "sources.lock";

const HEADER: &str =
    "# Written by `medinjection fetch`; keep it with the data. `fetch --update` takes newer commits.\n\n";

/// What is pinned, source by source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourcesLock {
    /// The sources, in the order of their names.
    #[serde(default, rename = "source")]
    pub sources: Vec<PinnedSource>,
}

/// A source at one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinnedSource {
    /// Name of the source.
    pub name: String,
    /// Repository on the Hub.
    pub repository: String,
    /// The branch, tag or commit that was asked for.
    pub revision: String,
    /// The commit that it was at.
    pub commit: String,
    /// The files, in the order of their destinations.
    #[serde(default, rename = "file")]
    pub files: Vec<PinnedFile>,
}

/// A file of a pinned source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinnedFile {
    /// Path in the repository.
    pub path: String,
    /// Path in the directory of the source.
    pub destination: String,
    /// Its size.
    pub num_bytes: u64,
    /// SHA-256 of its content.
    pub sha256: String,
    /// What the Hub calls its content: the SHA-256 of a large file, git's SHA-1 of another one.
    pub etag: String,
}

impl SourcesLock {
    /// Reads the file in `directory`; nothing is pinned where there is none.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Format`] if it is damaged.
    pub fn read(directory: &Path) -> Result<Self> {
        let path = Self::path(directory);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Error::io(&path)(error)),
        };
        let lock: Self = toml::from_str(&text).map_err(|error| {
            let row = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() as u64 + 1);
            Error::Format { path: path.clone(), row, message: error.message().to_owned() }
        })?;
        match lock.sources.iter().find_map(PinnedSource::fault) {
            Some(fault) => Err(Error::format(path, fault)),
            None => Ok(lock),
        }
    }

    /// The source called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&PinnedSource> {
        self.sources.iter().find(|source| source.name == name)
    }

    /// Writes `source` into the file in `directory`, in place of what is pinned for it.
    ///
    /// # Errors
    /// As for [`SourcesLock::read`], and [`Error::Io`] if the file cannot be written.
    ///
    /// # Panics
    /// Never: a lock always serialises.
    pub fn pin(directory: &Path, source: PinnedSource) -> Result<()> {
        let mut lock = Self::read(directory)?;
        lock.sources.retain(|other| other.name != source.name);
        lock.sources.push(source);
        lock.sources.sort_by(|one, other| one.name.cmp(&other.name));
        let text = toml::to_string_pretty(&lock).expect("a lock always serialises");
        write_atomic(&Self::path(directory), format!("{HEADER}{text}").as_bytes())
    }

    fn path(directory: &Path) -> PathBuf {
        directory.join(SOURCES_LOCK)
    }
}

impl PinnedSource {
    /// What is wrong with it, if anything.
    fn fault(&self) -> Option<String> {
        if !is_commit(&self.commit) {
            return Some(format!("{}: expected a commit of 40 hexadecimal digits, found {:?}", self.name, self.commit));
        }
        let wrong = |file: &&PinnedFile| {
            let hashes = [&file.sha256, &file.etag].into_iter().all(|hash| ContentId::parse(hash).is_some());
            !is_inside(&file.path) || !is_inside(&file.destination) || !hashes
        };
        let file = self.files.iter().find(wrong)?;
        Some(format!("{}: expected a path inside the repository and two hashes, found {file:?}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, destination: &str) -> PinnedSource {
        PinnedSource {
            name: name.to_owned(),
            repository: "a/b".to_owned(),
            revision: "main".to_owned(),
            commit: "c".repeat(40),
            files: vec![PinnedFile {
                path: "data/x.json".to_owned(),
                destination: destination.to_owned(),
                num_bytes: 3,
                sha256: "a".repeat(64),
                etag: "b".repeat(40),
            }],
        }
    }

    #[test]
    fn sources_are_pinned_one_by_one_in_the_order_of_their_names() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(SourcesLock::read(directory.path()).unwrap(), SourcesLock::default());
        for (name, destination) in [("b", "x"), ("a", "x"), ("b", "y")] {
            SourcesLock::pin(directory.path(), source(name, destination)).unwrap();
        }
        let lock = SourcesLock::read(directory.path()).unwrap();
        assert_eq!(lock.sources, [source("a", "x"), source("b", "y")]);
        assert_eq!(lock.get("b"), Some(&source("b", "y")));
    }

    #[test]
    fn a_damaged_file_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let refusal = |text: &str| {
            std::fs::write(directory.path().join(SOURCES_LOCK), text).unwrap();
            SourcesLock::read(directory.path()).unwrap_err().to_string()
        };
        assert!(refusal("[[source]]\nnam = 1\n").contains("sources.lock, row 2: "));
        for destination in ["../x", "/x", ""] {
            let text = toml::to_string(&SourcesLock { sources: vec![source("a", destination)] }).unwrap();
            assert!(refusal(&text).contains("expected a path inside"), "{destination}");
        }
        let text = toml::to_string(&SourcesLock { sources: vec![source("a", "x")] }).unwrap();
        assert!(refusal(&text.replace(&"c".repeat(40), "../..")).contains("expected a commit"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join(SOURCES_LOCK), text).unwrap();
            let _ = SourcesLock::read(directory.path());
        }
    }
}
