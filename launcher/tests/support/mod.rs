//! What several tests of this folder share: where the repository and its fixtures lie.

use std::path::{Path, PathBuf};

/// Root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies inside the repository")
}

/// The fixture `name` under `tests/parity`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    repository().join("tests/parity").join(name)
}

/// The JSON fixture `name`.
pub(crate) fn json(name: &str) -> serde_json::Value {
    let path = fixture(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
