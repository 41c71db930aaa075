use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::Error;
use crate::record::{
    Choice, ChoiceLabel, Document, FieldLanguage, Finding, LineageStep, Origin, Original, Provenance, Reason, Record,
    Rejected, RowProvenance, Split, Synthesis, Task, Translation,
};

fn label(letter: char) -> ChoiceLabel {
    ChoiceLabel::try_from(letter).unwrap()
}

fn record(instruction: &str) -> Record {
    Record {
        id: "0123".into(),
        instruction: instruction.into(),
        context: String::new(),
        choices: vec![
            Choice { label: label('A'), text: "œdème".into() },
            Choice { label: label('B'), text: String::new() },
        ],
        answer_labels: vec![label('A')],
        answer: "A".into(),
        task: Task::Mcqu,
        origin: Origin::Translated,
        split: Split::Train,
        source: "essai".into(),
        source_id: "1".into(),
        group_id: "g".into(),
        license: "MIT".into(),
        provenance: Provenance {
            source_revision: "r".into(),
            source_file: "f.csv".into(),
            source_row: 7,
            lineage: vec![LineageStep { step: "read".into(), detail: String::new() }],
            translation: Some(Translation { scores: [("chrf".to_owned(), 0.5)].into(), ..Translation::default() }),
            synthesis: Some(Synthesis::default()),
        },
        languages: vec![FieldLanguage { field: "instruction".into(), language: "fr".into(), confidence: 0.75 }],
        findings: vec![Finding::warning(Reason::AnswerLeak, "instruction", "détail")],
    }
}

prop_compose! {
    fn records()(
        texts in proptest::collection::vec("\\PC*", 6),
        letters in proptest::collection::vec(proptest::char::range('A', 'Z'), 0..6),
        row: u64,
        confidence in -1e300..1e300,
        translated: bool,
        synthesised: bool,
    ) -> Record {
        let mut record = record(&texts[0]);
        record.context.clone_from(&texts[1]);
        record.choices = letters.iter().map(|letter| Choice { label: label(*letter), text: texts[2].clone() }).collect();
        record.answer_labels = letters.iter().map(|letter| label(*letter)).collect();
        record.provenance.source_row = row;
        record.provenance.translation = record.provenance.translation.filter(|_| translated);
        record.provenance.synthesis = synthesised.then(|| Synthesis { evidence: texts[3].clone(), ..Synthesis::default() });
        record.languages[0].confidence = confidence;
        record.languages[0].field.clone_from(&texts[4]);
        if row % 3 == 0 {
            record.findings.clear();
        }
        record
    }
}

fn write<T: Row>(path: &Path, rows: Vec<T>) {
    let mut writer = RowWriter::create(path).unwrap();
    for row in rows {
        writer.write(row).unwrap();
    }
    writer.finish().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_was_written_is_read_back_and_equal_rows_give_equal_bytes(rows in proptest::collection::vec(records(), 0..9)) {
        let directory = tempfile::tempdir().unwrap();
        let (first, second) = (directory.path().join("a.parquet"), directory.path().join("b.parquet"));
        write(&first, rows.clone());
        write(&second, rows.clone());
        prop_assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
        let read: Vec<Record> = read_records(&first).unwrap().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(read, rows);
    }

    #[test]
    fn a_damaged_file_is_an_error_or_other_rows_but_no_panic(position in 4..8_000usize, byte: u8) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("damaged.parquet");
        write(&path, (0..20).map(|index| record(&format!("question {index}"))).collect());
        let mut bytes = std::fs::read(&path).unwrap();
        let position = position % bytes.len();
        bytes[position] = byte;
        std::fs::write(&path, bytes).unwrap();
        if let Ok(rows) = read_records(&path) {
            prop_assert!(rows.count() <= 21);
        }
    }
}

#[test]
fn rejected_rows_keep_their_record_or_their_raw_text() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rejected.parquet");
    let rejected = |record: Option<Record>, raw: &str| Rejected {
        record,
        reason: Reason::Unreadable,
        detail: "expected a letter".into(),
        partner_id: String::new(),
        source_name: "essai".into(),
        file: "train.json".into(),
        row: 3,
        raw: raw.into(),
    };
    let rows = vec![rejected(None, "{\"é\": 1}"), rejected(Some(record("question")), "")];
    write(&path, rows.clone());
    assert_eq!(read_rejected(&path).unwrap().collect::<Result<Vec<_>, _>>().unwrap(), rows);
    let refusal = read_records(&path).unwrap().next().unwrap().unwrap_err();
    assert!(refusal.to_string().contains("found a null"), "{refusal}");
}

#[test]
fn originals_documents_and_keys_are_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.parquet");
    let original = Original {
        id: "1".into(),
        question: "Which nerve?".into(),
        context: String::new(),
        choices: record("").choices,
        answer_labels: vec![label('B')],
        task: Task::Mcqu,
        source: "mmlu".into(),
        source_id: "anatomy/1".into(),
        license: "MIT".into(),
        provenance: RowProvenance { source_row: 3, ..RowProvenance::default() },
    };
    write(&path, vec![original.clone()]);
    assert_eq!(read_originals(&path).unwrap().collect::<Result<Vec<_>, _>>().unwrap(), [original]);
    let document = Document {
        id: "2".into(),
        text: "Un cas.".into(),
        source: "e3c".into(),
        source_id: "FR1".into(),
        license: "CC-BY-4.0".into(),
        authors: vec!["A. B.".into()],
        reference: "10.1/x".into(),
        provenance: RowProvenance::default(),
    };
    write(&path, vec![document.clone()]);
    assert_eq!(read_documents(&path).unwrap().collect::<Result<Vec<_>, _>>().unwrap(), [document]);
    write(&path, vec![record("question")]);
    let keys: Vec<RecordKey> = read_keys(&path).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!((keys[0].id.as_str(), keys[0].split), ("0123", Split::Train));
}

#[test]
fn more_rows_than_a_batch_are_streamed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("many.parquet");
    write(&path, (0..1_500).map(|index| record(&index.to_string())).collect());
    let rows = read_records(&path).unwrap();
    assert_eq!(rows.num_rows(), 1_500);
    for (index, row) in rows.enumerate() {
        assert_eq!(row.unwrap().instruction, index.to_string());
    }
}

#[test]
fn hostile_files_are_errors_that_name_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hostile.parquet");
    let missing = read_records(&path).unwrap_err();
    assert!(matches!(missing, Error::Io { .. }) && missing.to_string().contains("hostile.parquet"));
    write(&path, vec![record("question")]);
    let whole = std::fs::read(&path).unwrap();
    let wrong: Vec<u8> = b"PAR1".iter().copied().cycle().take(64).collect();
    for bytes in [&whole[..0], &whole[..3], &whole[..whole.len() / 2], &whole[..whole.len() - 1], &wrong, b"{}\n"] {
        std::fs::write(&path, bytes).unwrap();
        let error = read_records(&path).unwrap_err();
        assert!(error.to_string().contains("hostile.parquet: expected a parquet file"), "{error}");
    }
    std::fs::write(&path, whole).unwrap();
    let error = read_documents(&path).unwrap_err();
    assert!(error.to_string().contains("expected a column \"text\", found none"), "{error}");
}
