//! Hostile files as a curator meets them: each is an error or a finding that names file and row, and nothing is left behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use assert_cmd::Command;

fn medinjection(directory: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::cargo_bin("medinjection").unwrap();
    let output = command.current_dir(directory).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout) + &text(output.stderr))
}

const COLUMNS: &str = "[source.columns]\ninstruction = 'q'\nanswer = 'r'\nid = 'n'\n";

/// Builds from one file of the given format: the exit code and all that was said.
fn build(directory: &Path, name: &str, format: &str, bytes: &[u8]) -> (i32, String) {
    std::fs::write(directory.join(name), bytes).unwrap();
    let config = format!(
        "[[source]]\nname = 'urgences'\npath = '{name}'\nformat = '{format}'\norigin = 'native'\nlicense = 'MIT'\n\
         split = 'train'\n{COLUMNS}"
    );
    std::fs::write(directory.join("b.toml"), config).unwrap();
    medinjection(directory, &["build", "--config", "b.toml", "--out", "out"])
}

/// What stands in the directory and beside it.
fn names(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for directory in [directory, directory.parent().unwrap()] {
        for entry in std::fs::read_dir(directory).unwrap() {
            names.push(entry.unwrap().path().display().to_string());
        }
    }
    names.sort();
    names
}

/// A directory of its own in a directory of its own.
fn directory() -> (tempfile::TempDir, std::path::PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    (outer, inner)
}

fn refused(format: &str, bytes: &[u8], expected: &str) {
    let (_outer, directory) = directory();
    let name = format!("q.{format}");
    let (code, said) = build(&directory, &name, format, bytes);
    assert!(
        code == 2 && said.contains(expected) && said.contains(&name) && said.lines().count() == 1,
        "{expected}: {said}"
    );
    assert!(!directory.join("out").exists());
}

/// One good row beside the bad one, which is rejected by file and row.
fn rejected(format: &str, bytes: &[u8], row: u64, expected: &str) {
    let (_outer, directory) = directory();
    let name = format!("q.{format}");
    let (code, said) = build(&directory, &name, format, bytes);
    let place = format!("rejected: urgences, {name}, row {row}: unreadable: ");
    let found = said.lines().find(|line| line.starts_with(&place));
    assert!(code == 1 && found.is_some_and(|line| line.contains(expected)), "{place}{expected}: {said}");
    let manifest = std::fs::read_to_string(directory.join("out/manifest.json")).unwrap();
    assert!(manifest.contains("\"num_records\": 1"), "{manifest}");
}

const GOOD: &str = "Quel organe sécrète l'insuline ?,Le pancréas.,1\n";

fn csv(rows: &[&[u8]]) -> Vec<u8> {
    [&[b"q,r,n\n".as_slice()], rows].concat().concat()
}

#[test]
fn encodings_that_are_not_utf_8_are_named() {
    let text = format!("q,r,n\n{GOOD}");
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused(
        "csv",
        &utf_16,
        "expected UTF-8 text, found UTF-16 (little-endian, without byte-order mark); convert it: iconv",
    );
    refused("csv", &[b"\xff\xfe".as_slice(), &utf_16].concat(), "found UTF-16 (little-endian byte-order mark)");
    let swapped: Vec<u8> = utf_16.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    refused("jsonl", &swapped, "found UTF-16 (big-endian, without byte-order mark)");
    let latin_1 = b"Quel os ?,\xc9t\xe9,2\n";
    rejected("csv", &csv(&[GOOD.as_bytes(), latin_1]), 3, "expected UTF-8 text, found the byte 0xC9");
    refused("csv", b"q,r\xe9ponse,n\na,b,1\n", "row 1: expected UTF-8 text, found the byte 0xE9");
    let line = b"{\"q\": \"d\xe9j\xe0\", \"r\": \"x\", \"n\": 2}\n";
    let good = "{\"q\": \"Quel organe sécrète l'insuline ?\", \"r\": \"Le pancréas.\", \"n\": 1}\n";
    rejected("jsonl", &[good.as_bytes(), line].concat(), 2, "found the byte 0xE9");
}

#[test]
fn a_byte_order_mark_is_no_text() {
    let (_outer, directory) = directory();
    let (code, said) = build(&directory, "q.csv", "csv", format!("\u{feff}q,r,n\n{GOOD}").as_bytes());
    assert_eq!(code, 0, "{said}");
}

#[test]
fn nul_bytes_and_stray_quotes_cost_their_own_row() {
    rejected("csv", &csv(&[b"Quel os ?,\0,2\n", GOOD.as_bytes()]), 2, "expected text, found a NUL byte");
    rejected("csv", &csv(&[b"Quel os ?,\"Le tibia,2\n", GOOD.as_bytes()]), 2, "expected a closing quote");
    rejected("csv", &csv(&[b"\"Quel\" os ?,Le tibia,2\n", GOOD.as_bytes()]), 2, "text goes on after the closing one");
    rejected("csv", &csv(&[b"Quel os ?,2\n", GOOD.as_bytes()]), 2, "expected 3 columns as in the header, found 2");
}

#[test]
fn bombs_of_json_cost_their_own_row() {
    let good = "{\"q\": \"Quel organe sécrète l'insuline ?\", \"r\": \"Le pancréas.\", \"n\": 1}";
    let deep = format!("{{\"q\": {}{}, \"r\": \"x\", \"n\": 2}}", "[".repeat(100_000), "]".repeat(100_000));
    rejected("jsonl", format!("{good}\n{deep}\n").as_bytes(), 2, "recursion limit");
    rejected("json", format!("[{deep}, {good}]").as_bytes(), 1, "recursion limit");
    let long = format!("{{\"q\": \"{}\", \"r\": \"x\", \"n\": 2}}", "a".repeat(5 << 20));
    rejected("jsonl", format!("{long}\n{good}\n").as_bytes(), 1, "expected a row of at most");
    refused("json", format!("[{good}, {{").as_bytes(), "found the end of the file inside row 2: the file is cut");
}

#[test]
fn a_text_of_a_gigabyte_costs_its_own_row_and_no_memory() {
    use std::io::{Seek, SeekFrom, Write};

    let (_outer, directory) = directory();
    let good = "{\"q\": \"Quel organe sécrète l'insuline ?\", \"r\": \"Le pancréas.\", \"n\": 1}\n";
    build(&directory, "q.jsonl", "jsonl", good.as_bytes());
    std::fs::remove_dir_all(directory.join("out")).unwrap();
    // The text is a hole in the file, which takes no room on the disk.
    let mut file = std::fs::OpenOptions::new().append(true).open(directory.join("q.jsonl")).unwrap();
    file.write_all(b"{\"q\": \"").unwrap();
    let mut file = std::fs::OpenOptions::new().write(true).open(directory.join("q.jsonl")).unwrap();
    file.seek(SeekFrom::End(1 << 30)).unwrap();
    file.write_all(b"\", \"r\": \"x\", \"n\": 2}\n{}\n").unwrap();
    let program = Command::cargo_bin("medinjection").unwrap().get_program().to_owned();
    let limited = "ulimit -v 1500000 && exec \"$0\" build --config b.toml --out out";
    let output = Command::new("sh").current_dir(&directory).arg("-c").arg(limited).arg(program).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("q.jsonl, row 2: unreadable: expected a row of at most"), "{said}");
    assert!(said.contains("q.jsonl, row 3: unreadable: expected a text in q, found none"), "{said}");
}

#[test]
fn a_mapping_to_a_missing_column_names_those_there_are() {
    refused(
        "csv",
        b"q,reponse,n\nQuel os ?,Le tibia,1\n",
        "expected the column r, found in the header only: n, q, reponse",
    );
    refused("csv", b"q;r;n\nQuel os ?;Le tibia;1\n", "is delimiter = \";\" missing?");
}

#[test]
fn an_identifier_that_stands_twice_is_said_with_its_rows() {
    let (_outer, directory) = directory();
    let text = csv(&[GOOD.as_bytes(), "Quel os est dans la jambe ?,Le tibia.,1\n".as_bytes()]);
    let (_, said) = build(&directory, "q.csv", "csv", &text);
    assert!(
        said.contains("q.csv: 1 rows have the identifier of an earlier row, the first of them \"1\" in rows 2 and 3"),
        "{said}"
    );
}

/// A zip archive of one stored file with that name.
fn zip(name: &str) -> Vec<u8> {
    let (name, content) = (name.as_bytes(), b"q,r,n\n");
    let mut zip = b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    zip.extend([length(content), length(content)].concat());
    zip.extend([&length(name)[..2], b"\0\0", name, content].concat());
    zip
}

#[test]
fn no_archive_is_unpacked_whatever_it_is_called() {
    for (name, format) in [("q.zip", "csv"), ("q.csv", "csv"), ("q.jsonl", "jsonl"), ("q.parquet", "parquet")] {
        let (_outer, directory) = directory();
        build(&directory, "absent", "csv", b"");
        std::fs::remove_file(directory.join("absent")).unwrap();
        std::fs::write(directory.join(name), zip("../../evil.csv")).unwrap();
        let before = names(&directory);
        let (code, said) = build(&directory, name, format, &zip("../../evil.csv"));
        assert!(code == 2 && said.contains(&format!("{name}: expected a file of rows, found a zip archive")), "{said}");
        assert!(said.contains("no archive is unpacked"), "{said}");
        assert_eq!(names(&directory), before);
    }
    refused("csv", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "found a gzip archive");
    let (_outer, directory) = directory();
    std::fs::create_dir(directory.join("folder")).unwrap();
    std::fs::write(directory.join("folder/data.zip"), zip("../evil")).unwrap();
    std::fs::write(directory.join("b.toml"), "[[source]]\nname = 'mmlu'\npath = 'folder'\n").unwrap();
    let (code, said) = medinjection(&directory, &["build", "--config", "b.toml", "--out", "out"]);
    assert!(code == 2 && said.contains("found none; there is data.zip"), "{said}");
}

#[test]
fn damaged_parquet_is_an_error_that_names_the_file() {
    let (_outer, directory) = directory();
    assert_eq!(medinjection(&directory, &["build", "--sample", "--out", "sample"]).0, 0);
    let whole = std::fs::read(directory.join("sample/data/validation-native-00000-of-00001.parquet")).unwrap();
    let config = "[[source]]\nname = 'again'\npath = 'q.parquet'\nformat = 'parquet'\norigin = 'native'\nlicense = 'MIT'\n\
                  split = 'train'\nanswer_form = 'letters'\n[source.columns]\ninstruction = 'instruction'\nchoices = 'choices'\n\
                  answer = 'answer_labels'\n";
    std::fs::write(directory.join("b.toml"), config).unwrap();
    let run = |bytes: &[u8]| {
        std::fs::write(directory.join("q.parquet"), bytes).unwrap();
        medinjection(&directory, &["inspect", "preview", "--config", "b.toml", "--rows", "1000"])
    };
    let (code, said) = run(&whole);
    assert!(code == 0 && said.contains("* (") && !said.contains("unreadable"), "{said}");
    for length in [0, 3, whole.len() / 2, whole.len() - 1] {
        let (code, said) = run(&whole[..length]);
        assert!(
            code == 2 && said.contains("q.parquet: expected a parquet file") && said.lines().count() == 1,
            "{said}"
        );
    }
    for at in (4..whole.len()).step_by(whole.len() / 40) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        let (code, said) = run(&damaged);
        let is_error = code == 2 && said.contains("q.parquet") && said.lines().count() == 1;
        assert!(code == 0 || is_error, "bit {} of byte {at}: {code} {said}", at % 8);
    }
}
