//! `medinjection inspect language`: the language of each text of a JSON Lines file.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Write, stdin, stdout};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Map, Value};

use super::{Outcome, Terminal};
use crate::Error;
use crate::language::{Verdict, verdict, verdict_in_context};
use crate::provenance::Lines;

/// Add the language of each text, and how sure it is, to rows `{"text": …, "context": …}`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// JSON Lines; `-` reads standard input. `text` is the field; `context`, if there, the other fields of its record, one
    /// string or a list of them. Every other key is carried through, and `language` and `confidence` are added.
    file: PathBuf,
}

/// Writes each row as soon as it is read. Exit code 1 where a line is no such row; it is named on stderr and left out.
///
/// # Errors
/// If the file cannot be read or standard output not be written.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let standard_input = args.file == Path::new("-");
    let name = if standard_input { "standard input".to_owned() } else { args.file.display().to_string() };
    let reader: Box<dyn BufRead> = if standard_input {
        Box::new(stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(&args.file).with_context(|| name.clone())?))
    };
    let mut out = BufWriter::new(stdout().lock());
    let mut bad = |row: u64, detail: &str| terminal.note(&format!("{name}:{row}: {detail}"));
    let outcome = detect_lines(reader, &mut out, &mut bad).and_then(|num_bad| out.flush().map(|()| num_bad));
    match outcome {
        Ok(0) => Ok(Outcome::Done),
        Ok(_) => Ok(Outcome::DoneWithFindings),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Outcome::Done),
        Err(error) => Err(error).with_context(|| name),
    }
}

/// Number of lines that are no rows, each given to `bad` with its one-based number.
fn detect_lines(reader: impl BufRead, out: &mut impl Write, bad: &mut impl FnMut(u64, &str)) -> std::io::Result<u64> {
    let mut num_bad = 0;
    for line in Lines::over(Path::new(""), reader) {
        let (row, detected) = match line {
            Ok((row, line)) => (row, detected(&line)),
            Err(Error::Io { cause, .. }) => return Err(cause),
            Err(Error::Format { row: Some(row), message, .. }) => (row, Err(message)),
            Err(other) => return Err(std::io::Error::other(other)),
        };
        match detected {
            Ok(object) => {
                serde_json::to_writer(&mut *out, &object)?;
                out.write_all(b"\n")?;
            }
            Err(detail) => {
                num_bad += 1;
                bad(row, &detail);
            }
        }
    }
    Ok(num_bad)
}

/// The row with its language, or what is wrong with it.
fn detected(line: &[u8]) -> Result<Map<String, Value>, String> {
    let mut object: Map<String, Value> = serde_json::from_slice(line)
        .map_err(|error| format!("expected a JSON object with a key `text`, found another line: {error}"))?;
    let text = object.get("text").and_then(Value::as_str).ok_or("expected a string under `text`, found none")?;
    let Verdict { language, confidence } = match object.get("context") {
        None | Some(Value::Null) => verdict(text),
        Some(context) => verdict_in_context(text, strings(context)?),
    };
    object.insert("language".to_owned(), language.into());
    object.insert("confidence".to_owned(), confidence.into());
    Ok(object)
}

/// The string, or the strings of the list.
fn strings(context: &Value) -> Result<Vec<&str>, String> {
    let strings = match context {
        Value::String(one) => Some(vec![one.as_str()]),
        Value::Array(many) => many.iter().map(Value::as_str).collect(),
        _ => None,
    };
    strings.ok_or_else(|| "expected a string or a list of strings under `context`, found something else".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provenance::MAX_LINE_BYTES;

    fn detect(input: &[u8]) -> (Vec<Value>, Vec<u64>) {
        let (mut out, mut rows) = (Vec::new(), Vec::new());
        let num_bad = detect_lines(input, &mut out, &mut |row, _| rows.push(row)).unwrap();
        assert_eq!(num_bad, rows.len() as u64);
        (out.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect(), rows)
    }

    #[test]
    fn a_row_keeps_its_keys_and_gets_its_language() {
        let (rows, bad) = detect("{\"id\": 7, \"text\": \"Quel est le traitement ?\"}\n".as_bytes());
        assert_eq!((&rows[0]["id"], &rows[0]["language"], bad.len()), (&7.into(), &"fr".into(), 0));
        assert!(rows[0]["confidence"].as_f64().unwrap() > 0.9);
    }

    #[test]
    fn context_is_one_string_or_several() {
        let question = "Quelle est la cause de cette maladie ?";
        let alone = detect(br#"{"text": "Infection"}"#).0;
        for context in [format!("\"{question}\""), format!("[\"{question}\"]")] {
            let beside = detect(format!("{{\"text\": \"Infection\", \"context\": {context}}}").as_bytes()).0;
            let toward_french = |row: &Value| {
                let confidence = row["confidence"].as_f64().unwrap();
                if row["language"] == "fr" { confidence } else { 1.0 - confidence }
            };
            assert!(toward_french(&beside[0]) > toward_french(&alone[0]), "{beside:?} {alone:?}");
        }
    }

    #[test]
    fn bad_lines_are_counted_by_row_and_the_others_read() {
        let input = b"{\"text\": \"the heart\"}\n\n[]\n{\"text\": 3}\n{\"text\": \"a\", \"context\": 1}\n\xff\n{\"text\": \"le foie\"}";
        let (rows, bad) = detect(input);
        assert_eq!((rows.len(), bad), (2, vec![3, 4, 5, 6]));
    }

    #[test]
    fn a_line_without_end_is_a_bad_row_and_takes_no_memory() {
        use std::io::{BufReader, Read, repeat};

        let endless = repeat(0).take(20 * MAX_LINE_BYTES as u64).chain(&b"\n{\"text\": \"le foie\"}\n"[..]);
        let (mut out, mut bad) = (Vec::new(), Vec::new());
        let num_bad =
            detect_lines(BufReader::new(endless), &mut out, &mut |row, detail| bad.push((row, detail.to_owned())));
        assert_eq!((num_bad.unwrap(), bad[0].0), (1, 1));
        assert!(bad[0].1.starts_with("expected a line of at most") && !out.is_empty(), "{bad:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(input in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            detect(&input);
        }
    }
}
