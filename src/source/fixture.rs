//! Small files for unit tests of sources.

use super::{Source, SourceFiles, SourceRow};
use crate::Result;

/// Every row of the files, of which each is a name and a text.
pub(crate) fn read(source: &dyn Source, files: &[(&str, &str)]) -> Result<Vec<SourceRow>> {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    read_bytes(source, &files)
}

/// Every row of the files, of which each is a name and its bytes.
pub(crate) fn read_bytes(source: &dyn Source, files: &[(&str, &[u8])]) -> Result<Vec<SourceRow>> {
    let files: Vec<(&str, &'static [u8])> =
        files.iter().map(|(name, bytes)| -> (&str, &'static [u8]) { (*name, Box::leak((*bytes).into())) }).collect();
    let mut rows = Vec::new();
    source.read(&SourceFiles::embedded(&files), &mut |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok(rows)
}
