//! A data set directory that is whole.

use std::path::{Path, PathBuf};

use super::manifest::{MANIFEST, Manifest};
use super::{Layout, sha256_file};
use crate::columnar::{RecordKey, Row, Rows};
use crate::record::{Document, Original, Record, Rejected, Split};
use crate::{Error, Result};

/// Name of the file of rejected records inside a data set directory.
pub const REJECTED: &str = "rejected.parquet";

/// A data set directory whose files are those of its manifest.
#[derive(Debug)]
pub struct Dataset {
    directory: PathBuf,
    manifest: Manifest,
    manifest_sha256: String,
}

impl Dataset {
    /// Opens the data set in `directory`, whose files are hashed and compared with the manifest.
    ///
    /// # Errors
    /// [`Error::Format`] if there is no manifest, it cannot be understood, or a file is not the one that was written;
    /// [`Error::Io`] if a file is missing or cannot be read; [`Error::Data`] if it is in the published layout, whose
    /// records have neither identifiers nor provenance.
    pub fn open(directory: &Path) -> Result<Self> {
        let dataset = Self::open_any_layout(directory)?;
        match dataset.manifest.layout {
            Layout::Records => Ok(dataset),
            found @ Layout::Published => Err(Error::Data(format!(
                "{}: expected a data set in the layout {}, found {found}, which has no provenance; build it in the layout {}, \
                 or build from this one as a source",
                directory.display(),
                Layout::Records,
                Layout::Records,
            ))),
        }
    }

    /// Opens the data set in `directory`, whatever the columns of its records, which are to be read accordingly.
    ///
    /// # Errors
    /// Those of [`Dataset::open`], but the last.
    pub fn open_any_layout(directory: &Path) -> Result<Self> {
        let manifest = Manifest::read(directory)?;
        manifest.verify(directory)?;
        let manifest_sha256 = sha256_file(&directory.join(MANIFEST))?;
        Ok(Self { directory: directory.to_path_buf(), manifest, manifest_sha256 })
    }

    /// The manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of the manifest; as the manifest has the hashes of all files, it stands for the whole data set.
    #[must_use]
    pub fn manifest_sha256(&self) -> &str {
        &self.manifest_sha256
    }

    /// The records of a split, in the order of the files.
    pub fn records(&self, split: Split) -> impl Iterator<Item = Result<Record>> + use<> {
        rows(self.record_paths(split))
    }

    /// The keys of the records of a split, in the same order; no text is read.
    pub fn keys(&self, split: Split) -> impl Iterator<Item = Result<RecordKey>> + use<> {
        rows(self.record_paths(split))
    }

    /// The English originals.
    pub fn originals(&self) -> impl Iterator<Item = Result<Original>> + use<> {
        rows(self.paths("originals/"))
    }

    /// The seed documents.
    pub fn documents(&self) -> impl Iterator<Item = Result<Document>> + use<> {
        rows(self.paths("documents/"))
    }

    /// What the build rejected.
    pub fn rejected(&self) -> impl Iterator<Item = Result<Rejected>> + use<> {
        rows(self.paths(REJECTED))
    }

    /// The parquet files that hold the records of a split.
    #[must_use]
    pub fn record_paths(&self, split: Split) -> Vec<PathBuf> {
        self.paths(&format!("data/{split}-"))
    }

    /// Every file of the data set, the manifest last.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = self.paths("");
        files.push(self.directory.join(MANIFEST));
        files
    }

    fn paths(&self, prefix: &str) -> Vec<PathBuf> {
        let names = self.manifest.files.keys().filter(|name| name.starts_with(prefix));
        names.map(|name| self.directory.join(name)).collect()
    }
}

fn rows<T: Row + 'static>(paths: Vec<PathBuf>) -> impl Iterator<Item = Result<T>> {
    paths.into_iter().flat_map(|path| -> Box<dyn Iterator<Item = Result<T>>> {
        match Rows::open(&path) {
            Ok(rows) => Box::new(rows),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columnar::DocumentWriter;
    use crate::provenance::FileEntry;

    fn made(directory: &Path) {
        let name = "documents/documents-00000-of-00001.parquet";
        let mut writer = DocumentWriter::create(&directory.join(name)).unwrap();
        let text = |text: &str| text.to_owned();
        writer
            .write(Document {
                id: text("1"),
                text: text("Un cas clinique."),
                source: text("essai"),
                source_id: text("1"),
                license: text("CC-BY-4.0"),
                authors: Vec::new(),
                reference: String::new(),
                provenance: crate::record::RowProvenance::default(),
            })
            .unwrap();
        let num_rows = writer.finish().unwrap();
        let mut manifest = Manifest::new(serde_json::Value::Null);
        manifest.files.insert(text(name), FileEntry::of(&directory.join(name), Some(num_rows)).unwrap());
        manifest.write(directory).unwrap();
    }

    #[test]
    fn a_whole_data_set_is_read() {
        let directory = tempfile::tempdir().unwrap();
        made(directory.path());
        let dataset = Dataset::open(directory.path()).unwrap();
        assert_eq!(dataset.documents().next().unwrap().unwrap().text, "Un cas clinique.");
        assert_eq!(dataset.records(Split::Train).count(), 0);
        assert_eq!(dataset.manifest_sha256().len(), 64);
        assert_eq!(dataset.files().last().unwrap(), &directory.path().join(MANIFEST));
        assert!(dataset.files().len() == 2 && dataset.files().iter().all(|file| file.exists()));
    }

    #[test]
    fn a_data_set_that_is_not_whole_is_refused_with_the_name_of_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let refusal = || Dataset::open(directory.path()).unwrap_err().to_string();
        assert!(refusal().contains("found no manifest.json"));
        made(directory.path());
        let file = directory.path().join("documents/documents-00000-of-00001.parquet");
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[10] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        assert!(refusal().contains("documents-00000-of-00001.parquet: expected SHA-256"), "{}", refusal());
        std::fs::remove_file(&file).unwrap();
        assert!(refusal().contains("documents-00000-of-00001.parquet"), "{}", refusal());
        std::fs::write(directory.path().join(MANIFEST), "{}").unwrap();
        assert!(refusal().contains("manifest.json: expected the manifest of a data set"), "{}", refusal());
    }
}
