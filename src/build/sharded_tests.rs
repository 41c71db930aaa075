//! Shards and their merge give the bytes of one process, whatever their number and wherever rows that belong together stand.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::tests::bytes_of;
use super::translation_tests::{original, record};
use super::*;
use crate::provenance::{Dataset, Manifest};
use crate::record::{Document, Origin, RowProvenance, Split};
use crate::source::{RowKind, Sink, Source, SourceFiles, SourceInfo, Unreadable};

/// Rows by number, one a line: `12 test 3` is the question 12 in the test split and group 3, `x` a row that cannot be read. The
/// question 12 of `english` is the original of that of `french`; `native` asks it in French too, of no original.
#[derive(Debug)]
struct Numbered(SourceInfo);

impl Numbered {
    fn new(name: &str) -> Arc<Self> {
        let kind = match name {
            "english" => RowKind::Originals,
            "french" => RowKind::Records(Origin::Translated),
            "native" => RowKind::Records(Origin::Native),
            _ => RowKind::Documents,
        };
        Arc::new(Self(SourceInfo::new(name, kind, "MIT").with_files(["*.txt"])))
    }

    fn row(&self, line: &str) -> Option<crate::source::SourceRow> {
        let mut words = line.split(' ');
        let number: usize = words.next()?.parse().ok()?;
        let split = words.next().map_or(Some(Split::Train), |split| split.parse().ok())?;
        let group = words.next();
        Some(match self.0.kind {
            RowKind::Originals => original(number).into(),
            RowKind::Documents => Document {
                id: format!("document {number}"),
                text: format!("Cas {number}."),
                source: self.0.name.clone(),
                source_id: number.to_string(),
                license: "MIT".to_owned(),
                authors: Vec::new(),
                reference: String::new(),
                provenance: RowProvenance::default(),
            }
            .into(),
            kind => {
                let mut record = record(number);
                record.split = split;
                record.group_id = group.map_or_else(|| format!("question {number}"), |group| format!("group {group}"));
                record.source.clone_from(&self.0.name);
                if kind == RowKind::Records(Origin::Native) {
                    record.origin = Origin::Native;
                    record.provenance.translation = None;
                }
                record.into()
            }
        })
    }
}

impl Source for Numbered {
    fn info(&self) -> &SourceInfo {
        &self.0
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        // The documents are one part, however many files they have.
        (self.0.kind != RowKind::Documents).then_some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let text = std::io::read_to_string(file.open()?).map_err(Error::io(file.path()))?;
            crate::source::say(file, "numbers", sink)?;
            for (row, line) in (1..).zip(text.lines()) {
                let detail = "expected a number".to_owned();
                let unreadable = || Unreadable { file: file.name.clone(), row, detail, raw: line.to_owned() }.into();
                sink(self.row(line).unwrap_or_else(unreadable))?;
            }
        }
        Ok(())
    }
}

/// The lines of each file, by source.
type Lines = Vec<(&'static str, Vec<Vec<String>>)>;

fn plan(sources: &Lines) -> Plan {
    sources.iter().fold(Plan::new(42), |plan, (name, files)| {
        let named = files.iter().enumerate().map(|(index, lines)| -> (String, &'static [u8]) {
            (format!("{index:03}.txt"), Box::leak(lines.join("\n").into_bytes().into_boxed_slice()))
        });
        let named: Vec<_> = named.collect();
        let files: Vec<(&str, &'static [u8])> = named.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
        plan.with_source(Numbered::new(name), SourceFiles::embedded(&files))
    })
}

fn threads(num_threads: usize) -> Options<'static> {
    Options { num_threads: NonZeroUsize::new(num_threads).unwrap(), ..Options::default() }
}

/// The data set of one process.
fn whole(plan: &Plan, directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let out = directory.join("whole");
    build_with(plan, &out, &threads(1)).unwrap();
    bytes_of(&out)
}

/// The data set of `count` shards, of which the last is made first; nothing else is left.
fn merged(plan: &Plan, directory: &Path, count: u32, num_threads: usize) -> BTreeMap<PathBuf, Vec<u8>> {
    let out = directory.join(format!("of-{count}-{num_threads}"));
    for shard in Shard::all(count).unwrap().into_iter().rev() {
        assert!(!build_shard(plan, &out, shard, &threads(num_threads)).unwrap().up_to_date);
    }
    assert!(!merge_shards(plan, &out, count, &threads(num_threads)).unwrap().up_to_date);
    let found = bytes_of(&out);
    std::fs::remove_dir_all(&out).unwrap();
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["whole"], "{count} shards");
    found
}

fn assert_same(plan: &Plan, counts: &[u32]) -> Manifest {
    let directory = tempfile::tempdir().unwrap();
    let expected = whole(plan, directory.path());
    for count in counts {
        for num_threads in [1, 2] {
            let found = merged(plan, directory.path(), *count, num_threads);
            let differ = expected.iter().find(|(name, bytes)| found.get(*name) != Some(bytes)).map(|(name, _)| name);
            assert!(expected.keys().eq(found.keys()) && differ.is_none(), "{count} shards: {differ:?}");
        }
    }
    Manifest::read(&directory.path().join("whole")).unwrap()
}

#[test]
fn rows_of_every_fate_in_many_files_merge_to_the_bytes_of_one_process() {
    let lines = |numbers: std::ops::Range<usize>, words: &str| -> Vec<String> {
        numbers.map(|number| format!("{number}{words}")).collect()
    };
    let numbered = |numbers: std::ops::Range<usize>| lines(numbers, "");
    // Translations before, beside and after their originals; copies, groups and test questions in every direction; a file
    // of more than one chunk, files of a row, files of none.
    let sources: Lines = vec![
        ("french", vec![numbered(1..700), lines(650..720, " test"), vec![], vec!["x".to_owned(), "900".to_owned()]]),
        ("documents", vec![numbered(1..30), numbered(20..50)]),
        ("english", vec![numbered(500..650), numbered(1..200), vec!["900".to_owned()], numbered(190..210)]),
        (
            "native",
            vec![
                lines(715..740, " train 1"),
                vec!["740 test 1".to_owned()],
                lines(690..700, " validation"),
                numbered(100..110),
            ],
        ),
    ];
    let manifest = assert_same(&plan(&sources), &[1, 2, 3, 4, 7, 50]);
    let reasons: Vec<String> = manifest.sources.iter().flat_map(|source| source.rejected.keys().cloned()).collect();
    for reason in ["unreadable", "copied_english", "unit_mismatch", "duplicate", "leak"] {
        assert!(reasons.iter().any(|found| found == reason), "no row is rejected as {reason}: {reasons:?}");
    }
    // Questions that differ in their numbers only are nearly the same here.
    let mut alike =
        plan(&vec![("french", vec![numbered(1..20), numbered(10..40)]), ("native", vec![numbered(30..60)])]);
    alike.dedup.near_threshold = 0.5;
    let near = assert_same(&alike, &[2, 3]);
    assert!(near.sources.iter().all(|source| source.rejected.contains_key("near_duplicate")), "{:?}", near.sources);
    let notes: Vec<&String> = manifest.sources.iter().flat_map(|source| &source.notes).collect();
    for note in ["translated records not compared", "10 originals were left out", "and 3 more: numbers"] {
        assert!(notes.iter().any(|found| found.contains(note)), "{note}: {notes:?}");
    }
}

#[test]
fn the_sample_merges_to_the_bytes_of_one_process() {
    let mut plan = Plan::sample().unwrap();
    assert_same(&plan, &[1, 4, 12]);
    plan.layout = crate::provenance::Layout::Published;
    plan.max_shard_bytes = 10_000;
    assert_same(&plan, &[4]);
}

fn lines() -> impl Strategy<Value = Vec<Vec<String>>> {
    let split = proptest::sample::select(vec!["", " train", " validation", " test", " train 1", " test 1", " train 2"]);
    let line = prop_oneof![
        9 => (1_usize..40, split).prop_map(|(number, words)| format!("{number}{words}")),
        1 => Just("x".to_owned()),
    ];
    proptest::collection::vec(proptest::collection::vec(line, 0..25), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_rows_in_any_files_merge_to_the_bytes_of_one_process(
        files in proptest::collection::vec(lines(), 4),
        order in Just(vec!["english", "french", "native", "documents"]).prop_shuffle(),
        count in 2_u32..9,
    ) {
        assert_same(&plan(&order.into_iter().zip(files).collect()), &[count]);
    }
}

/// What a merge by `count` shards refuses with.
fn refusal(plan: &Plan, out: &Path, count: u32) -> String {
    merge_shards(plan, out, count, &Options::default()).unwrap_err().to_string()
}

#[test]
fn a_merge_names_each_shard_that_is_not_there_and_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let sample = Plan::sample().unwrap();
    let shards = Shard::all(4).unwrap();
    let make = |plan: &Plan, index: usize, force| {
        build_shard(plan, &out, shards[index], &Options { force, ..Options::default() })
    };
    make(&sample, 0, false).unwrap();
    make(&sample, 3, false).unwrap();
    // One that is killed while it writes leaves its directory, half-full and without a lock; one goes on.
    let path = |name: &str| directory.path().join("out.shards").join(name);
    let killed = place::Workplace::open(&sample, &path("00003-of-00004")).unwrap();
    std::fs::create_dir_all(killed.made()).unwrap();
    std::fs::write(killed.made().join("records"), "half").unwrap();
    killed.abandon();
    let missing = refusal(&sample, &out, 4);
    assert!(
        missing.contains("out.shards: expected 4 shards of this build, but 2/4 is missing; 3/4 was interrupted; run")
    );
    assert!(missing.contains("`medinjection build --shard I/4`") && !out.exists(), "{missing}");
    let going_on = place::Workplace::open(&sample, &path("00002-of-00004")).unwrap();
    assert!(refusal(&sample, &out, 4).contains("2/4 is still being made: wait for its end; 3/4 was"));
    drop(going_on);
    // Of another number of shards.
    assert!(refusal(&sample, &out, 5).contains("1/5 is missing; 2/5 is missing; 3/5"));
    assert!(refusal(&sample, &out, 20).contains("8/20 is missing; and 12 more; run"));
    assert!(refusal(&sample, &out, 0).contains("expected 1 to 99999 shards, found 0"));
    // Of another configuration, which also no shard replaces by itself.
    let mut other = Plan::sample().unwrap();
    other.seed = 7;
    make(&sample, 2, false).unwrap();
    let foreign = make(&other, 3, false).unwrap_err().to_string();
    assert!(foreign.contains("00004-of-00004: it was made with another configuration: seed"), "{foreign}");
    make(&other, 1, false).unwrap();
    let foreign = refusal(&sample, &out, 4);
    assert!(foreign.contains("but 2/4 was made with another configuration: seed") && foreign.contains("--force"));
    assert!(make(&sample, 1, false).is_err());
    assert!(!make(&sample, 1, true).unwrap().up_to_date && make(&sample, 1, false).unwrap().up_to_date);
    // Damaged after it was written, or one in another's place.
    std::fs::write(path("00002-of-00004/records"), "other").unwrap();
    let damaged = refusal(&sample, &out, 4);
    assert!(
        damaged.contains("the shard 2/4 has another file records than it wrote")
            && damaged.contains("--shard 2/4 --force")
    );
    assert!(make(&sample, 1, false).unwrap_err().to_string().contains("another file records"));
    std::fs::remove_dir_all(path("00002-of-00004")).unwrap();
    std::fs::rename(path("00001-of-00004"), path("00002-of-00004")).unwrap();
    assert!(refusal(&sample, &out, 4).contains("1/4 is missing; 2/4 is the shard 1/4 in another's place"));
    make(&sample, 1, true).unwrap();
    make(&sample, 0, false).unwrap();
    assert!(!merge_shards(&sample, &out, 4, &Options::default()).unwrap().up_to_date);
    // Once more nothing is done, neither by the merge nor by a shard.
    assert!(merge_shards(&sample, &out, 4, &Options::default()).unwrap().up_to_date);
    assert!(make(&sample, 0, false).unwrap().up_to_date && !path("00001-of-00004").exists());
    assert!(Dataset::open(&out).is_ok());
}

#[test]
fn a_merge_that_was_interrupted_begins_again_or_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan::sample().unwrap();
    let expected = whole(&plan, directory.path());
    let out = directory.path().join("out");
    for shard in Shard::all(3).unwrap() {
        build_shard(&plan, &out, shard, &Options::default()).unwrap();
    }
    // Killed while it put the shards together.
    let workplace = place::Workplace::open(&plan, &out).unwrap();
    std::fs::write(workplace.staging().join("records"), "half of the records").unwrap();
    workplace.abandon();
    merge_shards(&plan, &out, 3, &Options::default()).unwrap();
    assert!(bytes_of(&out) == expected);
    // Killed after that: the shards are not asked for again.
    std::fs::remove_dir_all(&out).unwrap();
    let workplace = place::Workplace::open(&plan, &out).unwrap();
    super::tests::first_pass(&plan, &workplace);
    workplace.abandon();
    merge_shards(&plan, &out, 3, &Options::default()).unwrap();
    assert!(bytes_of(&out) == expected);
}

/// Originals under another name.
#[derive(Debug)]
struct Misnamed(SourceInfo, Numbered);
impl Source for Misnamed {
    fn info(&self) -> &SourceInfo {
        &self.0
    }
    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        self.1.read(files, sink)
    }
}

#[test]
fn a_source_that_is_said_to_have_no_original_may_bring_none() {
    let info = SourceInfo::new("english", RowKind::Originals, "MIT");
    let native = SourceInfo::new("x", RowKind::Records(Origin::Native), "MIT");
    let files = SourceFiles::embedded(&[("a.txt", b"1".as_slice())]);
    let plan = Plan::new(42).with_source(Arc::new(Misnamed(native, Numbered(info))), files);
    let directory = tempfile::tempdir().unwrap();
    let refusal = build(&plan, &directory.path().join("out"), false).unwrap_err().to_string();
    assert!(refusal.starts_with("x: expected native records, found an English original; make it"), "{refusal}");
}
