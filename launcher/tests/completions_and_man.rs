//! `medinjection-launch completions` and `medinjection-launch man`, as a shell and a reader of manual pages take them.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

#[path = "../../tests/support/shell.rs"]
mod shell;

use std::path::Path;

const PROGRAM: &str = env!("CARGO_BIN_EXE_medinjection-launch");

#[test]
fn bash_completes_commands_options_and_values() {
    shell::assert_bash_completes(
        Path::new(PROGRAM),
        &[
            (&["medinjection-launch", "tra"], &["train"]),
            (&["medinjection-launch", "train", "--dry"], &["--dry-run"]),
            (&["medinjection-launch", "predict", "--decoding", "gre"], &["greedy"]),
        ],
    );
}

#[test]
fn every_command_has_its_manual_page() {
    shell::assert_pages_are_whole(Path::new(PROGRAM));
}
