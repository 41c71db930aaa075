use super::*;
use crate::record::fixture::choice_record;
use crate::record::{Document, Origin, Original, Record};
use crate::source::Unreadable;
use crate::source::fixture::read;

const CHOICES: &str = "instruction = 'q'\nchoices = ['a', 'b', 'c']\nanswer = 'r'\n";

fn options(format: TableFormat, form: Option<AnswerForm>, columns: &str) -> TableOptions {
    TableOptions {
        format,
        delimiter: None,
        task: None,
        split: SplitRule::Fixed(Split::Train),
        answer_form: form,
        columns: toml::from_str(columns).unwrap(),
    }
}

fn source(options: TableOptions) -> TableSource {
    TableSource::new(SourceInfo::new("x", RowKind::Records(Origin::Native), "MIT"), options).unwrap()
}

fn records(rows: &[SourceRow]) -> Vec<&Record> {
    rows.iter().filter_map(|row| if let SourceRow::Record(record) = row { Some(&**record) } else { None }).collect()
}

fn unreadable(rows: &[SourceRow]) -> Vec<&Unreadable> {
    rows.iter().filter_map(|row| if let SourceRow::Unreadable(bad) = row { Some(bad) } else { None }).collect()
}

/// The answer of the one row, or why it cannot be read.
fn answer(format: TableFormat, form: AnswerForm, columns: &str, text: &str) -> Result<String, String> {
    let rows = read(&source(options(format, Some(form), columns)), &[("f", text)]).unwrap();
    match (records(&rows).as_slice(), unreadable(&rows).as_slice()) {
        ([record], []) => Ok(record.answer.clone()),
        ([], [bad]) => Err(bad.detail.clone()),
        _ => panic!("{rows:?}"),
    }
}

#[test]
fn an_answer_is_read_as_it_is_said_to_be_written() {
    use AnswerForm::{ChoiceText, IndexFrom0, IndexFrom1, Letters};
    let csv = |form, cell: &str| {
        answer(TableFormat::Csv, form, CHOICES, &format!("q,a,b,c,r\nQuel os ?,Tibia,Ulna,Foie,{cell}\n"))
    };
    for (form, cell, expected) in [
        (Letters, "b", "B"),
        (Letters, "\"A, C\"", "A, C"),
        (Letters, "AC", "A, C"),
        (IndexFrom0, "0", "A"),
        (IndexFrom1, "1", "A"),
        (IndexFrom1, "2.0", "B"),
        (IndexFrom1, "\"3,1\"", "A, C"),
        (ChoiceText, "Ulna ", "B"),
    ] {
        assert_eq!(csv(form, cell).as_deref(), Ok(expected), "{form:?} {cell}");
    }
    for (form, cell, expected) in [
        (Letters, "d", "r: expected letters among A, B, C, found \"d\""),
        (IndexFrom0, "3", "r: expected the number of a choice from 0 to 2, found \"3\""),
        (IndexFrom1, "0", "r: expected the number of a choice from 1 to 3, found \"0\""),
        (IndexFrom1, "B", "r: expected the number of a choice from 1 to 3, found \"B\""),
        (IndexFrom1, "1;1", "r: expected each choice once, found \"1\" twice"),
        (ChoiceText, "ulna", "r: expected the text of one of 3 choices, found \"ulna\""),
        (IndexFrom1, "", "expected an answer in r, found none"),
        (Letters, "", "expected an answer in r, found none"),
    ] {
        assert_eq!(csv(form, cell), Err(expected.to_owned()), "{form:?} {cell}");
    }
    let same = "q,a,b,c,r\nQuel os ?,Tibia,Tibia,Foie,Tibia\n";
    assert!(answer(TableFormat::Csv, ChoiceText, CHOICES, same).unwrap_err().contains("which is that of two"));
}

#[test]
fn choices_stand_in_columns_lists_or_objects_and_names_have_dots() {
    let columns = "instruction = 'item.q'\nchoices = 'item.options'\nanswer = 'gold'\n";
    for options in [
        r#"["Tibia", "Foie"]"#,
        r#"{"B": "Foie", "A": "Tibia"}"#,
        r#"[{"label": "A", "text": "Tibia"}, {"label": "B", "text": "Foie"}]"#,
        r#""[\"Tibia\", \"Foie\"]""#,
        "[5, 10]",
    ] {
        let line = format!("{{\"item\": {{\"q\": \"Quel os ?\", \"options\": {options}}}, \"gold\": [1]}}");
        assert_eq!(answer(TableFormat::Jsonl, AnswerForm::IndexFrom0, columns, &line).as_deref(), Ok("B"), "{options}");
    }
    let line = r#"{"item": {"q": "Quel os ?", "options": "Tibia|Foie"}, "gold": 1}"#;
    let refusal = answer(TableFormat::Jsonl, AnswerForm::IndexFrom0, columns, line).unwrap_err();
    assert!(refusal.starts_with("item.options: expected choices as a JSON list or object"), "{refusal}");
    let dotted = r#"[{"item.q": "Quel os ?", "item": {"options": ["Tibia", "Foie"]}, "gold": 0}]"#;
    assert_eq!(answer(TableFormat::Json, AnswerForm::IndexFrom0, columns, dotted).as_deref(), Ok("A"));
}

#[test]
fn a_missing_column_is_an_error_that_names_those_there_are() {
    let refusal = |text: &str| {
        let source = source(options(TableFormat::Csv, Some(AnswerForm::Letters), CHOICES));
        read(&source, &[("f.csv", text)]).unwrap_err().to_string()
    };
    assert_eq!(
        refusal("q,a,b,d,r\nQ ?,1,2,3,A\n"),
        "f.csv: expected the column c, found in the header only: a, b, d, q, r"
    );
    assert!(refusal("q;a;b;c;r\nQ ?;1;2;3;A\n").ends_with("is delimiter = \";\" missing?"));
    let json = |columns: &str, text: &str| {
        read(&source(options(TableFormat::Jsonl, None, columns)), &[("f", text)]).map_err(|error| error.to_string())
    };
    let columns = "instruction = 'q'\nanswer = 'r.texte'\ncontext = 'c'\n";
    // What is empty may be left out of a row, but not of all.
    let rows =
        json(columns, "{\"q\": \"Q ?\", \"r\": null}\n{\"q\": \"Q ?\", \"r\": {\"texte\": \"R\"}, \"c\": \"C\"}\n");
    let rows = rows.unwrap();
    assert_eq!(
        (records(&rows).len(), unreadable(&rows)[0].detail.as_str()),
        (1, "expected a text in r.texte, found none")
    );
    let refusal = json(columns, "{\"q\": \"Q ?\", \"r\": {\"text\": \"R\"}}").unwrap_err();
    assert_eq!(refusal, "f: expected the column c, r.texte, found in the first row only: q, r.text");
}

#[test]
fn a_column_that_stands_twice_is_refused_where_it_is_mapped() {
    let csv = |text: &str| {
        let source = source(options(TableFormat::Csv, Some(AnswerForm::Letters), CHOICES));
        read(&source, &[("f.csv", text)]).map_err(|error| error.to_string())
    };
    let refusal = csv("q,a,b,c,r,a\nQ ?,1,2,3,A,4\n").unwrap_err();
    assert_eq!(refusal, "f.csv: expected each mapped column once in the header, found \"a\" twice");
    assert_eq!(records(&csv("q,a,b,c,r,x,x\nQ ?,1,2,3,A,4,5\n").unwrap()).len(), 1);
    let open = "instruction = 'q'\nanswer = 'r'\n";
    let text = "{\"q\": \"Q ?\", \"r\": \"R\", \"q\": \"Q2 ?\"}\n{\"q\": \"Q ?\", \"r\": \"R\", \"x\": 1, \"x\": 2}\n";
    let rows = read(&source(options(TableFormat::Jsonl, None, open)), &[("f", text)]).unwrap();
    assert_eq!(unreadable(&rows)[0].detail, "expected each key once, the key \"q\" stands twice");
    assert_eq!((unreadable(&rows).len(), records(&rows).len()), (1, 1));
    let one = "instruction = 'q'\nchoices = 'o'\nanswer = 'r'\n";
    let object = "{\"A\": \"x\", \"B\": \"y\", \"A\": \"z\"}";
    let json = format!("{{\"q\": \"Q ?\", \"o\": {object}, \"r\": \"A\"}}\n");
    let quoted = format!("q,o,r\nQ ?,\"{}\",A\n", object.replace('"', "\"\""));
    for (format, text) in [(TableFormat::Jsonl, json), (TableFormat::Csv, quoted)] {
        let detail = answer(format, AnswerForm::Letters, one, &text).unwrap_err();
        assert!(detail.contains("the key \"A\" stands twice"), "{detail}");
    }
}

#[test]
fn columns_are_looked_for_in_a_header_without_rows() {
    let source = source(options(TableFormat::Csv, Some(AnswerForm::Letters), CHOICES));
    let refusal = read(&source, &[("f.csv", "q,a,b,r\n")]).unwrap_err().to_string();
    assert_eq!(refusal, "f.csv: expected the column c, found in the header only: a, b, q, r");
    let refusal = read(&source, &[("f.csv", "q,a,b,c,r\rQ ?,1,2,3,A\r")]).unwrap_err().to_string();
    assert!(refusal.contains("found CR alone"), "{refusal}");
    let long = format!("{}\n", "é".repeat(500));
    let refusal = read(&source, &[("f.csv", long.as_str())]).unwrap_err().to_string();
    assert!(refusal.chars().count() < 250 && refusal.ends_with('…'), "{refusal}");
}

#[test]
fn what_options_leave_open_is_refused() {
    let refusal = |kind, form, columns: &str| {
        let options = options(TableFormat::Csv, form, columns);
        TableSource::new(SourceInfo::new("x", kind, "MIT"), options).unwrap_err().to_string()
    };
    let native = RowKind::Records(Origin::Native);
    assert!(refusal(native, None, CHOICES).starts_with("source.answer_form: expected one of letters, index_from_0"));
    let open = "instruction = 'q'\nanswer = 'r'\n";
    assert!(refusal(native, Some(AnswerForm::Letters), open).contains("expected columns.choices beside it"));
    assert!(refusal(native, None, "answer = 'r'").starts_with("source.columns.instruction: expected the column"));
    assert!(refusal(RowKind::Documents, None, open).starts_with("source.columns.text: expected the column"));
    assert!(refusal(native, None, &format!("{open}text = 't'")).starts_with("source.columns.text: expected nothing"));
    for (format, delimiter) in [(TableFormat::Csv, '"'), (TableFormat::Csv, 'é'), (TableFormat::Jsonl, ';')] {
        let options = TableOptions { delimiter: Some(delimiter), ..options(format, None, open) };
        let refusal = TableSource::new(SourceInfo::new("x", native, "MIT"), options).unwrap_err().to_string();
        assert!(refusal.starts_with("source.delimiter: expected "), "{refusal}");
    }
}

#[test]
fn splits_are_said_by_file_column_or_configuration() {
    let open = "instruction = 'q'\nanswer = 'r'\n";
    let split = |rule, columns: &str, name: &str, text: &str| {
        let source = source(TableOptions { split: rule, ..options(TableFormat::Csv, None, columns) });
        read(&source, &[(name, text)]).map(|rows| records(&rows).iter().map(|record| record.split).collect::<Vec<_>>())
    };
    let text = "q,r,s\nQ ?,R,val\nQ ?,R,test\n";
    assert_eq!(split(SplitRule::FileName, open, "dev.csv", text).unwrap(), [Split::Validation; 2]);
    assert_eq!(split(SplitRule::Fixed(Split::Test), open, "q.csv", text).unwrap(), [Split::Test; 2]);
    let mapped = format!("{open}split = 's'\n");
    assert_eq!(split(SplitRule::FileName, &mapped, "q.csv", text).unwrap(), [Split::Validation, Split::Test]);
    let refusal = split(SplitRule::FileName, open, "q.csv", text).unwrap_err().to_string();
    assert!(
        refusal.starts_with("q.csv: expected train, dev") && refusal.ends_with("in the configuration"),
        "{refusal}"
    );
}

#[test]
fn tasks_groups_and_identifiers_are_read_where_they_are_mapped() {
    let columns = format!("{CHOICES}task = 't'\ngroup = 'g'\nid = 'n'\n");
    let text =
        "q,a,b,c,r,t,g,n\nQ ?,1,2,3,A,MCQ,cas,7\nQ2 ?,,,,Le foie,oeq,cas,8\nQ3 ?,,,,A,,cas,7\nQ4 ?,1,2,3,A,x,,9\n";
    let rows = read(&source(options(TableFormat::Csv, Some(AnswerForm::Letters), &columns)), &[("f", text)]).unwrap();
    let found = records(&rows);
    assert_eq!(found.iter().map(|record| record.task).collect::<Vec<_>>(), [Task::Mcq, Task::Oeq]);
    assert_eq!((&found[0].group_id, found[0].source_id.as_str()), (&found[1].group_id, "7"));
    let details: Vec<&str> = unreadable(&rows).iter().map(|bad| bad.detail.as_str()).collect();
    assert!(
        details[0].starts_with("expected choices, found none") && details[1].starts_with("t: expected one of mcqu")
    );
    let Some(SourceRow::Note(note)) = rows.last() else { panic!("{rows:?}") };
    assert!(
        note.message
            .starts_with("1 rows have the identifier of an earlier row, the first of them \"7\" in rows 2 and 4")
    );
}

#[test]
fn originals_and_documents_are_tables_too() {
    let of = |kind, form, columns: &str, text: &str| {
        let options = options(TableFormat::Csv, form, columns);
        read(&TableSource::new(SourceInfo::new("x", kind, "MIT"), options).unwrap(), &[("f", text)]).unwrap()
    };
    let rows = of(RowKind::Originals, Some(AnswerForm::Letters), CHOICES, "q,a,b,c,r\nWhich bone?,1,2,3,B\n");
    let SourceRow::Original(original) = &rows[1] else { panic!("{rows:?}") };
    let Original { question, source_id, .. } = &**original;
    assert_eq!((question.as_str(), source_id.as_str()), ("Which bone?", "f/2"));
    let rows = of(RowKind::Documents, None, "text = 't'\nauthors = 'w'\n", "t,w\nUn cas.,X\n");
    let SourceRow::Document(document) = &rows[1] else { panic!("{rows:?}") };
    let Document { text, authors, .. } = &**document;
    assert_eq!((text.as_str(), authors.as_slice()), ("Un cas.", &["X".to_owned()][..]));
}

#[test]
fn flipped_bits_of_a_parquet_file_give_rows_or_an_error_with_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("q.parquet");
    let mut writer = crate::columnar::RecordWriter::create(&path).unwrap();
    for index in 0..3 {
        writer.write(choice_record(&format!("Question {index} ?"), &["é", "b"], "B")).unwrap();
    }
    writer.finish().unwrap();
    let columns =
        "instruction = 'instruction'\nchoices = 'choices'\nanswer = 'answer_labels'\nid = 'provenance.source_file'\n";
    let source = source(options(TableFormat::Parquet, Some(AnswerForm::Letters), columns));
    let read = || {
        let mut rows = Vec::new();
        let files = SourceFiles::at(&path, source.info())?;
        source.read(&files, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok::<_, Error>(rows)
    };
    assert_eq!(records(&read().unwrap()).iter().map(|record| record.answer.as_str()).collect::<Vec<_>>(), ["B"; 3]);
    let whole = std::fs::read(&path).unwrap();
    // All bytes would take a minute; eleven goes through all eight bits.
    for at in (0..whole.len()).step_by(11) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(&path, &damaged).unwrap();
        if let Err(error) = read() {
            assert!(error.to_string().contains("q.parquet: "), "byte {at}: {error}");
        }
    }
}

#[test]
fn columns_that_no_row_can_fill_are_refused_by_their_key() {
    let refusal = |columns: &str| {
        let info = SourceInfo::new("x", RowKind::Records(Origin::Native), "MIT");
        TableSource::new(info, options(TableFormat::Csv, Some(AnswerForm::Letters), columns)).unwrap_err().to_string()
    };
    let none = refusal("instruction = 'q'\nchoices = []\nanswer = 'r'\n");
    assert_eq!(none, "source.columns.choices: expected at least one column, found none; leave the key out");
    let twice = refusal("instruction = 'q'\nchoices = ['a', 'a']\nanswer = 'r'\n");
    assert_eq!(twice, "source.columns.choices: expected columns that differ, found \"a\" twice");
    let same = refusal("instruction = 'q'\nanswer = 'q'\n");
    assert_eq!(same, "source.columns.answer: expected another column than that of instruction, found \"q\"");
}
