//! Outputs in the place of inputs, directories that hold other things, and other wrong words on the command line.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::os::unix::fs::symlink;
use std::path::Path;

use assert_cmd::Command;

fn medinjection(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("medinjection").unwrap();
    let output = command.current_dir(directory).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Checks that the command ends with 2 and one line that holds `named`, without `--force` and with it.
fn refused(directory: &Path, arguments: &[&str], named: &str) {
    for force in [&[][..], &["--force"]] {
        let (code, _, stderr) = medinjection(directory, &[arguments, force].concat());
        assert!(
            code == 2 && stderr.contains(named) && stderr.lines().count() == 1,
            "{arguments:?} {force:?}: {stderr}"
        );
    }
}

const PREDICTION: &str = "{\"task\":\"mcqu\",\"prediction\":\"A\",\"answer_labels\":[\"A\"]}\n";
const ROW: &str =
    "{\"instruction\":\"Quel os est dans la jambe ?\",\"choices\":[\"Le tibia\",\"L’ulna\"],\"answer\":\"A\"}\n";

/// A directory with the sample as `data`, `p.jsonl` and `rows.jsonl`, and other names for them.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    assert_eq!(medinjection(directory.path(), &["build", "--sample", "--out", "data"]).0, 0);
    for (name, text) in [("p.jsonl", PREDICTION), ("rows.jsonl", ROW)] {
        std::fs::write(path(name), text).unwrap();
        symlink(name, path(&format!("link-{name}"))).unwrap();
        std::fs::hard_link(path(name), path(&format!("hard-{name}"))).unwrap();
    }
    symlink("data/manifest.json", path("link-manifest")).unwrap();
    std::fs::create_dir(path("deeper")).unwrap();
    directory
}

#[test]
fn an_output_never_replaces_an_input_by_whatever_name() {
    let directory = directory();
    let here = directory.path();
    for prefix in ["", "link-", "hard-", "./", "deeper/../"] {
        let (predictions, rows) = (format!("{prefix}p.jsonl"), format!("{prefix}rows.jsonl"));
        refused(here, &["score", "--predictions", "p.jsonl", "--out", &predictions], "its own input");
        refused(here, &["validate", "rows.jsonl", "--csv", &rows], "its own input");
    }
    for manifest in ["data/manifest.json", "link-manifest"] {
        refused(here, &["render", "--dataset", "data", "--split", "test", "--out", manifest], "its own input");
        refused(here, &["validate", "data", "--csv", manifest], "its own input");
    }
    assert_eq!(std::fs::read_to_string(here.join("p.jsonl")).unwrap(), PREDICTION);
    assert_eq!(std::fs::read_to_string(here.join("rows.jsonl")).unwrap(), ROW);
    assert_eq!(medinjection(here, &["inspect", "stats", "data"]).0, 0);
}

#[test]
fn what_is_no_file_is_never_replaced() {
    let directory = directory();
    let here = directory.path();
    let pipe = std::process::Command::new("mkfifo").arg(here.join("pipe")).status().unwrap();
    assert!(pipe.success());
    for (out, kind) in [("deeper", "a directory"), ("pipe", "a pipe"), ("/dev/full", "a device")] {
        refused(here, &["score", "--predictions", "p.jsonl", "--out", out], kind);
        refused(here, &["validate", "rows.jsonl", "--csv", out], kind);
        refused(here, &["render", "--dataset", "data", "--split", "test", "--out", out], kind);
        assert!(!std::fs::symlink_metadata(here.join(out)).unwrap().is_file());
    }
}

#[test]
fn a_mixture_goes_into_a_directory_of_its_own() {
    let directory = directory();
    let here = directory.path();
    let mix = |out: &str, size: &str| -> Vec<String> {
        ["mix", "--preset", "native", "--size", size, "--dataset", "data", "--out", out].map(str::to_owned).to_vec()
    };
    let run = |arguments: Vec<String>| medinjection(here, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let refused = |out: &str, named: &str| {
        let arguments = mix(out, "20");
        refused(here, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), named);
    };
    std::fs::write(here.join("deeper/train.jsonl"), "mine\n").unwrap();
    refused("deeper", "deeper: expected a mixture or an empty directory, found train.jsonl");
    refused("data", "data: expected a mixture or an empty directory, found ");
    refused("p.jsonl", "p.jsonl");
    std::fs::write(here.join("deeper/mixture.json"), "{}").unwrap();
    refused("deeper", "expected the summary of a mixture");
    assert_eq!(std::fs::read_to_string(here.join("deeper/train.jsonl")).unwrap(), "mine\n");

    // What a kill leaves behind does not stand in the way.
    std::fs::create_dir(here.join("mixed")).unwrap();
    std::fs::write(here.join("mixed/.medinjection-abc"), "{").unwrap();
    assert_eq!(run(mix("mixed", "20")).0, 0);
    let (code, _, stderr) = run(mix("mixed", "10"));
    assert!(
        code == 2 && stderr.contains("mixed: it holds another mixture; give another output, or --force"),
        "{stderr}"
    );
    std::fs::write(here.join("mixed/train.jsonl"), "edited\n").unwrap();
    let (code, _, stderr) = run(mix("mixed", "20"));
    assert!(code == 2 && stderr.contains("mixed: its files were changed") && stderr.contains("--force"), "{stderr}");
    let (code, _, stderr) = run([mix("mixed", "20"), vec!["--force".to_owned()]].concat());
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn a_failed_draw_leaves_the_mixture_that_was_there() {
    let directory = directory();
    let mix = |size: &str, more: &[&str]| {
        let arguments = ["mix", "--preset", "native", "--size", size, "--dataset", "data", "--out", "mixed"];
        medinjection(directory.path(), &[&arguments[..], more].concat())
    };
    assert_eq!(mix("20", &[]).0, 0);
    assert_eq!(mix("100000", &["--force"]).0, 2);
    assert!(mix("20", &[]).2.contains("up to date"));
}

#[test]
fn a_misspelt_value_of_a_mixture_is_named_with_those_there_are() {
    let directory = directory();
    let message = |text: &str| {
        std::fs::write(directory.path().join("m.toml"), text).unwrap();
        let (code, _, stderr) =
            medinjection(directory.path(), &["mix", "--config", "m.toml", "--dataset", "data", "--out", "mixed"]);
        assert!(code == 2 && stderr.lines().count() == 1, "{stderr}");
        stderr
    };
    let found = message("field = 'origin'\nsize = 10\n[ratios]\nnativ = 1.0\n");
    assert!(found.contains("m.toml: ratios.nativ: expected one of native, translated, synthetic"), "{found}");
    assert!(message("field = 'origin'\nsize = -10\n[ratios]\n").contains("m.toml: line 2: invalid value"));
}

#[test]
fn numbers_out_of_range_are_named_with_their_option() {
    let directory = directory();
    for (option, value) in [("--size", "-1"), ("--seed", "-1"), ("--validation-size", "-1"), ("--seed", "1e3")] {
        let arguments = ["mix", "--preset", "native", "--dataset", "data", "--out", "mixed", option, value];
        let (code, _, stderr) = medinjection(directory.path(), &arguments);
        assert!(code == 2 && stderr.contains(&format!("invalid value '{value}' for '{option}")), "{stderr}");
    }
    let largest = u64::MAX.to_string();
    for (option, key) in [("--size", "size: expected from 1 to"), ("--validation-size", "validation size: expected at")]
    {
        let arguments = ["mix", "--preset", "native", "--size", "20", "--dataset", "data", "--out", "mixed"];
        let arguments =
            if option == "--size" { [&arguments[..3], &arguments[5..]].concat() } else { arguments.to_vec() };
        let (code, _, stderr) = medinjection(directory.path(), &[&arguments[..], &[option, &largest]].concat());
        assert!(code == 2 && stderr.contains(key) && stderr.lines().count() == 1, "{stderr}");
    }
    for limit in ["0", "-1"] {
        let (code, stdout, stderr) =
            medinjection(directory.path(), &["inspect", "show", "data", "--limit", limit, "--json"]);
        assert!(code == 2 && stdout.is_empty() && stderr.contains(&format!("invalid value '{limit}'")), "{stderr}");
    }
    let (_, stdout, _) = medinjection(directory.path(), &["inspect", "show", "data", "--limit", "2", "--json"]);
    assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&stdout).unwrap().len(), 2);
}

#[test]
fn a_report_of_what_is_no_run_says_so() {
    let directory = directory();
    let (code, _, stderr) = medinjection(directory.path(), &["report", "data", "--out", "r.html"]);
    assert!(code == 2 && stderr.contains("data: expected the directory of a run, found no status.json"), "{stderr}");
}
