//! Every corpus of the folder of real data is read whole.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test may stop at once, and says what it skips")]

use std::path::{Path, PathBuf};

use medinjection_fr::build::{Plan, build};

/// The larger real data, where it is; else one line says that the test was skipped.
fn real_data(test: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let data = std::env::var_os("MEDINJECTION_TEST_DATA").map_or(default, PathBuf::from);
    if data.join("frenchmedmcqa").is_dir() {
        return Some(data.canonicalize().unwrap());
    }
    eprintln!("SKIPPED {test}: {} is not there", data.display());
    None
}

/// The configuration of `tests/real_data.toml`, of which `keep` decides on each source.
fn config(data: &Path, directory: &Path, keep: impl Fn(&str) -> bool) -> PathBuf {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_data.toml")).unwrap();
    let kept: Vec<&str> = text.split("[[source]]").skip(1).filter(|source| keep(source)).collect();
    let sources = format!("[[source]]{}", kept.join("[[source]]"));
    let path = directory.join("build.toml");
    std::fs::write(&path, sources.replace("path = \"", &format!("path = \"{}/", data.display()))).unwrap();
    path
}

#[test]
fn every_corpus_is_read_whole_and_its_variant_said() {
    let Some(data) = real_data("every_corpus_is_read_whole_and_its_variant_said") else { return };
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan::from_config(&config(&data, directory.path(), |_| true)).unwrap();
    let manifest = build(&plan, &directory.path().join("out"), false).unwrap().manifest;
    assert!(manifest.sources.iter().all(|source| !source.rejected.contains_key("unreadable")));
    let num_rows = |name: &str| manifest.files[name].num_rows.unwrap();
    // The test files of MMLU are read twice: alone, and as what MMLU-FR translates.
    let originals = 2 * 2_638 + 288 + 2 * 1_273 + 4_183 + 1_000 + 818 + 589;
    assert_eq!(num_rows("originals/originals-00000-of-00001.parquet"), originals);
    assert_eq!(num_rows("documents/documents-00000-of-00001.parquet"), 1_514 + 1_022 + 1_088 + 65);
    let notes: Vec<&String> = manifest.sources.iter().flat_map(|source| &source.notes).collect();
    for variant in ["MedQA with 4 options", "MedQA with 5 options", "choices inside the question", "500 articles"] {
        assert!(notes.iter().any(|note| note.contains(variant)), "{variant}: {notes:?}");
    }
}

#[test]
fn originals_or_documents_alone_make_a_data_set() {
    let Some(data) = real_data("originals_or_documents_alone_make_a_data_set") else { return };
    for (name, folder) in [("medxpertqa", "originals"), ("e3c", "documents")] {
        let directory = tempfile::tempdir().unwrap();
        let path = config(&data, directory.path(), |source| source.contains(&format!("\"{name}\"")));
        let out = directory.path().join("out");
        let built = build(&Plan::from_config(&path).unwrap(), &out, false).unwrap();
        let files: Vec<&str> = built.manifest.files.keys().map(String::as_str).collect();
        let parquet = format!("{folder}/{folder}-00000-of-00001.parquet");
        assert!(files.contains(&parquet.as_str()) && !files.iter().any(|file| file.starts_with("data/")), "{files:?}");
    }
}
