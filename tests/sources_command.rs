//! A curator's own files: from a configuration to a preview, a data set, and messages that help.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

use std::path::Path;

use assert_cmd::Command;

fn medinjection(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("medinjection").unwrap();
    let output = command.current_dir(directory).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The example of `docs/data.md`: the configuration, and files as it describes them.
fn example() -> tempfile::TempDir {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/data.md")).unwrap();
    let block = |begin: &str| {
        let at = page.find(begin).unwrap();
        page[at..].split("```").next().unwrap().to_owned()
    };
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("dataset.toml"), block("# hospital: dataset.toml")).unwrap();
    let csv = block("numero;cas;question;");
    std::fs::write(directory.path().join("urgences.csv"), csv).unwrap();
    directory
}

#[test]
fn the_example_of_the_documentation_is_previewed_and_built() {
    let directory = example();
    let here = directory.path();
    let (code, stdout, stderr) = medinjection(here, &["inspect", "preview", "--config", "dataset.toml"]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    for line in ["urgences: native records, CC-BY-4.0", "urgences.csv row 2  mcqu train, id 1", "    * (B) "] {
        assert!(stdout.contains(line), "{line} in {stdout}");
    }
    assert!(stdout.contains("unreadable: bonne: expected letters among A, B, found \"E\""), "{stdout}");
    let (code, stdout, _) =
        medinjection(here, &["inspect", "preview", "--config", "dataset.toml", "--source", "urgences", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &shown[0]["rows"][1]["record"]["answer"]), (0, &"B".into()));
    let (code, _, stderr) = medinjection(here, &["build", "--config", "dataset.toml", "--out", "dataset"]);
    assert_eq!(code, 1, "{stderr}");
    let manifest = std::fs::read_to_string(here.join("dataset/manifest.json")).unwrap();
    assert!(manifest.contains("\"answer_form\": \"letters\"") && manifest.contains("\"unreadable\": 1"), "{manifest}");
}

#[test]
fn a_wrong_name_or_number_is_refused_with_what_there_is() {
    let directory = example();
    let preview = |more: &[&str]| {
        let arguments = ["inspect", "preview", "--config", "dataset.toml"];
        medinjection(directory.path(), &[&arguments[..], more].concat())
    };
    let (code, _, stderr) = preview(&["--source", "urgence"]);
    assert!(code == 2 && stderr.contains("expected one of urgences of dataset.toml, found \"urgence\""), "{stderr}");
    assert_eq!(preview(&["--rows", "0"]).0, 2);
}
