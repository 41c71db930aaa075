//! JSON lists, JSON objects of rows, JSON Lines, and files of one JSON value.

use std::io::{BufRead, Read};

use serde::de::DeserializeOwned;

use super::brackets::{LIST, OBJECT, elements};
use super::{MAX_ROW_BYTES, raw, too_long, utf8};
use crate::source::SourceFile;
use crate::{Error, Result};

/// A row that could not be parsed: what was expected and found, and the row as it stands.
pub(in crate::source) type Bad = (String, String);

/// Gives each element of a JSON list, with its one-based place, to `each`: parsed, with its text, or as what is wrong.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] if the file cannot be read as a list, and whatever `each` returns.
pub(super) fn json_list<T: DeserializeOwned>(
    file: &SourceFile,
    mut each: impl FnMut(u64, Result<(T, &[u8]), Bad>) -> Result<()>,
) -> Result<()> {
    elements(file, LIST, |row, element| each(row, parse_element(element)))
}

/// Gives each member of a JSON object, with its one-based place, its key and its value, to `each`.
///
/// # Errors
/// [`Error::Io`] or [`Error::Format`] if the file cannot be read as an object, and whatever `each` returns.
pub(in crate::source) fn json_members<T: DeserializeOwned>(
    file: &SourceFile,
    mut each: impl FnMut(u64, Result<(String, T, &[u8]), Bad>) -> Result<()>,
) -> Result<()> {
    elements(file, OBJECT, |row, element| {
        let Some(bytes) = element else { return each(row, Err((too_long(), String::new()))) };
        let (key, value) = bytes.split_at(key_bytes(bytes));
        let value = value.trim_ascii_start().strip_prefix(b":").unwrap_or_default();
        let member = parse::<String>(key).and_then(|key| Ok((key, parse::<T>(value)?, value)));
        each(row, member.map_err(|detail| (detail, raw(bytes))))
    })
}

/// Length of the JSON text with which `bytes` begins.
fn key_bytes(bytes: &[u8]) -> usize {
    let mut escaped = false;
    for (index, byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    bytes.len()
}

/// Gives each line that is not blank, with its one-based number, to `each`: parsed, with its text, or as what is wrong.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, and whatever `each` returns.
pub(super) fn json_lines<T: DeserializeOwned>(
    file: &SourceFile,
    mut each: impl FnMut(u64, Result<(T, &[u8]), Bad>) -> Result<()>,
) -> Result<()> {
    let mut reader = file.open()?;
    let mut line = Vec::new();
    for row in 1.. {
        if !read_line(&mut reader, &mut line).map_err(Error::io(file.path()))? {
            break;
        }
        if !line.trim_ascii().is_empty() {
            each(row, parse_element((line.len() <= MAX_ROW_BYTES).then_some(line.as_slice())))?;
        }
    }
    Ok(())
}

/// Reads a line into `line`, of a longer one [`MAX_ROW_BYTES`] and one more; whether there was one.
pub(super) fn read_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let limit = MAX_ROW_BYTES as u64 + 1;
    let num_bytes = reader.take(limit).read_until(b'\n', line)?;
    if num_bytes > MAX_ROW_BYTES && !line.ends_with(b"\n") {
        reader.skip_until(b'\n')?;
    }
    Ok(num_bytes > 0)
}

/// The one JSON value that the file holds, or what is wrong with it.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read.
pub(in crate::source) fn whole_json<T: DeserializeOwned>(file: &SourceFile) -> Result<Result<T, Bad>> {
    let mut bytes = Vec::new();
    file.open()?.take(MAX_ROW_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(Error::io(file.path()))?;
    let is_too_long = bytes.len() > MAX_ROW_BYTES;
    Ok(parse_element((!is_too_long).then_some(bytes.as_slice())).map(|(value, _)| value))
}

fn parse_element<T: DeserializeOwned>(element: Option<&[u8]>) -> Result<(T, &[u8]), Bad> {
    let Some(bytes) = element else { return Err((too_long(), String::new())) };
    parse(bytes).map(|value| (value, bytes)).map_err(|detail| (detail, raw(bytes)))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_str(utf8(bytes)?).map_err(|error| format!("expected a JSON object: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::source::SourceFiles;

    fn with<T>(bytes: &[u8], read: impl FnOnce(&SourceFile) -> T) -> T {
        let files = SourceFiles::embedded(&[("file", Box::leak(bytes.into()))]);
        read(files.get("file").unwrap())
    }

    /// What each row is: its number and its value, or what is said of it.
    fn list(bytes: &[u8]) -> Result<Vec<(u64, Result<Value, Bad>)>> {
        let mut seen = Vec::new();
        with(bytes, |file| {
            json_list::<Value>(file, |row, value| {
                seen.push((row, value.map(|(value, _)| value)));
                Ok(())
            })
        })?;
        Ok(seen)
    }

    #[test]
    fn one_bad_text_rejects_its_own_row_only() {
        for bad in [&b"\"\\ud800\""[..], b"\"d\xe9j\xe0\"", b"\"a\0b\"", b"\"a\n", b"}", b"{\"a\" 1}", b"\x01"] {
            let text = [b"[{\"a\": 1}, ", bad, b", {\"a\": \"],\\\"\"}]"].concat();
            let seen = list(&text).unwrap();
            assert_eq!(seen.len(), 3, "{bad:?}");
            assert!(seen[0].1.is_ok() && seen[2].1.is_ok(), "{bad:?}: {seen:?}");
            let (row, Err((detail, shown))) = &seen[1] else { panic!("{bad:?}") };
            assert!(*row == 2 && detail.starts_with("expected "), "{detail}");
            assert_eq!(*shown, String::from_utf8_lossy(bad.trim_ascii()));
        }
    }

    #[test]
    fn what_is_no_list_or_is_cut_is_refused() {
        for (wrong, message) in [
            ("", "found nothing"),
            ("{}", "found '{' at its beginning"),
            ("null", "found 'n' at its beginning"),
            ("[1", "inside row 1"),
            ("[1, {\"a\": [2}, 3]", "inside row 2"),
            ("[1] 2", "found '2' after its end"),
        ] {
            let refusal = list(wrong.as_bytes()).unwrap_err().to_string();
            assert!(refusal.starts_with("file: expected a JSON list of objects, "), "{refusal}");
            assert!(refusal.contains(message), "{wrong}: {refusal}");
        }
        assert_eq!(list(b"\xef\xbb\xbf [ ] \n").unwrap(), []);
        assert_eq!(list(b"[1,,2,]").unwrap().iter().filter(|(_, value)| value.is_err()).count(), 2);
    }

    #[test]
    fn deep_nesting_and_a_long_text_are_rows_of_their_own() {
        let deep = format!("[1, {}{}, 2]", "[".repeat(200_000), "]".repeat(200_000));
        let seen = list(deep.as_bytes()).unwrap();
        assert!(seen.len() == 3 && seen[2].1.is_ok());
        assert!(seen[1].1.as_ref().unwrap_err().0.contains("recursion limit"), "{:?}", seen[1].1);
        let long = format!("[1, \"{}\", 2]", "a".repeat(MAX_ROW_BYTES));
        let seen = list(long.as_bytes()).unwrap();
        assert_eq!(seen[1].1, Err((too_long(), String::new())));
        assert!(seen.len() == 3 && seen[2].1.is_ok());
    }

    fn lines(bytes: &[u8]) -> Vec<(u64, bool)> {
        let mut seen = Vec::new();
        with(bytes, |file| {
            json_lines::<Value>(file, |row, value| {
                seen.push((row, value.is_ok()));
                Ok(())
            })
        })
        .unwrap();
        seen
    }

    #[test]
    fn a_bad_line_is_a_row_and_a_byte_order_mark_is_none() {
        assert_eq!(lines(b"{}\n\n{\"a\n\xff\n[]"), [(1, true), (3, false), (4, false), (5, true)]);
        assert_eq!(lines("\u{feff}{}\r\n{}\n".as_bytes()), [(1, true), (2, true)]);
        let long = format!("{}\n{{}}\n", "a".repeat(3 * MAX_ROW_BYTES));
        assert_eq!(lines(long.as_bytes()), [(1, false), (2, true)]);
    }

    #[test]
    fn members_keep_their_keys() {
        let mut seen = Vec::new();
        with(b"{\"1\": {\"a\": \"}\"}, \"\\\"2\": 3, 4, \"5\": }", |file| {
            json_members::<Value>(file, |row, member| {
                seen.push((row, member.map(|(key, value, _)| (key, value)).ok()));
                Ok(())
            })
        })
        .unwrap();
        let expected = [
            (1, Some(("1".to_owned(), serde_json::json!({ "a": "}" })))),
            (2, Some(("\"2".to_owned(), 3.into()))),
            (3, None),
            (4, None),
        ];
        assert_eq!(seen, expected);
    }

    proptest::proptest! {
        #[test]
        fn readers_are_total(bytes: Vec<u8>, text in "[\\[\\]{}\",:\\\\ a1\n]{0,60}") {
            // Zeros in even and in odd places before them, since bytes that look like UTF-16 are refused as a whole.
            lines(&[b"[\0\0", bytes.as_slice()].concat());
            lines(text.as_bytes());
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                let _ = list(bytes);
                with(bytes, |file| {
                    let _ = json_members::<Value>(file, |_, _| Ok(()));
                    let _ = whole_json::<Value>(file);
                });
            }
        }

        #[test]
        fn what_serde_reads_is_split_the_same(values in proptest::collection::vec("\\PC*", 0..5), pretty: bool) {
            let rows: Vec<Value> = values.iter().map(|text| serde_json::json!({ "t": text, "l": [text, {}] })).collect();
            let text = if pretty { serde_json::to_string_pretty(&rows) } else { serde_json::to_string(&rows) }.unwrap();
            let found: Vec<Value> = list(text.as_bytes()).unwrap().into_iter().map(|(_, row)| row.unwrap()).collect();
            proptest::prop_assert_eq!(found, rows);
        }
    }
}
