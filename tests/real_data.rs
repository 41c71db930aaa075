//! Every corpus of the folder of real data is read whole.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

#[path = "support/real_data.rs"]
mod support;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use medinjection_fr::build::{Options, Plan, build, build_with};
use medinjection_fr::columnar::{read_originals, read_records};
use medinjection_fr::inspect::{SharedBetween, overlaps};
use medinjection_fr::provenance::Dataset;
use medinjection_fr::record::Split;
use medinjection_fr::validate::validate_path;
use support::real_data;

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
    let out = directory.path().join("out");
    let manifest = build(&plan, &out, false).unwrap().manifest;
    let alone = Options { num_threads: NonZeroUsize::MIN, ..Options::default() };
    let again = build_with(&plan, &directory.path().join("again"), &alone).unwrap().manifest;
    assert_eq!(manifest, again, "one thread writes the same files as many, by their hashes");
    let kept: u64 = manifest.counts.iter().map(|count| count.num_records).sum();
    let summary = validate_path(&out, &mut |_| Ok(())).unwrap();
    assert_eq!((summary.num_rows(), summary.num_rows_with_errors()), (kept, 0));
    assert!(manifest.sources.iter().all(|source| !source.rejected.contains_key("unreadable")));
    let num_rows = |name: &str| manifest.files[name].num_rows.unwrap();
    // The test files of MMLU are read twice, alone and as what MMLU-FR translates, and written once.
    let originals = 2_638 + 288 + 2 * 1_273 + 4_183 + 1_000 + 818 + 589;
    assert_eq!(num_rows("originals/originals-00000-of-00001.parquet"), originals);
    assert_eq!(num_rows("documents/documents-00000-of-00001.parquet"), 1_514 + 1_022 + 1_088 + 65);
    let notes: Vec<&String> = manifest.sources.iter().flat_map(|source| &source.notes).collect();
    assert!(notes.iter().any(|note| note.starts_with("2638 originals were left out")), "{notes:?}");
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

#[test]
fn the_known_overlaps_of_frenchmedmcqa_are_found() {
    let Some(data) = real_data("the_known_overlaps_of_frenchmedmcqa_are_found") else { return };
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan::from_config(&config(&data, directory.path(), |source| source.contains("frenchmedmcqa"))).unwrap();
    let out = directory.path().join("out");
    build(&plan, &out, false).unwrap();
    let found = overlaps(&Dataset::open(&out).unwrap()).unwrap();
    let numbers = |shared: &[SharedBetween]| {
        let number = |left, right| {
            let between = shared.iter().find(|shared| (shared.left, shared.right) == (left, right));
            between.map_or(0, |shared| shared.pairs.len())
        };
        let (train, validation, test) = (Split::Train, Split::Validation, Split::Test);
        [number(train, validation), number(train, test), number(validation, test), number(train, train)]
    };
    assert_eq!(numbers(&found.same_content), [1, 1, 1, 6]);
    assert_eq!(numbers(&found.same_question), [11, 12, 3, 44]);
    assert!(found.same_content.iter().all(|shared| shared.num_kept() == 0));
    let [repeated] = found.same_source_id.as_slice() else { panic!("{:?}", found.same_source_id) };
    assert_eq!((repeated.left.row, repeated.right.row), (1188, 1221));
    assert!(repeated.left.source_id.starts_with("04c58320a365b34e"), "{repeated:?}");
}

#[test]
fn the_real_corpora_are_read_whole_and_their_known_overlaps_found() {
    let Some(data) = real_data("the_real_corpora_are_read_whole_and_their_known_overlaps_found") else { return };
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("build.toml");
    let path = |name: &str| data.join(name).display().to_string();
    let text = format!(
        "[[source]]\nname = \"frenchmedmcqa\"\npath = {:?}\n[[source]]\nname = \"mmlu_fr\"\npath = {:?}\nresplit = [0.7, 0.1, 0.2]\n",
        path("frenchmedmcqa"),
        path("mmlu")
    );
    std::fs::write(&config, text).unwrap();
    let out = directory.path().join("out");
    let built = build(&Plan::from_config(&config).unwrap(), &out, false).unwrap();
    let read = |source: &str, split: Option<Split>| -> u64 {
        let counts = built.manifest.counts.iter().filter(|count| count.source == source);
        counts.filter(|count| split.is_none_or(|split| count.split == split)).map(|count| count.num_read).sum()
    };
    let native = Split::ALL.iter().map(|split| read("frenchmedmcqa", Some(*split))).collect::<Vec<_>>();
    assert_eq!(native, [2171, 312, 622]);
    assert_eq!(read("mmlu_fr", None), 2_638 + 50);
    assert!(built.manifest.sources.iter().all(|source| !source.rejected.contains_key("unreadable")));
    let originals = out.join("originals/originals-00000-of-00001.parquet");
    assert_eq!(read_originals(&originals).unwrap().count(), 2_638);
    assert!(read_records(&out.join("data/train-native-00000-of-00001.parquet")).unwrap().num_rows() > 2_000);
}
