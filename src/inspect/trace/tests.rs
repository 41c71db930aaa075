use std::path::Path;

use super::*;
use crate::columnar::{DocumentWriter, OriginalWriter, RecordWriter, RejectedWriter};
use crate::provenance::{FileEntry, SourceEntry};
use crate::record::fixture::choice_record;
use crate::record::{Redistribution, RowProvenance};

const REVISION: &str = "sha256:abc";

fn lineage() -> Vec<LineageStep> {
    vec![LineageStep { step: "read".to_owned(), detail: "CSV".to_owned() }]
}

fn provenance(row: u64) -> Provenance {
    let (source_revision, source_file) = (REVISION.to_owned(), "a.csv".to_owned());
    Provenance { source_revision, source_file, source_row: row, lineage: lineage(), ..Provenance::default() }
}

fn row_provenance(row: u64) -> RowProvenance {
    let (source_revision, source_file) = (REVISION.to_owned(), "a.csv".to_owned());
    RowProvenance { source_revision, source_file, source_row: row, lineage: lineage() }
}

fn original() -> Original {
    Original {
        id: "0e000000000000000000000000000001".to_owned(),
        question: "Which bone?".to_owned(),
        context: String::new(),
        choices: Vec::new(),
        answer_labels: Vec::new(),
        task: Task::Oeq,
        source: "mmlu".to_owned(),
        source_id: "1".to_owned(),
        license: "MIT".to_owned(),
        provenance: row_provenance(7),
    }
}

fn document() -> Document {
    Document {
        id: "d0000000000000000000000000000001".to_owned(),
        text: "Un cas clinique.".to_owned(),
        source: "e3c".to_owned(),
        source_id: "1".to_owned(),
        license: "CC-BY-4.0".to_owned(),
        authors: Vec::new(),
        reference: String::new(),
        provenance: row_provenance(8),
    }
}

/// A translated record and a synthetic one of one group, a duplicate of the first, an original and a document.
fn dataset(directory: &Path) -> (Dataset, [Record; 3]) {
    let mut translated = choice_record("Quel os de la jambe ?", &["Tibia", "Foie"], "A");
    translated.provenance = provenance(1);
    translated.provenance.translation = Some(Translation { original_id: original().id, ..Translation::default() });
    translated.findings = vec![
        Finding::warning(Reason::AnswerLeak, "instruction", "found the answer"),
        Finding::warning(Reason::ChoiceOrder, "choices", "found another order"),
    ];
    let mut synthetic = choice_record("Quel nerf du bras ?", &["Radial", "Foie"], "A");
    synthetic.provenance = provenance(2);
    synthetic.provenance.synthesis = Some(Synthesis { document_id: document().id, ..Synthesis::default() });
    synthetic.group_id.clone_from(&translated.group_id);
    let mut duplicate = choice_record("QUEL os de la jambe ?", &["Tibia", "Foie"], "A");
    duplicate.provenance = provenance(3);
    let rejected = Rejected {
        record: Some(duplicate.clone()),
        reason: Reason::Duplicate,
        detail: "same question".to_owned(),
        partner_id: translated.id.clone(),
        source_name: "fixture".to_owned(),
        file: "a.csv".to_owned(),
        row: 3,
        raw: String::new(),
    };
    let mut manifest = Manifest::new(serde_json::Value::Null);
    let names = ["data/train-0.parquet", "rejected.parquet", "originals/o.parquet", "documents/d.parquet"];
    let [data, rejections, originals, documents] = names.map(|name| directory.join(name));
    let mut writer = RecordWriter::create(&data).unwrap();
    writer.write(translated.clone()).unwrap();
    writer.write(synthetic.clone()).unwrap();
    writer.finish().unwrap();
    let mut writer = RejectedWriter::create(&rejections).unwrap();
    writer.write(rejected).unwrap();
    writer.finish().unwrap();
    let mut writer = OriginalWriter::create(&originals).unwrap();
    writer.write(original()).unwrap();
    writer.finish().unwrap();
    let mut writer = DocumentWriter::create(&documents).unwrap();
    writer.write(document()).unwrap();
    writer.finish().unwrap();
    for name in names {
        manifest.files.insert(name.to_owned(), FileEntry::of(&directory.join(name), Some(1)).unwrap());
    }
    manifest.sources = vec![SourceEntry {
        name: "fixture".to_owned(),
        license: "MIT".to_owned(),
        licenses: [("MIT".to_owned(), 4)].into(),
        redistribution: Redistribution::Attribution,
        citation: String::new(),
        homepage: String::new(),
        hub_repository: String::new(),
        revision: REVISION.to_owned(),
        rejected: [("duplicate".to_owned(), 1)].into(),
        notes: Vec::new(),
        files: [("a.csv".to_owned(), FileEntry { sha256: "f".repeat(64), num_bytes: 9, num_rows: None })].into(),
    }];
    manifest.write(directory).unwrap();
    (Dataset::open(directory).unwrap(), [translated, synthetic, duplicate])
}

#[test]
fn a_record_has_its_place_its_checks_its_group_its_original_and_what_gave_way_to_it() {
    let directory = tempfile::tempdir().unwrap();
    let (dataset, [translated, synthetic, duplicate]) = dataset(directory.path());
    let trace = trace(&dataset, &translated.id[..6]).unwrap();
    assert_eq!((trace.id.as_str(), trace.kind), (translated.id.as_str(), RowKind::Record));
    assert_eq!((trace.place.file.as_str(), trace.place.row), ("a.csv", 1));
    assert_eq!(trace.place.file_sha256, "f".repeat(64));
    let found = |reason| trace.checks.iter().find(|check| check.reason == reason).map(|check| check.findings.len());
    assert_eq!((found(Reason::AnswerLeak), found(Reason::NotFrench)), (Some(1), Some(0)));
    assert_eq!((found(Reason::ChoiceOrder), found(Reason::ChoiceCount)), (Some(1), Some(0)));
    assert_eq!(trace.group.unwrap().others, [synthetic.id]);
    assert_eq!((trace.rejected_for_it[0].id.as_str(), trace.rejected_for_it[0].place.row), (duplicate.id.as_str(), 3));
    let translation = trace.translation.unwrap();
    assert_eq!((translation.text.as_str(), translation.place.unwrap().row), ("Which bone?", 7));
    assert!(trace.synthesis.is_none() && trace.rejection.is_none());
}

#[test]
fn a_synthetic_record_has_its_document_and_no_check_of_translations() {
    let directory = tempfile::tempdir().unwrap();
    let (dataset, [_, synthetic, _]) = dataset(directory.path());
    let trace = trace(&dataset, &synthetic.id).unwrap();
    assert_eq!(trace.synthesis.unwrap().place.unwrap().source, "e3c");
    assert!(trace.checks.iter().all(|check| !check.reason.is_of_translation()));
}

#[test]
fn a_rejected_record_has_its_reason_and_partner() {
    let directory = tempfile::tempdir().unwrap();
    let (dataset, [translated, _, duplicate]) = dataset(directory.path());
    let trace = trace(&dataset, &duplicate.id).unwrap();
    let rejection = trace.rejection.unwrap();
    assert_eq!((trace.kind, rejection.reason), (RowKind::Rejected, Reason::Duplicate));
    assert_eq!(rejection.partner_id, translated.id);
}

#[test]
fn originals_and_documents_name_the_records_made_from_them() {
    let directory = tempfile::tempdir().unwrap();
    let (dataset, [translated, synthetic, _]) = dataset(directory.path());
    let of_original = trace(&dataset, &original().id).unwrap();
    assert_eq!((of_original.kind, of_original.made_from_it), (RowKind::Original, vec![translated.id]));
    assert_eq!((of_original.place.row, of_original.lineage.len()), (7, 1));
    let of_document = trace(&dataset, &document().id).unwrap();
    assert_eq!((of_document.kind, of_document.made_from_it), (RowKind::Document, vec![synthetic.id]));
    assert!(trace(&dataset, "zzz").is_err());
}
