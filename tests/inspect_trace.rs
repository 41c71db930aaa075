//! `medinjection inspect trace` as a user types it, and the published layout from the command line.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

fn medinjection(directory: &Path, arguments: &[&str]) -> Output {
    Command::cargo_bin("medinjection").unwrap().current_dir(directory).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_row_is_traced_by_the_beginning_of_its_identifier_and_an_unknown_one_ends_with_2() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| medinjection(directory.path(), arguments);
    assert_eq!(run(&["build", "--sample", "--out", "out"]).status.code(), Some(0));
    let shown = run(&["inspect", "show", "out", "--limit", "700", "--json"]);
    let records: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let of_origin = |origin: &str| {
        let record = records.as_array().unwrap().iter().find(|record| record["origin"] == origin).unwrap();
        record["id"].as_str().unwrap().to_owned()
    };
    for (origin, said) in
        [("native", "file train.json, row "), ("translated", "\noriginal "), ("synthetic", "\ndocument ")]
    {
        let id = of_origin(origin);
        let traced = run(&["inspect", "trace", "out", &id[..10]]);
        let traced = (traced.status.code(), text(&traced.stdout) + &text(&traced.stderr));
        assert!(traced.0 == Some(0) && traced.1.contains(&id), "{traced:?}");
        assert!(traced.1.contains(said) && traced.1.contains("nothing found by: "), "{}", traced.1);
    }
    let id = of_origin("translated");
    let traced: serde_json::Value =
        serde_json::from_slice(&run(&["inspect", "trace", "out", &id, "--json"]).stdout).unwrap();
    assert_eq!((&traced["kind"], &traced["id"]), (&"record".into(), &id.as_str().into()));
    assert_eq!(traced["place"]["file_sha256"].as_str().unwrap().len(), 64);
    assert!(traced["translation"]["place"]["row"].as_u64().unwrap() > 0, "{traced}");

    let near = format!("{}zzzz", &id[..5]);
    let unknown = run(&["inspect", "trace", "out", &near]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("the nearest are ") && text(&unknown.stderr).contains(&id[..5]));
}

#[test]
fn the_published_layout_is_written_and_validated() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| medinjection(directory.path(), arguments);
    let built = run(&["build", "--sample", "--layout", "published", "--out", "out"]);
    assert_eq!(built.status.code(), Some(0), "{}", text(&built.stderr));
    let validated = run(&["validate", "out"]);
    assert_eq!(validated.status.code(), Some(0), "{}", text(&validated.stdout));
    let refused = run(&["inspect", "stats", "out"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("found published"), "{}", text(&refused.stderr));
}
