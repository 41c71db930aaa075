//! The files of a source: in a directory, or in the program itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::SourceInfo;
use crate::provenance::sha256_file;
use crate::record::hex;
use crate::text::BYTE_ORDER_MARK;
use crate::{Error, Result};

/// One file of a source.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Path inside the source.
    pub name: String,
    /// SHA-256 of its content.
    pub sha256: String,
    /// Its size.
    pub num_bytes: u64,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Path(PathBuf),
    Bytes(&'static [u8]),
}

impl SourceFile {
    /// The content, from its beginning, after the byte-order mark where there is one.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be opened.
    pub fn open(&self) -> Result<Box<dyn BufRead>> {
        let mut reader: Box<dyn BufRead> = match &self.content {
            Content::Path(path) => {
                Box::new(BufReader::with_capacity(1 << 16, File::open(path).map_err(Error::io(path))?))
            }
            Content::Bytes(bytes) => Box::new(*bytes),
        };
        // Some editors begin a file with a byte-order mark, which is no part of the text.
        if reader.fill_buf().map_err(Error::io(self.path()))?.starts_with(BYTE_ORDER_MARK) {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        Ok(reader)
    }

    /// The path by which messages call the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match &self.content {
            Content::Path(path) => path,
            Content::Bytes(_) => Path::new(&self.name),
        }
    }
}

/// The files of a source that were found, by name, and the revision that they make.
#[derive(Debug, Clone)]
pub struct SourceFiles {
    files: BTreeMap<String, SourceFile>,
    revision: String,
}

impl SourceFiles {
    /// The files in `directory` that the source reads; what lies deeper is not looked at.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory or a file cannot be read, [`Error::Format`] if none is of the source.
    pub fn in_directory(directory: &Path, info: &SourceInfo) -> Result<Self> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(Error::io(directory))? {
            let path = entry.map_err(Error::io(directory))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if path.is_file() && info.file_patterns.iter().any(|pattern| matches(pattern, name)) {
                let num_bytes = path.metadata().map_err(Error::io(&path))?.len();
                let sha256 = sha256_file(&path)?;
                files.push(SourceFile { name: name.to_owned(), sha256, num_bytes, content: Content::Path(path) });
            }
        }
        if files.is_empty() {
            let patterns = info.file_patterns.join(", ");
            let message = format!("expected files of {}, named like {patterns}, found none", info.name);
            return Err(Error::format(directory, message));
        }
        Ok(Self::new(files))
    }

    /// Files whose names and contents are in the program.
    #[must_use]
    pub fn embedded(files: &[(&str, &'static [u8])]) -> Self {
        let file = |(name, bytes): &(&str, &'static [u8])| SourceFile {
            name: (*name).to_owned(),
            sha256: hex(&Sha256::digest(bytes)),
            num_bytes: bytes.len() as u64,
            content: Content::Bytes(bytes),
        };
        Self::new(files.iter().map(file))
    }

    fn new(files: impl IntoIterator<Item = SourceFile>) -> Self {
        let files: BTreeMap<String, SourceFile> = files.into_iter().map(|file| (file.name.clone(), file)).collect();
        let mut hasher = Sha256::new();
        for file in files.values() {
            hasher.update(format!("{}  {}\n", file.sha256, file.name));
        }
        Self { files, revision: format!("sha256:{}", hex(&hasher.finalize())) }
    }

    /// The files, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.values()
    }

    /// The file called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SourceFile> {
        self.files.get(name)
    }

    /// `sha256:` and the hash of the names and hashes of the files, in the form of `sha256sum`'s output.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }
}

/// Whether `name` is of the form `pattern`, which has one `*` at most.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => start.len() + end.len() <= name.len() && name.starts_with(start) && name.ends_with(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::find;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("*_test.fr.csv", "anatomy_test.fr.csv"));
        assert!(!matches("*_test.csv", "anatomy_test.fr.csv"));
        assert!(!matches("ab*ba", "aba"));
        assert!(matches("train.json", "train.json") && !matches("train.json", "train.jsonl"));
    }

    #[test]
    fn a_directory_without_files_of_the_source_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let info = find("frenchmedmcqa").unwrap().info();
        let refusal = SourceFiles::in_directory(directory.path(), info).unwrap_err().to_string();
        assert!(refusal.contains("expected files of frenchmedmcqa, named like train.json"), "{refusal}");
        assert!(matches!(SourceFiles::in_directory(Path::new("absent"), info), Err(Error::Io { .. })));
    }

    #[test]
    fn the_same_files_make_the_same_revision_wherever_they_are() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("train.json"), "[]").unwrap();
        let info = find("frenchmedmcqa").unwrap().info();
        let found = SourceFiles::in_directory(directory.path(), info).unwrap();
        assert_eq!(found.revision(), SourceFiles::embedded(&[("train.json", b"[]")]).revision());
        assert_ne!(found.revision(), SourceFiles::embedded(&[("train.json", b"[ ]")]).revision());
    }
}
