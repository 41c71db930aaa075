//! A small manifest, and comparison with the snapshots beside it, for unit tests.

use std::path::Path;

use crate::provenance::{FileEntry, Manifest, RecordCount, SourceEntry, StepCounts};
use crate::record::{Origin, Redistribution, Split, Task};

/// Two sources: five records kept and two rejected, one English original, one document.
pub(super) fn manifest() -> Manifest {
    let mut manifest = Manifest::new(serde_json::json!({ "seed": 42 }));
    "0.0.0".clone_into(&mut manifest.tool_version);
    let named = |pairs: &[(&str, u64)]| pairs.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
    let file = |digit: &str, num_rows| FileEntry { sha256: digit.repeat(64), num_bytes: 1_000, num_rows };
    let source = |name: &str, license: &str, licenses: &[(&str, u64)], rejected: &[(&str, u64)]| SourceEntry {
        name: name.to_owned(),
        license: license.to_owned(),
        licenses: named(licenses),
        redistribution: Redistribution::Attribution,
        citation: format!("Authors of {name} (2022). A corpus & its questions."),
        homepage: format!("https://example.org/{name}"),
        hub_repository: if name == "annales" { "labo/annales".to_owned() } else { String::new() },
        revision: format!("sha256:{}", "e".repeat(64)),
        rejected: named(rejected),
        notes: vec![format!("{name}.json: the authors' format")],
        files: [(format!("{name}.json"), file("f", None))].into(),
    };
    manifest.sources = vec![
        source("annales", "MIT", &[("MIT", 3)], &[("duplicate", 1), ("not_french", 1)]),
        source("mmlu_fr", "CC-BY-4.0", &[("CC-BY-4.0", 4)], &[]),
    ];
    let step = |step: &str, num_in, rejected: &[(&str, u64)], warnings: &[(&str, u64)]| StepCounts {
        step: step.to_owned(),
        num_in,
        num_out: num_in - rejected.iter().map(|(_, number)| number).sum::<u64>(),
        rejected: named(rejected),
        warnings: named(warnings),
    };
    manifest.steps = vec![
        step("read", 7, &[], &[]),
        step("validate", 7, &[("not_french", 1)], &[("answer_leak", 2)]),
        step("deduplicate", 6, &[("duplicate", 1)], &[]),
    ];
    let count = |split, origin, source: &str, task, num_read, num_records| RecordCount {
        split,
        origin,
        source: source.to_owned(),
        task,
        num_read,
        num_records,
    };
    manifest.counts = vec![
        count(Split::Train, Origin::Native, "annales", Task::Mcqu, 3, 2),
        count(Split::Train, Origin::Translated, "mmlu_fr", Task::Oeq, 2, 2),
        count(Split::Test, Origin::Native, "annales", Task::Mcq, 2, 1),
    ];
    manifest.languages = named(&[("fr", 4), ("und", 1)]);
    manifest.files = [
        ("data/train-native-00000-of-00001.parquet", file("a", Some(2))),
        ("data/train-translated-00000-of-00001.parquet", file("b", Some(2))),
        ("data/test-native-00000-of-00001.parquet", file("c", Some(1))),
        ("originals/originals-00000-of-00001.parquet", file("d", Some(1))),
        ("documents/documents-00000-of-00001.parquet", file("9", Some(1))),
        ("rejected.parquet", file("8", Some(2))),
    ]
    .map(|(name, entry)| (name.to_owned(), entry))
    .into();
    manifest
}

/// Compares `found` with the snapshot `name`; `MEDINJECTION_WRITE_SNAPSHOTS=1` writes it, to be read before it is kept.
pub(super) fn assert_snapshot(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/build/snapshots").join(name);
    if std::env::var_os("MEDINJECTION_WRITE_SNAPSHOTS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let line = expected.lines().zip(found.lines()).position(|(expected, found)| expected != found).unwrap_or(0);
    let [expected_line, found_line] = [expected.as_str(), found].map(|text| text.lines().nth(line));
    assert!(
        expected == found,
        "{name}, line {}: expected {expected_line:?}, found {found_line:?}; if that is meant, run this test again with \
         MEDINJECTION_WRITE_SNAPSHOTS=1",
        line + 1
    );
}
