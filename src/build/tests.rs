use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::Error;
use crate::columnar::Rows;
use crate::provenance::{Dataset, Layout, MANIFEST};
use crate::record::fixture::choice_record;
use crate::record::{Finding, Origin, PublishedRecord, Reason, Record, Redistribution, Severity, Split};
use crate::source::{RowKind, Sink, Source, SourceFiles, SourceInfo};

fn row(id: &str, question: &str, answer: &str) -> serde_json::Value {
    serde_json::json!({
        "id": id,
        "question": question,
        "answers": { "a": "Le potassium", "b": "Le sodium", "c": "Le calcium" },
        "correct_answers": [answer],
    })
}

/// A configuration beside a folder of `FrenchMedMCQA` files with one row of each fate.
fn native_config(directory: &Path) -> PathBuf {
    let data = directory.join("native");
    std::fs::create_dir_all(&data).unwrap();
    let kept = row("1", "Quel est l'ion principal du milieu intracellulaire ?", "a");
    let repeated = row("2", "QUEL est l’ion principal du milieu intracellulaire", "a");
    let leaked = row("3", "Quel ion est responsable de la contraction du muscle ?", "c");
    let english = serde_json::json!({
        "id": "4",
        "question": "Which of the following is the most common cause of death in patients with chronic kidney disease?",
        "answers": { "a": "Diseases of the heart and of the vessels", "b": "Cancer of the lung or of the breast" },
        "correct_answers": ["a"],
    });
    let unreadable = row("5", "Quel ion ?", "z");
    let train = serde_json::json!([kept, repeated, leaked, english, unreadable]);
    std::fs::write(data.join("train.json"), train.to_string()).unwrap();
    std::fs::write(data.join("test.json"), serde_json::json!([leaked]).to_string()).unwrap();
    let config = directory.join("build.toml");
    std::fs::write(&config, "[[source]]\nname = \"frenchmedmcqa\"\npath = \"native\"\n").unwrap();
    config
}

pub(super) fn bytes_of(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let inner = bytes_of(&path);
            files.extend(
                inner.into_iter().map(|(name, bytes)| (Path::new(path.file_name().unwrap()).join(name), bytes)),
            );
        } else {
            files.insert(PathBuf::from(path.file_name().unwrap()), std::fs::read(&path).unwrap());
        }
    }
    files
}

#[test]
fn every_row_is_kept_or_rejected_with_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let built = build(&Plan::from_config(&native_config(directory.path())).unwrap(), &out, false).unwrap();
    let dataset = Dataset::open(&out).unwrap();
    let ids = |split| -> Vec<String> { dataset.records(split).map(|record| record.unwrap().source_id).collect() };
    assert_eq!(
        (ids(Split::Train), ids(Split::Validation), ids(Split::Test)),
        (vec!["1".into()], vec![], vec!["3".into()])
    );
    let rejected: Vec<_> = dataset.rejected().map(|rejected| rejected.unwrap()).collect();
    let reasons: Vec<(Reason, u64)> = rejected.iter().map(|rejected| (rejected.reason, rejected.row)).collect();
    let expected = [(Reason::NotFrench, 4), (Reason::Unreadable, 5), (Reason::Duplicate, 2), (Reason::Leak, 3)];
    assert_eq!(reasons, expected);
    assert!(
        rejected[1].record.is_none() && rejected[1].raw.contains("\"z\"") && rejected[1].detail.contains("found \"z\"")
    );
    let test = dataset.records(Split::Test).next().unwrap().unwrap();
    assert_eq!(rejected[3].partner_id, test.id);
    assert_eq!(built.num_rejected(), 4);
    let numbers: Vec<(u64, u64)> = built.manifest.steps.iter().map(|step| (step.num_in, step.num_out)).collect();
    assert_eq!(numbers, [(6, 5), (5, 4), (4, 2)]);
}

#[test]
fn the_same_inputs_give_the_same_bytes_wherever_they_lie() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let made = [&first, &second].map(|directory| {
        let out = directory.path().join("deep/out");
        build(&Plan::from_config(&native_config(directory.path())).unwrap(), &out, false).unwrap();
        bytes_of(&out)
    });
    assert!(made[0].contains_key(Path::new(MANIFEST)));
    assert!(made[0] == made[1], "{:?}", made[0].keys());
}

/// A folder of `FrenchMedMCQA` files with so many rows that all threads have work, and some copies among them.
fn large_config(directory: &Path) -> PathBuf {
    let config = native_config(directory);
    let question = |index: u32| {
        let number = if index.is_multiple_of(50) { index / 2 } else { index };
        row(&index.to_string(), &format!("Quel ion {number} passe la membrane {number} du neurone {number} ?"), "a")
    };
    for (name, range) in [("train.json", 0..3_000), ("test.json", 2_900..3_100)] {
        let rows: Vec<_> = range.map(question).collect();
        std::fs::write(directory.join("native").join(name), serde_json::Value::from(rows).to_string()).unwrap();
    }
    config
}

/// The bytes that a plan makes with so many threads.
fn made_with(plan: &Plan, out: &Path, num_threads: usize) -> BTreeMap<PathBuf, Vec<u8>> {
    let num_threads = std::num::NonZeroUsize::new(num_threads).unwrap();
    build_with(plan, out, &Options { num_threads, ..Options::default() }).unwrap();
    bytes_of(out)
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan::from_config(&large_config(directory.path())).unwrap();
    let one = made_with(&plan, &directory.path().join("one"), 1);
    for num_threads in [2, 5] {
        let out = directory.path().join(num_threads.to_string());
        assert!(one == made_with(&plan, &out, num_threads), "{num_threads} threads");
    }
    let rejected = Dataset::open(&directory.path().join("one")).unwrap().rejected().count();
    assert!(rejected > 100, "copies and leaks are among the rows: {rejected}");
}

/// The first pass of a build, to its end.
pub(super) fn first_pass(plan: &Plan, workplace: &place::Workplace) {
    let staging = check::Staging::new(workplace.staging());
    let checked = check::check(plan, &share::Share::whole(plan), &staging, &Options::default()).unwrap();
    staging.end(&checked).unwrap();
}

#[test]
fn an_interrupted_build_goes_on_after_the_step_that_it_ended() {
    /// Counts the rows that are checked.
    #[derive(Default)]
    struct Counted(std::sync::Mutex<Vec<Step>>);

    impl Observer for Counted {
        fn begin(&self, step: Step, _: Option<super::ExpectedRows>) {
            self.0.lock().unwrap().push(step);
        }
        fn advance(&self, _: u64) {}
        fn resumed(&self, _: Step) {}
    }

    let directory = tempfile::tempdir().unwrap();
    let plan = Plan::from_config(&large_config(directory.path())).unwrap();
    let whole = made_with(&plan, &directory.path().join("whole"), 2);
    let out = directory.path().join("out");
    // What a build that is killed after its first pass leaves: its lock is free, and half of the files are there.
    let workplace = place::Workplace::open(&plan, &out).unwrap();
    first_pass(&plan, &workplace);
    std::fs::create_dir_all(workplace.made().join("data")).unwrap();
    std::fs::write(workplace.made().join("data/.medinjection-half"), "half").unwrap();
    workplace.abandon();
    let seen = Counted::default();
    build_with(&plan, &out, &Options { observer: &seen, ..Options::default() }).unwrap();
    assert_eq!(*seen.0.lock().unwrap(), [Step::Deduplicate, Step::Write]);
    let found = bytes_of(&out);
    assert!(found.keys().eq(whole.keys()) && found.iter().all(|(name, bytes)| whole[name] == *bytes));
    // Of another plan nothing is taken over.
    let workplace = place::Workplace::open(&plan, &out).unwrap();
    first_pass(&plan, &workplace);
    workplace.abandon();
    std::fs::write(directory.path().join("native/dev.json"), "[]").unwrap();
    let changed = Plan::from_config(&directory.path().join("build.toml")).unwrap();
    let seen = Counted::default();
    build_with(&changed, &out, &Options { observer: &seen, force: true, ..Options::default() }).unwrap();
    assert_eq!(*seen.0.lock().unwrap(), [Step::Check, Step::Deduplicate, Step::Write]);
    let hidden = std::fs::read_dir(directory.path()).unwrap();
    let hidden = hidden.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
    assert_eq!(hidden.count(), 0);
}

#[test]
fn two_builds_of_one_output_do_not_meet() {
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan::from_config(&native_config(directory.path())).unwrap();
    let out = directory.path().join("out");
    let _held = place::Workplace::open(&plan, &out).unwrap();
    let refusal = build(&plan, &out, false).unwrap_err().to_string();
    assert!(refusal.contains("out: another build is making it"), "{refusal}");
}

#[test]
fn an_output_is_made_once_and_never_silently_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let config = native_config(directory.path());
    let plan = |text: &str| {
        std::fs::write(&config, format!("{text}{}", std::fs::read_to_string(&config).unwrap())).unwrap();
        Plan::from_config(&config).unwrap()
    };
    let out = directory.path().join("out");
    assert!(!build(&plan(""), &out, false).unwrap().up_to_date);
    assert!(build(&plan(""), &out, false).unwrap().up_to_date);
    let other = plan("seed = 7\n");
    assert!(build(&other, &out, false).unwrap_err().to_string().contains("another configuration"));
    assert!(!build(&other, &out, true).unwrap().up_to_date);
    assert!(build(&other, &out, false).unwrap().up_to_date);
    std::fs::write(directory.path().join("native/dev.json"), "[]").unwrap();
    let changed = Plan::from_config(&config).unwrap();
    assert!(build(&changed, &out, false).unwrap_err().to_string().contains("other files of frenchmedmcqa"));
    let leftovers = std::fs::read_dir(directory.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".medinjection"));
    assert_eq!(leftovers.count(), 0);
}

#[test]
fn a_directory_that_is_no_data_set_is_never_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan::from_config(&native_config(directory.path())).unwrap();
    let refusal = build(&plan, directory.path(), true).unwrap_err().to_string();
    assert!(refusal.contains("expected a data set or nothing, found other files"), "{refusal}");
    let empty = directory.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    build(&plan, &empty, false).unwrap();
}

#[test]
fn a_build_that_fails_half_way_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let config = native_config(directory.path());
    std::fs::write(directory.path().join("native/train.json"), "[{\"id\": \"1\"}, {").unwrap();
    let before = bytes_of(directory.path());
    let plan = Plan::from_config(&config).unwrap();
    let error = build(&plan, &directory.path().join("out"), false).unwrap_err();
    assert!(matches!(error, Error::Format { .. }) && error.to_string().contains("train.json"), "{error}");
    assert_eq!(bytes_of(directory.path()), before);
}

#[test]
fn large_outputs_are_cut_into_shards() {
    let directory = tempfile::tempdir().unwrap();
    let config = native_config(directory.path());
    let question = |index: u32| {
        row(&index.to_string(), &format!("Quel ion {index} passe la membrane {index} du neurone {index} ?"), "a")
    };
    let rows: Vec<_> = (0..1_200).map(question).collect();
    std::fs::write(directory.path().join("native/train.json"), serde_json::Value::from(rows).to_string()).unwrap();
    std::fs::write(&config, std::fs::read_to_string(&config).unwrap() + "[output]\nmax_shard_bytes = 1\n").unwrap();
    let out = directory.path().join("out");
    let built = build(&Plan::from_config(&config).unwrap(), &out, false).unwrap();
    let rows = |index: u32| built.manifest.files[&format!("data/train-native-0000{index}-of-00003.parquet")].num_rows;
    assert_eq!([rows(0), rows(1), rows(2)], [Some(512), Some(512), Some(176)]);
    assert_eq!(Dataset::open(&out).unwrap().records(Split::Train).count(), 1_200);
}

#[test]
fn the_sample_is_clean_and_large_enough() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("sample");
    let built = build(&Plan::sample().unwrap(), &out, false).unwrap();
    assert_eq!(built.num_rejected(), 0, "{:?}", built.manifest.sources);
    let dataset = Dataset::open(&out).unwrap();
    let mut train: BTreeMap<Origin, usize> = BTreeMap::new();
    for record in dataset.records(Split::Train) {
        *train.entry(record.unwrap().origin).or_default() += 1;
    }
    assert!(
        train[&Origin::Native] >= 190 && train[&Origin::Translated] >= 190 && train[&Origin::Synthetic] >= 100,
        "{train:?}"
    );
    let num_test = dataset.records(Split::Test).count();
    assert!((100..=125).contains(&num_test), "{num_test}");
    for record in Split::ALL.iter().flat_map(|split| dataset.records(*split)) {
        let record = record.unwrap();
        for finding in &record.findings {
            assert_eq!(finding.severity, Severity::Warning);
            assert_ne!(finding.reason, Reason::PersonalData, "{}: {}", record.source_id, finding.detail);
        }
    }
    let originals = dataset.originals().map(|original| original.unwrap().id).collect::<BTreeSet<_>>();
    let translated = Split::ALL.iter().flat_map(|split| dataset.records(*split)).map(|record| record.unwrap());
    for record in translated.filter(|record| record.origin == Origin::Translated) {
        assert!(originals.contains(&record.provenance.translation.unwrap().original_id));
    }
}

#[test]
fn the_card_counts_what_was_kept() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    build(&Plan::from_config(&native_config(directory.path())).unwrap(), &out, false).unwrap();
    let card = std::fs::read_to_string(out.join("README.md")).unwrap();
    for line in [
        "license: apache-2.0\n",
        "  - split: train\n    path: data/train-*\n",
        "  - name: choices\n    list:\n    - name: label\n      dtype: string\n",
        "    num_examples: 1\n",
        "| train | native | frenchmedmcqa | mcqu | 4 | 1 |\n",
        "| read | 6 | 5 | 1 |",
        "| unreadable | frenchmedmcqa | 1 |",
        "| frenchmedmcqa | Apache-2.0 | 2 |",
    ] {
        assert!(card.contains(line), "{line} in {card}");
    }
    assert!(!card.contains("split: validation"));
}

#[test]
fn an_added_rule_rejects_records_under_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let long = |record: &Record| {
        let num_words = record.instruction.split_whitespace().count();
        let detail = format!("expected at most 9 words, found {num_words}");
        if num_words > 9 { vec![Finding::error(Reason::Custom, "instruction", detail)] } else { Vec::new() }
    };
    let plan = Plan::from_config(&native_config(directory.path())).unwrap().with_rule("long_question", long);
    let out = directory.path().join("out");
    let built = build(&plan, &out, false).unwrap();
    let rejected = &built.manifest.sources[0].rejected;
    assert_eq!(rejected.get("custom"), Some(&2), "{rejected:?}");
    let details = Dataset::open(&out).unwrap().rejected().map(|rejected| rejected.unwrap().detail).collect::<Vec<_>>();
    let expected = "instruction: long_question: expected at most 9 words, found 10";
    assert!(details.iter().any(|detail| detail == expected), "{details:?}");
    let without = Plan::from_config(&native_config(directory.path())).unwrap();
    assert!(build(&without, &out, false).unwrap_err().to_string().contains("another configuration"));
}

#[test]
fn the_published_layout_reads_back_as_the_same_questions() {
    let directory = tempfile::tempdir().unwrap();
    let [ours, published] = ["ours", "published"].map(|name| directory.path().join(name));
    let mut plan = Plan::sample().unwrap();
    build(&plan, &ours, false).unwrap();
    plan.layout = Layout::Published;
    build(&plan, &published, false).unwrap();
    let (ours, read) = (Dataset::open(&ours).unwrap(), Dataset::open_any_layout(&published).unwrap());
    for split in Split::ALL {
        let expected: Vec<Record> = ours.records(*split).collect::<crate::Result<_>>().unwrap();
        let rows = read.record_paths(*split).into_iter().flat_map(|path| Rows::<PublishedRecord>::open(&path).unwrap());
        let found: Vec<Record> = rows.map(|row| Record::try_from(row.unwrap()).unwrap()).collect();
        // The identifier stands for task, instruction, context, choices, answer labels and answer.
        let content = |records: &[Record]| -> Vec<(String, Origin)> {
            records.iter().map(|record| (record.id.clone(), record.origin)).collect()
        };
        assert!(!found.is_empty() && content(&found) == content(&expected), "{split}");
    }
    let summary = crate::validate::validate_path(&published, &mut |_| Ok(())).unwrap();
    let num_rows = read.manifest().counts.iter().map(|count| count.num_records).sum();
    assert_eq!((summary.num_rows(), summary.num_rows_with_errors()), (num_rows, 0));
    let refusal = Dataset::open(&published).unwrap_err().to_string();
    assert!(refusal.contains("expected a data set in the layout records, found published"), "{refusal}");
}

/// One question under a licence that forbids to pass it on.
#[derive(Debug)]
struct Secret(SourceInfo);

impl Source for Secret {
    fn info(&self) -> &SourceInfo {
        &self.0
    }

    fn read(&self, _: &SourceFiles, sink: &mut Sink<'_>) -> crate::Result<()> {
        let mut record = choice_record("Quel est l'os le plus long du corps humain ?", &["Le fémur", "Le tibia"], "A");
        record.source.clone_from(&self.0.name);
        record.license.clone_from(&self.0.license);
        sink(record.into())
    }
}

#[test]
fn what_may_not_be_passed_on_is_not_written_for_publication_unless_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let info = SourceInfo::new("secret", RowKind::Records(Origin::Native), "agreement with the hospital");
    let mut plan = Plan::new(42).with_source(Arc::new(Secret(info)), SourceFiles::embedded(&[]));
    let built = build(&plan, &directory.path().join("ours"), false).unwrap();
    assert_eq!(built.manifest.sources[0].redistribution, Redistribution::Restricted);
    let card = std::fs::read_to_string(directory.path().join("ours/README.md")).unwrap();
    assert!(card.contains("**Not to be published as it stands**: secret"), "{card}");
    plan.layout = Layout::Published;
    let refusal = build(&plan, &out, false).unwrap_err().to_string();
    assert!(refusal.contains("secret (licence \"agreement with the hospital\")"), "{refusal}");
    assert!(refusal.contains("--allow-restricted") && !out.exists(), "{refusal}");
    plan.allow_restricted = true;
    let built = build(&plan, &out, false).unwrap();
    assert_eq!(built.manifest.config["output"]["allow_restricted"], true);
}

#[test]
fn every_file_of_the_sample_is_described_and_every_row_has_its_licence_counted() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("sample");
    let built = build(&Plan::sample().unwrap(), &out, false).unwrap();
    let text = std::fs::read_to_string(out.join("croissant.json")).unwrap();
    let croissant: serde_json::Value = serde_json::from_str(&text).unwrap();
    let resources = croissant["distribution"].as_array().unwrap().iter();
    let described: BTreeMap<&str, &str> = resources
        .filter(|resource| resource["@type"] == "cr:FileObject")
        .map(|file| (file["contentUrl"].as_str().unwrap(), file["sha256"].as_str().unwrap()))
        .collect();
    let files = built.manifest.files.iter().filter(|(name, _)| name.contains('/'));
    let expected: BTreeMap<&str, &str> = files.map(|(name, file)| (name.as_str(), file.sha256.as_str())).collect();
    assert_eq!(described, expected);
    assert!(built.manifest.files.contains_key("croissant.json"));
    let licensed: u64 = built.manifest.sources.iter().flat_map(|source| source.licenses.values()).sum();
    let rows = built.manifest.files.iter().filter(|(name, _)| name.contains('/')).filter_map(|(_, file)| file.num_rows);
    assert_eq!(licensed, rows.sum::<u64>(), "rows whose licence is counted");
    assert!(!text.contains(&*directory.path().to_string_lossy()), "an absolute path");
}
