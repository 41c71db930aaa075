//! Translated records beside their English originals, from sources in either order.

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::*;
use crate::provenance::Dataset;
use crate::record::fixture::choice_record;
use crate::record::{Choice, Finding, Origin, Original, Reason, Record, RowProvenance, Severity, Split, Translation};
use crate::source::{RowKind, Sink, Source, SourceFiles, SourceInfo};
use crate::validate::validate_path;

/// Questions enough for several chunks.
const NUM_QUESTIONS: usize = 1_100;

/// English originals, or French records that name them.
#[derive(Debug)]
struct Bilingual {
    info: SourceInfo,
    french: bool,
}

impl Bilingual {
    fn in_plan(plan: Plan, name: &str, french: bool) -> Plan {
        let kind = if french { RowKind::Records(Origin::Translated) } else { RowKind::Originals };
        let info = SourceInfo::new(name, kind, "MIT").with_files(["*.txt"]);
        plan.with_source(Arc::new(Self { info, french }), SourceFiles::embedded(&[("a.txt", b"".as_slice())]))
    }
}

pub(super) fn original(number: usize) -> Original {
    let choices = choice_record("", &["The liver", "The kidney", "The heart"], "A").choices;
    Original {
        id: format!("original {number}"),
        question: format!("Which organ removes {number} mg of substance {number} from the blood?"),
        context: String::new(),
        choices,
        answer_labels: vec!["A".parse().unwrap()],
        task: crate::record::Task::Mcqu,
        source: "english".to_owned(),
        source_id: number.to_string(),
        license: "MIT".to_owned(),
        provenance: RowProvenance::default(),
    }
}

/// Every tenth has lost a choice's translation, every eleventh the unit; one names no original, one an original that is nowhere.
pub(super) fn record(number: usize) -> Record {
    let unit = if number.is_multiple_of(11) { "kg" } else { "mg" };
    let question = format!("Quel organe retire {number} {unit} de la substance {number} du sang ?");
    let mut record = choice_record(&question, &["Le foie", "Le rein", "Le cœur"], "A");
    if number.is_multiple_of(10) {
        let last: &mut Choice = &mut record.choices[2];
        "The heart".clone_into(&mut last.text);
    }
    let original_id = match number {
        3 => String::new(),
        4 => "of another data set".to_owned(),
        _ => format!("original {number}"),
    };
    record.origin = Origin::Translated;
    record.source_id = number.to_string();
    record.provenance.translation = Some(Translation { original_id, ..Translation::default() });
    record.id = record.content_id();
    record
}

impl Source for Bilingual {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&self, _: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        (1..=NUM_QUESTIONS)
            .try_for_each(|number| sink(if self.french { record(number).into() } else { original(number).into() }))
    }
}

/// What a build found in each record, rejected or not, and its notes.
fn found(plan: &Plan, num_threads: usize) -> (Vec<(String, Vec<Finding>)>, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let num_threads = NonZeroUsize::new(num_threads).unwrap();
    let built = build_with(plan, &out, &Options { num_threads, ..Options::default() }).unwrap();
    let dataset = Dataset::open(&out).unwrap();
    let kept = Split::ALL.iter().flat_map(|split| dataset.records(*split)).map(|record| record.unwrap());
    let rejected = dataset.rejected().filter_map(|rejected| rejected.unwrap().record);
    let mut found: Vec<_> = kept.chain(rejected).map(|record| (record.source_id, record.findings)).collect();
    found.sort_by_key(|(number, _)| number.parse::<usize>().unwrap());
    (found, built.manifest.sources.into_iter().flat_map(|source| source.notes).collect())
}

#[test]
fn a_translation_is_compared_with_its_original_whatever_is_read_first() {
    let (english, french) = (("english", false), ("french", true));
    let plan = |order: [(&str, bool); 2]| {
        // Near-duplicates are not what this is about.
        let mut plan = Plan::new(42);
        plan.dedup.near_threshold = 1.0;
        plan.dedup.leak_threshold = 1.0;
        order.into_iter().fold(plan, |plan, (name, french)| Bilingual::in_plan(plan, name, french))
    };
    let (first, notes) = found(&plan([english, french]), 1);
    assert_eq!(first.len(), NUM_QUESTIONS);
    assert_eq!(notes, ["2 translated records not compared with an English original, which is not at hand"]);
    let reasons = |number: usize| -> Vec<Reason> {
        let errors = first[number - 1].1.iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| finding.reason).collect()
    };
    assert_eq!(
        (reasons(10), reasons(11), reasons(12)),
        (vec![Reason::CopiedEnglish], vec![Reason::UnitMismatch], vec![])
    );
    for (order, num_threads) in [([french, english], 1), ([french, english], 2), ([english, french], 3)] {
        assert_eq!((&first, &notes), (&found(&plan(order), num_threads).0, &notes), "{order:?} {num_threads}");
    }
}

#[test]
fn a_data_set_is_validated_with_what_the_build_found() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let plan = Bilingual::in_plan(Bilingual::in_plan(Plan::new(42), "french", true), "english", false);
    build(&plan, &out, false).unwrap();
    let dataset = Dataset::open(&out).unwrap();
    let kept = Split::ALL.iter().flat_map(|split| dataset.records(*split)).map(|record| record.unwrap());
    let expected: Vec<Finding> = kept.flat_map(|record| record.findings).collect();
    let mut findings = Vec::new();
    let mut sink = |located: &crate::validate::Located| {
        findings.push(located.finding.clone());
        Ok(())
    };
    let summary = validate_path(&out, &mut sink).unwrap();
    assert_eq!((findings, summary.num_rows_with_errors()), (expected, 0));
    assert_eq!(summary.num_not_compared(), 2);
}
