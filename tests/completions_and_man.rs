//! `medinjection completions` and `medinjection man`, as a shell and a reader of manual pages take them.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

#[path = "support/shell.rs"]
mod shell;

use assert_cmd::cargo::cargo_bin;

#[test]
fn bash_completes_commands_options_and_values() {
    shell::assert_bash_completes(
        &cargo_bin("medinjection"),
        &[
            (&["medinjection", "bui"], &["build"]),
            (&["medinjection", "inspect", "tr"], &["trace"]),
            (&["medinjection", "build", "--sam"], &["--sample"]),
            (&["medinjection", "schema", "mani"], &["manifest"]),
            (&["medinjection", "nothing-of-this-name"], &[]),
        ],
    );
}

#[test]
fn every_command_has_its_manual_page() {
    shell::assert_pages_are_whole(&cargo_bin("medinjection"));
}

#[test]
fn a_page_never_takes_the_place_of_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("medinjection-build.1")).unwrap();
    let output =
        std::process::Command::new(cargo_bin("medinjection")).args(["man", "--out"]).arg(folder.path()).output();
    let (output, left) = (output.unwrap(), std::fs::read_dir(folder.path()).unwrap().count());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), left), (Some(2), 1), "{said}");
    assert!(said.contains("medinjection-build.1: expected a file that can be replaced, found a directory"), "{said}");
}
