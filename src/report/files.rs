//! Files of a run directory.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::provenance::Lines;
use crate::{Error, Result};

/// The text of a file, after the byte-order mark where there is one.
pub(super) fn read_text(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// A JSON file.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_str(&read_text(path)?).map_err(|error| Error::format(path, error))
}

/// A JSON file, or nothing where there is no such file.
pub(super) fn read_json_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    if path.exists() { read_json(path).map(Some) } else { Ok(None) }
}

/// A JSON Lines file.
pub(super) fn read_json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let value =
        |(row, line): (u64, Vec<u8>)| serde_json::from_slice(&line).map_err(|error| Error::row(path, row, error));
    Lines::open(path)?.map(|line| line.and_then(value)).collect()
}

/// A TOML file.
pub(super) fn read_toml(path: &Path) -> Result<toml::Table> {
    toml::from_str(&read_text(path)?).map_err(|error| Error::format(path, error.to_string().trim_end()))
}
