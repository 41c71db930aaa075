//! Files that were written, against `schemas/`, by a validator that is not ours.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// The system's Python, which has Debian's python3-jsonschema, whichever Python comes first on PATH.
const PYTHON: &str = "/usr/bin/python3";

/// Checks that every row of `files` agrees with the schema `name`, and that the schema refuses a wrong one.
pub(super) fn assert_valid(name: &str, files: &[&Path]) {
    let modules = Command::new(PYTHON).args(["-c", "import jsonschema, tomllib"]).output();
    if !modules.is_ok_and(|output| output.status.success()) {
        writeln!(std::io::stderr().lock(), "SKIPPED validation_by_schemas: {PYTHON} lacks jsonschema or tomllib")
            .unwrap();
        return;
    }
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = package.ancestors().map(|folder| folder.join("tests/check_schemas.py")).find(|path| path.exists());
    let output = Command::new(PYTHON).arg(script.unwrap()).arg(name).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
