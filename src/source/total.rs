//! Every source reads whatever bytes its files hold: rows, rows that cannot be read, or an error that names a file.
//!
//! Each source has one good fixture here, which is changed at random; a source without one fails the first test.

use proptest::prelude::*;

use super::fixture::read_bytes;
use super::{
    AnswerForm, ChoiceColumns, ColumnMapping, RowKind, Source, SourceFiles, SourceInfo, SourceRow, SplitRule,
    TableFormat, TableOptions, TableSource, sources,
};
use crate::Error;
use crate::record::{Origin, Split};

/// Names and texts of files.
type Files = Vec<(&'static str, &'static str)>;

const EXAM: &str = r#"[{"id": 1, "clinical_case": "Un homme tousse.", "question": "Que faire ?", "answers": {"A": "Radio", "B": "Rien"}, "correct_answers": ["A"]},
{"question": "Quel germe ?", "answer": "Le pneumocoque."}]"#;
const PUBLISHED: &str = r#"[{"instruction": "Quel os ?\nChoix de réponses :\n(A) Tibia\n(B) Foie", "context": "", "answer": "A", "type": "MCQU", "origin": "Native"}]"#;
const CASE: &str =
    r#"{"id": "FR1", "text": "Un homme de 55 ans tousse.", "authors": ["X"], "doi": "10.1/x", "licence": "CC BY 4.0"}"#;
const CASE_QUESTION: &str = r#"{"source_id": "FR1-1", "document": "FR1", "question": "Quel signe ?", "excerpt": "homme de 55 ans tousse", "choices": {"A": "Toux", "B": "Fièvre"}, "correct_answers": ["A"], "evidence": "tousse"}"#;
const MEDIQAL: &str = "id,clinical_case,question,answer_a,answer_b,answer_c,answer_d,answer_e,correct_answers\n\
                       1,Un homme tousse.,Que faire ?,Rien,Radio,\"Scan\nner\",,,\"A,C\"\n";
const MEDMCQA: &str = "{\"id\": \"x\", \"question\": \"Which?\", \"opa\": \"a\", \"opb\": \"b\", \"opc\": \"c\", \"opd\": \"d\", \"cop\": 4}\n\
                       {\"id\": \"y\", \"question\": \"Which?\", \"opa\": \"a\", \"opb\": \"b\", \"opc\": \"c\", \"opd\": \"d\", \"cop\": 1}\n";
const MEDQA: &str = r#"{"question": "Which ion?", "answer": "K", "options": {"A": "Na", "B": "K"}, "meta_info": "step1", "answer_idx": "B"}"#;
const TMX: &str = "<?xml version=\"1.0\"?><tmx version=\"1.4\"><body><tu tuid=\"a:1\"><prop>x</prop><tuv xml:lang=\"en\"><seg>Fever &amp; cough</seg></tuv>\
                   <tuv xml:lang=\"fr\"><seg>Fièvre et <hi>toux</hi></seg></tuv></tu></body></tmx>";

/// A good file of each kind that the source called `name` reads.
fn fixture(name: &str) -> Option<Files> {
    Some(match name {
        "case_questions" => vec![("documents.jsonl", CASE), ("questions.jsonl", CASE_QUESTION)],
        "deft2021" => vec![("train/c1.txt", "Une patiente tousse."), ("train/c1.ann", "T1\tsosy 13 19\ttousse\n")],
        "diamed" => {
            vec![("train.json", r#"[{"identifier": "1", "clinical_case": "Un cas.", "license": "CC BY-NC 4.0"}]"#)]
        }
        "e3c" => vec![(
            "FR1.json",
            r#"{"id": "FR1", "text": "Un homme.", "authors": [{"author": "X"}], "doi": "10.1/x", "url": "", "licence": "CC BY 4.0"}"#,
        )],
        "frbmedqa" => vec![(
            "train.json",
            r#"[{"passage": "Le @entity1 sécrète l'@entity12.", "question": "L'@placeholder vient du @entity1.", "entities_list": [{"@entity1": "pancréas"}, {"@entity12": "insuline"}], "answer": "@entity12"}]"#,
        )],
        "frenchmedmcqa" => vec![(
            "train.json",
            r#"[{"id": "1", "question": "Quel ion ?", "answers": {"a": "Na", "b": "K"}, "correct_answers": ["b"], "nbr_correct_answers": 1}]"#,
        )],
        "medical_cases_fr" | "medical_mcqa_fr" | "s_editions" => vec![("train.json", EXAM)],
        "medinjection_all" | "medinjection_native" | "medinjection_synthetic" | "medinjection_translated" => {
            vec![("train.json", PUBLISHED)]
        }
        "mediqal" => vec![
            ("mcqm_train.csv", MEDIQAL),
            ("oeq_test.jsonl", r#"{"id": 7, "question": "Quel germe ?", "answer": "Le pneumocoque."}"#),
        ],
        "medmcqa" => vec![
            ("dev.json", MEDMCQA),
            ("x.jsonl", r#"{"id": "x", "question": "Which?\nAnswer Choices: (A) One (B) Two", "label": ["B"]}"#),
        ],
        "medqa" => vec![("test.jsonl", MEDQA)],
        "medxpertqa" => vec![(
            "test.jsonl",
            r#"{"id": "T", "question": "Which?\nAnswer Choices: (A) One (B) Two", "label": ["B"], "options": [{"letter": "A", "content": "One"}, {"letter": "B", "content": "Two"}]}"#,
        )],
        "mmlu" => vec![("anatomy_test.csv", "Which bone?,Tibia,Ulna,Radius,\"Flat, long\",B\n")],
        "mmlu_fr" => vec![
            ("anatomy_test.csv", "Which bone?,Tibia,Ulna,Radius,Femur,B\nWhich?,a,b,c,d,A\n"),
            ("anatomy_test.fr.csv", "Quel os ?,Tibia,Ulna,Radius,Fémur,B\nLequel ?,a,b,c,d,A\n"),
        ],
        "mmlu_pro" => vec![(
            "test.jsonl",
            r#"{"question_id": 1, "question": "Q?", "options": ["x", "y"], "answer": "B", "answer_index": 1, "category": "health"}"#,
        )],
        "morfitt" => {
            vec![("dev.tsv", "identifier\tabstract\tspecialities\n1\t\" Un \"\"essai\"\".\"\tpsychology|genetics\n")]
        }
        "pubmedqa" => vec![
            (
                "ori_pqal.json",
                r#"{"11": {"QUESTION": "Is it?", "CONTEXTS": ["One.", "Two."], "LABELS": ["AIM", "RESULTS"], "final_decision": "no", "LONG_ANSWER": "It is not."}}"#,
            ),
            ("test_ground_truth.json", r#"{"11": "no"}"#),
        ],
        "tico19" => vec![("all.en-fr.tmx", TMX)],
        "wmt_biomedical" => vec![
            ("m_en2fr.en", "Fever.\n\nCough.\n"),
            ("m_en2fr.fr", "Fièvre.\n\nToux.\n"),
            ("m_en2fr_en.txt", "doc1\t1\tFever.\n"),
            ("m_en2fr_fr.txt", "doc1\t1\tFièvre.\n"),
        ],
        "table_csv" => vec![("q.csv", "q,a,b,r\n\"Quel \"\"os\"\" ?\",Tibia,Foie,1\nQuel os ?,Tibia,Foie,\"1,2\"\n")],
        "table_json" => vec![("q.json", r#"[{"q": "Quel os ?", "a": "Tibia", "b": 5, "r": [1, 2.0]}]"#)],
        "table_jsonl" => vec![("q.jsonl", "{\"q\": \"Quel os ?\", \"a\": \"Tibia\", \"b\": \"Foie\", \"r\": 2}\n")],
        _ => return None,
    })
}

/// Every source, and tables of each format.
fn all() -> Vec<std::sync::Arc<dyn Source>> {
    let mut all = sources();
    for (name, format) in
        [("table_csv", TableFormat::Csv), ("table_json", TableFormat::Json), ("table_jsonl", TableFormat::Jsonl)]
    {
        let columns = ColumnMapping {
            instruction: Some("q".to_owned()),
            choices: Some(ChoiceColumns::Each(vec!["a".to_owned(), "b".to_owned()])),
            answer: Some("r".to_owned()),
            ..ColumnMapping::default()
        };
        let answer_form = Some(AnswerForm::IndexFrom1);
        let split = SplitRule::Fixed(Split::Train);
        let options = TableOptions { format, delimiter: None, task: None, split, answer_form, columns };
        let info = SourceInfo::new(name, RowKind::Records(Origin::Native), "MIT");
        all.push(std::sync::Arc::new(TableSource::new(info, options).unwrap()));
    }
    all
}

/// One way in which a file is damaged; places are shares of its length, in 1/65536.
#[derive(Debug, Clone)]
enum Damage {
    Flip(u16, u8),
    Cut(u16),
    Remove(u16, u8),
    Repeat(u16, u8),
    Insert(u16, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    let pieces =
        ["\"", "\\", "[", "]", "{", "}", ",", "\n", "\t", "\0", "null", "-1", "1e999", "\\ud800", "<tu>", "&x;", "é"];
    let piece = prop_oneof![
        proptest::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..8),
    ];
    prop_oneof![
        (any::<u16>(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        any::<u16>().prop_map(Damage::Cut),
        (any::<u16>(), any::<u8>()).prop_map(|(at, length)| Damage::Remove(at, length)),
        (any::<u16>(), any::<u8>()).prop_map(|(at, length)| Damage::Repeat(at, length)),
        (any::<u16>(), piece).prop_map(|(at, piece)| Damage::Insert(at, piece)),
    ]
}

fn damaged(bytes: &mut Vec<u8>, damage: &Damage) {
    let at = |share: u16| bytes.len() * usize::from(share) / 65_536;
    let span = |share: u16, length: u8| at(share)..(at(share) + usize::from(length)).min(bytes.len());
    match damage {
        Damage::Flip(share, bit) => {
            let at = at(*share);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
        Damage::Cut(share) => bytes.truncate(at(*share)),
        Damage::Remove(share, length) => drop(bytes.drain(span(*share, *length))),
        Damage::Repeat(share, length) => {
            let span = span(*share, *length);
            let (end, repeated) = (span.end, bytes[span].to_vec());
            bytes.splice(end..end, repeated);
        }
        Damage::Insert(share, piece) => {
            let at = at(*share);
            bytes.splice(at..at, piece.iter().copied());
        }
    }
}

/// Reads the files twice: the same comes out, and whatever it is names one of the files and a row.
fn check(source: &dyn Source, files: &[(&str, Vec<u8>)]) {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let is_known = |name: &str| files.iter().any(|(known, _)| *known == name);
    let outcome = read_bytes(source, &files);
    match (&outcome, read_bytes(source, &files)) {
        (Ok(rows), Ok(again)) => assert_eq!(*rows, again),
        (Err(error), Err(again)) => assert_eq!(error.to_string(), again.to_string()),
        (first, second) => panic!("{first:?} and then {second:?}"),
    }
    match outcome {
        Err(Error::Format { path, message, .. }) => {
            assert!(is_known(&path.to_string_lossy()) && message.contains("expected "), "{path:?}: {message}");
        }
        Err(other) => panic!("{other}"),
        Ok(rows) => {
            for row in &rows {
                let (file, row, text) = match row {
                    SourceRow::Record(record) => {
                        (&record.provenance.source_file, record.provenance.source_row, &record.id)
                    }
                    SourceRow::Original(original) => {
                        (&original.provenance.source_file, original.provenance.source_row, &original.id)
                    }
                    SourceRow::Document(document) => {
                        (&document.provenance.source_file, document.provenance.source_row, &document.id)
                    }
                    SourceRow::Unreadable(unreadable) => (&unreadable.file, unreadable.row, &unreadable.detail),
                    SourceRow::Note(note) => (&note.file, 1, &note.message),
                };
                assert!(is_known(file) && row >= 1 && !text.is_empty(), "{row:?}");
            }
        }
    }
}

#[test]
fn every_source_has_a_fixture_that_it_reads_whole() {
    for source in all() {
        let name = source.info().name.clone();
        let files = fixture(&name).unwrap_or_else(|| panic!("expected a fixture of {name} in this file"));
        let files: Vec<(&str, Vec<u8>)> =
            files.into_iter().map(|(file, text)| (file, text.as_bytes().to_vec())).collect();
        check(&*source, &files);
        let bytes: Vec<(&str, &[u8])> = files.iter().map(|(file, bytes)| (*file, bytes.as_slice())).collect();
        let rows = read_bytes(&*source, &bytes).unwrap();
        let is_read = |row: &&SourceRow| !matches!(row, SourceRow::Note(_));
        let wrong = rows.iter().find(|row| matches!(row, SourceRow::Unreadable(_)));
        assert!(rows.iter().filter(is_read).count() > 0 && wrong.is_none(), "{name}: {rows:?}");
    }
}

#[test]
fn the_parts_of_a_source_give_the_rows_of_its_files_together() {
    for source in all() {
        // Each file three times, in different folders.
        let name = source.info().name.clone();
        let thrice = |(file, text)| {
            ["", "x/", "y/"].map(|folder: &str| -> (String, &'static str) { (format!("{folder}{file}"), text) })
        };
        let files: Vec<(String, &str)> = fixture(&name).unwrap().into_iter().flat_map(thrice).collect();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(file, text)| (file.as_str(), text.as_bytes())).collect();
        let files = SourceFiles::embedded(&files);
        let read = |files: &SourceFiles| {
            let mut rows = Vec::new();
            let outcome = source.read(files, &mut |row| {
                rows.push(row);
                Ok(())
            });
            outcome.map_or_else(|error| panic!("{name}: {error}"), |()| rows)
        };
        let parts = files.parts(|file| source.part_of(file));
        let by_part: Vec<SourceRow> = parts.iter().flat_map(read).collect();
        assert_eq!(by_part, read(&files), "{name}");
        let brings = |row: &SourceRow| matches!(row, SourceRow::Original(_));
        assert!(!by_part.iter().any(brings) || source.info().kind.has_originals(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Every source is damaged in each case.
    #[test]
    fn damaged_files_are_rows_or_errors(damages in proptest::collection::vec(damage(), 1..4), which: usize) {
        for source in all() {
            let files = fixture(&source.info().name).unwrap();
            let which = which % files.len();
            let mut files: Vec<(&str, Vec<u8>)> =
                files.into_iter().map(|(file, text)| (file, text.as_bytes().to_vec())).collect();
            for damage in &damages {
                damaged(&mut files[which].1, damage);
            }
            check(&*source, &files);
        }
    }

    #[test]
    fn any_bytes_are_rows_or_errors(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[\\[{\"a1:,}\\]\n\t<>é]{0,80}") {
        for source in all() {
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                let files = fixture(&source.info().name).unwrap();
                check(&*source, &files.iter().map(|(file, _)| (*file, bytes.to_vec())).collect::<Vec<_>>());
            }
        }
    }
}
