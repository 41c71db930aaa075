//! Files of a run directory.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// The text of a file.
pub(super) fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(Error::io(path))
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
    let text = read_text(path)?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(row, line)| serde_json::from_str(line).map_err(|error| Error::row(path, row, error))).collect()
}

/// A TOML file.
pub(super) fn read_toml(path: &Path) -> Result<toml::Table> {
    toml::from_str(&read_text(path)?).map_err(|error| Error::format(path, error.to_string().trim_end()))
}
