//! Files that appear whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::{Error, Result};

/// How the names of temporary files begin; one that is left behind was cut off by a kill.
pub const TEMPORARY_PREFIX: &str = ".medinjection-";

/// A file being written beside its destination; it takes its name when [`AtomicFile::commit`] is called.
///
/// Dropped without `commit`, it leaves nothing behind, and what was there before stays.
#[derive(Debug)]
pub struct AtomicFile {
    writer: BufWriter<NamedTempFile>,
    destination: PathBuf,
}

impl AtomicFile {
    /// Begins a file that will be `destination`; its directory is created where it is missing.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory or the temporary file cannot be created.
    pub fn create(destination: &Path) -> Result<Self> {
        let directory = match destination.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(directory).map_err(Error::io(directory))?;
        let file = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .permissions(permissions())
            .tempfile_in(directory)
            .map_err(Error::io(directory))?;
        Ok(Self { writer: BufWriter::with_capacity(1 << 16, file), destination: destination.to_path_buf() })
    }

    /// A second handle on the file, for a writer that wants to own one. Nothing may be written through both.
    ///
    /// # Errors
    /// [`Error::Io`] if the operating system refuses.
    pub fn handle(&self) -> Result<File> {
        self.writer.get_ref().as_file().try_clone().map_err(Error::io(&self.destination))
    }

    /// Flushes the file to disk and gives it its name.
    ///
    /// # Errors
    /// [`Error::Io`] if a write or the renaming fails.
    pub fn commit(self) -> Result<()> {
        let Self { writer, destination } = self;
        let file = writer.into_inner().map_err(|error| Error::io(&destination)(error.into_error()))?;
        file.as_file().sync_all().map_err(Error::io(&destination))?;
        file.persist(&destination).map_err(|error| Error::io(&destination)(error.error))?;
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

/// Temporary files are private by default; an output is as readable as any other file.
#[cfg(unix)]
fn permissions() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o644)
}

/// Writes `bytes` to `destination`, whole or not at all.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written.
pub fn write_atomic(destination: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(destination)?;
    file.write_all(bytes).map_err(Error::io(destination))?;
    file.commit()
}

/// Writes `value` to `destination` as indented JSON with a line end, whole or not at all.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written, [`Error::Format`] if `value` cannot be JSON.
pub fn write_json<T: Serialize + ?Sized>(destination: &Path, value: &T) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::format(destination, format!("cannot be written as JSON: {error}")))?;
    text.push('\n');
    write_atomic(destination, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_ends_with_a_line_end_and_what_is_no_json_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("value.json");
        let message = write_json(&path, &std::collections::BTreeMap::from([((1, 2), 3)])).unwrap_err().to_string();
        assert!(message.contains("value.json: cannot be written as JSON") && !path.exists(), "{message}");
        write_json(&path, &[1]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[\n  1\n]\n");
    }

    #[test]
    fn an_abandoned_file_leaves_what_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b.txt");
        write_atomic(&path, b"first").unwrap();
        let mut second = AtomicFile::create(&path).unwrap();
        second.write_all(b"second").unwrap();
        drop(second);
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
