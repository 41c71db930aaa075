//! Where the larger real data are.

#![expect(clippy::print_stderr, reason = "a test says that it is skipped")]

use std::path::{Path, PathBuf};

/// The folder of the larger real data, where it is; else one line says that the test was skipped.
pub(crate) fn real_data(test: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let data = std::env::var_os("MEDINJECTION_TEST_DATA").map_or(default, PathBuf::from);
    if data.join("frenchmedmcqa").is_dir() && data.join("mmlu").is_dir() {
        return data.canonicalize().ok();
    }
    eprintln!("SKIPPED {test}: {} is not there (MEDINJECTION_TEST_DATA)", data.display());
    None
}
