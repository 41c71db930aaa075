//! The files of a source: in a directory, or in the program itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
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
    /// The text, from its beginning, after the byte-order mark where there is one.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be opened, [`Error::Format`] if it is UTF-16.
    pub fn open(&self) -> Result<Box<dyn BufRead>> {
        let mut reader: Box<dyn BufRead> = match &self.content {
            Content::Path(path) => {
                Box::new(BufReader::with_capacity(1 << 16, File::open(path).map_err(Error::io(path))?))
            }
            Content::Bytes(bytes) => Box::new(*bytes),
        };
        let beginning = reader.fill_buf().map_err(Error::io(self.path()))?;
        if let Some(how) = utf_16(beginning) {
            let message = format!("expected UTF-8 text, found UTF-16 ({how}); convert it: iconv -f UTF-16 -t UTF-8");
            return Err(Error::format(self.path(), message));
        }
        // Some editors begin a file with a byte-order mark, which is no part of the text.
        if beginning.starts_with(BYTE_ORDER_MARK) {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        Ok(reader)
    }

    /// The first byte of the text that is no white space.
    ///
    /// # Errors
    /// As for [`SourceFile::open`].
    pub fn first_byte(&self) -> Result<Option<u8>> {
        let mut reader = self.open()?;
        let buffer = reader.fill_buf().map_err(Error::io(self.path()))?;
        Ok(buffer.iter().copied().find(|byte| !byte.is_ascii_whitespace()))
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
    /// The files of a source in `path`: those of a directory that the source's patterns name, or the one file that it is.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory or a file cannot be read; [`Error::Format`] if no file is of the source, or something
    /// that is no file (a directory, a pipe) has the name of one.
    pub fn at(path: &Path, info: &SourceInfo) -> Result<Self> {
        if std::fs::metadata(path).map_err(Error::io(path))?.is_dir() {
            return Self::in_directory(path, info);
        }
        let name = path.file_name().unwrap_or_default();
        let name = name.to_str().ok_or_else(|| no_utf_8(path))?;
        Ok(Self::new([file_at(path, name.to_owned())?]))
    }

    /// The files in `directory` that the source reads.
    ///
    /// # Errors
    /// As for [`SourceFiles::at`].
    pub fn in_directory(directory: &Path, info: &SourceInfo) -> Result<Self> {
        let patterns: Vec<Vec<&str>> = info.file_patterns.iter().map(|pattern| pattern.split('/').collect()).collect();
        let patterns: Vec<&[&str]> = patterns.iter().map(Vec::as_slice).collect();
        let mut files = Vec::new();
        collect(directory, "", &patterns, &mut files)?;
        if files.is_empty() {
            let patterns = info.file_patterns.join(", ");
            let there = some_names(directory)?;
            let message = format!("expected files of {}, named like {patterns}, found none{there}", info.name);
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

    /// The files in parts, those for which `part_of` gives the same together, in the order of their first files. Each part has
    /// the revision of all files.
    pub(crate) fn parts<'a>(&'a self, part_of: impl Fn(&'a str) -> Option<&'a str>) -> Vec<Self> {
        let mut places = BTreeMap::new();
        let mut parts: Vec<Self> = Vec::new();
        for (name, file) in &self.files {
            let place = *places.entry(part_of(name)).or_insert(parts.len());
            if place == parts.len() {
                parts.push(Self { files: BTreeMap::new(), revision: self.revision.clone() });
            }
            parts[place].files.insert(name.clone(), file.clone());
        }
        if parts.is_empty() { vec![self.clone()] } else { parts }
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

/// What is in a directory in place of the files that are looked for, to be shown.
fn some_names(directory: &Path) -> Result<String> {
    const MAX_NAMES: usize = 5;
    let entries = std::fs::read_dir(directory).map_err(Error::io(directory))?;
    let name = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names =
        entries.map(|entry| entry.map(name)).collect::<Result<Vec<_>, _>>().map_err(Error::io(directory))?;
    names.sort();
    let num_more = names.len().saturating_sub(MAX_NAMES);
    names.truncate(MAX_NAMES);
    Ok(match (names.is_empty(), num_more) {
        (true, _) => String::new(),
        (false, 0) => format!("; there is {}", names.join(", ")),
        (false, _) => format!("; there is {} and {num_more} more", names.join(", ")),
    })
}

/// How files begin that hold other files or are compressed.
const ARCHIVES: [(&[u8], &str); 8] = [
    (b"PK\x03\x04", "a zip archive or a spreadsheet"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x28\xb5\x2f\xfd", "a zstandard archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"BZh91AY&SY", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
];

/// Refuses an archive by its first bytes: none is unpacked, so that no name in it can lead anywhere.
fn refuse_archive(path: &Path) -> Result<()> {
    let mut beginning = Vec::new();
    File::open(path).map_err(Error::io(path))?.take(512).read_to_end(&mut beginning).map_err(Error::io(path))?;
    let is_tar = beginning.get(257..262) == Some(b"ustar");
    let archive = ARCHIVES.iter().find(|(bytes, _)| beginning.starts_with(bytes)).map(|(_, kind)| *kind);
    match archive.or(is_tar.then_some("a tar archive")) {
        None => Ok(()),
        Some(kind) => {
            let message =
                format!("expected a file of rows, found {kind}; no archive is unpacked: give the files that are in it");
            Err(Error::format(path, message))
        }
    }
}

/// How it is known that a text is UTF-16; `None` where it is not.
fn utf_16(beginning: &[u8]) -> Option<&'static str> {
    match beginning {
        [0xFF, 0xFE, ..] => return Some("little-endian byte-order mark"),
        [0xFE, 0xFF, ..] => return Some("big-endian byte-order mark"),
        _ => {}
    }
    // Text of European languages in UTF-16 has a zero in nearly every other byte, and in those only.
    let beginning = &beginning[..beginning.len().min(512)];
    let num_zeros = |parity: usize| beginning.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let is_half = |zeros: usize, others: usize| beginning.len() >= 4 && others == 0 && 4 * zeros >= beginning.len();
    match (num_zeros(0), num_zeros(1)) {
        (even, odd) if is_half(odd, even) => Some("little-endian, without byte-order mark"),
        (even, odd) if is_half(even, odd) => Some("big-endian, without byte-order mark"),
        _ => None,
    }
}

/// Adds the files below `directory` whose paths are of one of the `patterns`, each a name a level.
fn collect(directory: &Path, prefix: &str, patterns: &[&[&str]], files: &mut Vec<SourceFile>) -> Result<()> {
    for entry in std::fs::read_dir(directory).map_err(Error::io(directory))? {
        let path = entry.map_err(Error::io(directory))?.path();
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
        let deeper: Vec<&[&str]> =
            patterns.iter().filter(|pattern| matches(pattern[0], &name)).map(|pattern| &pattern[1..]).collect();
        // Two names that differ in such bytes only would be one name.
        if !deeper.is_empty() && path.file_name().is_some_and(|name| name.to_str().is_none()) {
            return Err(no_utf_8(&path));
        }
        let name = format!("{prefix}{name}");
        let (here, below): (Vec<&[&str]>, Vec<&[&str]>) = deeper.into_iter().partition(|pattern| pattern.is_empty());
        if !here.is_empty() {
            files.push(file_at(&path, name)?);
        } else if !below.is_empty() && path.is_dir() {
            collect(&path, &format!("{name}/"), &below, files)?;
        }
    }
    Ok(())
}

fn no_utf_8(path: &Path) -> Error {
    Error::format(path, "expected a name in UTF-8, found other bytes in it; rename the file")
}

/// The file at `path`, called `name` inside its source.
fn file_at(path: &Path, name: String) -> Result<SourceFile> {
    let metadata = std::fs::metadata(path).map_err(Error::io(path))?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a directory" } else { "a pipe, socket or device" };
        return Err(Error::format(path, format!("expected a file, found {found}")));
    }
    refuse_archive(path)?;
    let (sha256, num_bytes) = (sha256_file(path)?, metadata.len());
    Ok(SourceFile { name, sha256, num_bytes, content: Content::Path(path.to_path_buf()) })
}

/// Whether `name` is of the form `pattern`, in which `*` stands for any text.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{RowKind, find};

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("*_test.fr.csv", "anatomy_test.fr.csv"));
        assert!(!matches("*_test.csv", "anatomy_test.fr.csv"));
        assert!(!matches("ab*ba", "aba"));
        assert!(matches("train.json", "train.json") && !matches("train.json", "train.jsonl"));
        assert!(matches("*mcqu*.json", "mcqu_train.json") && !matches("*mcqu*.json", "oeq_train.json"));
    }

    #[test]
    fn files_of_deeper_folders_are_found_where_a_pattern_says_so() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("Train/mcqu")).unwrap();
        std::fs::write(directory.path().join("Train/mcqu/x.json"), "[]").unwrap();
        std::fs::write(directory.path().join("Train/y.json"), "[]").unwrap();
        let info = SourceInfo::new("x", RowKind::Documents, "MIT").with_files(["*/*/*.json"]);
        let files = SourceFiles::at(directory.path(), &info).unwrap();
        assert_eq!(files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["Train/mcqu/x.json"]);
        let one = SourceFiles::at(&directory.path().join("Train/y.json"), &info).unwrap();
        assert!(one.get("y.json").is_some());
    }

    #[cfg(unix)]
    #[test]
    fn what_has_the_name_of_a_file_and_is_none_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("dev.json"), "[]").unwrap();
        let path = directory.path().join("train.json");
        let refusal = || {
            let source = find("frenchmedmcqa").unwrap();
            SourceFiles::in_directory(directory.path(), source.info()).unwrap_err().to_string()
        };
        std::fs::create_dir(&path).unwrap();
        assert!(refusal().ends_with("train.json: expected a file, found a directory"), "{}", refusal());
        std::fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("absent", &path).unwrap();
        assert!(refusal().contains("train.json: "), "{}", refusal());
        std::fs::remove_file(&path).unwrap();
        let status = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(status.success() && refusal().contains("train.json: expected a file, found a pipe"), "{}", refusal());
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_utf_8_is_refused() {
        use std::os::unix::ffi::OsStrExt;

        let directory = tempfile::tempdir().unwrap();
        let info = SourceInfo::new("x", RowKind::Documents, "MIT").with_files(["*.json"]);
        let path = |bytes: &[u8]| directory.path().join(std::ffi::OsStr::from_bytes(bytes));
        for name in [&b"a.json"[..], b"\xe9.txt"] {
            std::fs::write(path(name), "[]").unwrap();
        }
        assert_eq!(SourceFiles::at(directory.path(), &info).unwrap().iter().count(), 1);
        std::fs::write(path(b"\xe9.json"), "[]").unwrap();
        for path in [directory.path(), &path(b"\xe9.json")] {
            let refusal = SourceFiles::at(path, &info).unwrap_err().to_string();
            assert!(refusal.contains("\u{fffd}.json: expected a name in UTF-8"), "{refusal}");
        }
    }

    #[test]
    fn utf_16_is_refused_with_or_without_a_mark() {
        let encode = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let swapped = |bytes: &[u8]| -> Vec<u8> { bytes.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect() };
        let text = encode("[{\"id\": \"été\"}]");
        let marked = encode("\u{feff}[]");
        for bytes in [swapped(&text), swapped(&marked), text, marked] {
            let files = SourceFiles::embedded(&[("train.json", Box::leak(bytes.into_boxed_slice()))]);
            let refusal = files.get("train.json").unwrap().open().err().unwrap().to_string();
            assert!(refusal.contains("train.json: expected UTF-8 text, found UTF-16"), "{refusal}");
        }
        assert_eq!((utf_16(b"a\0b"), utf_16(b""), utf_16("été".as_bytes())), (None, None, None));
    }

    #[test]
    fn an_archive_is_refused_by_its_first_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("train.json");
        let tar = [vec![b'a'; 257], b"ustar\0".to_vec(), vec![0; 300]].concat();
        for bytes in ARCHIVES.iter().map(|(bytes, _)| bytes.to_vec()).chain([tar]) {
            std::fs::write(&path, bytes).unwrap();
            let source = find("frenchmedmcqa").unwrap();
            let refusal = SourceFiles::in_directory(directory.path(), source.info()).unwrap_err().to_string();
            assert!(refusal.contains("train.json: expected a file of rows, found a"), "{refusal}");
        }
    }

    #[test]
    fn a_directory_without_files_of_the_source_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let source = find("frenchmedmcqa").unwrap();
        let info = source.info();
        let refusal = SourceFiles::in_directory(directory.path(), info).unwrap_err().to_string();
        assert!(refusal.contains("expected files of frenchmedmcqa, named like train.json"), "{refusal}");
        assert!(matches!(SourceFiles::in_directory(Path::new("absent"), info), Err(Error::Io { .. })));
    }

    #[test]
    fn the_same_files_make_the_same_revision_wherever_they_are() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("train.json"), "[]").unwrap();
        let source = find("frenchmedmcqa").unwrap();
        let info = source.info();
        let found = SourceFiles::in_directory(directory.path(), info).unwrap();
        assert_eq!(found.revision(), SourceFiles::embedded(&[("train.json", b"[]")]).revision());
        assert_ne!(found.revision(), SourceFiles::embedded(&[("train.json", b"[ ]")]).revision());
    }
}
