//! What several tests of this folder share: where fixtures lie, and how a test says that it was skipped.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies inside the repository")
}

/// The fixture `name` under `tests/parity`.
pub fn fixture(name: &str) -> PathBuf {
    repository().join("tests/parity").join(name)
}

/// The JSON fixture `name`.
pub fn json(name: &str) -> serde_json::Value {
    let path = fixture(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Says that the test `name` did not run; the test runner counts these lines.
pub fn skip(name: &str, reason: &str) {
    writeln!(std::io::stderr().lock(), "SKIPPED {name}: {reason}").expect("stderr is open");
}
