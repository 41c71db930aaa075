//! Rows of JSON, CSV, parquet, TMX and text files, one at a time and in bounded memory.
//!
//! A file is split into rows before a row is parsed, so that a row that cannot be parsed never takes the others with it.
//! A row longer than [`MAX_ROW_BYTES`] is passed over and reported.

mod brackets;
mod csv;
mod fields;
mod json;
mod table;
mod text;
mod tmx;

pub(super) use csv::{csv_rows, joined};
pub(super) use fields::{Fields, Once, stands_twice};
pub(super) use json::{Bad, json_members, whole_json};
pub(super) use table::{Format, each_row, each_value, first_row, header};
pub(super) use text::{TextLines, whole_text};
pub(super) use tmx::tmx_units;

/// Bytes from which a row is not read on; a long clinical case is a hundred times smaller.
pub(super) const MAX_ROW_BYTES: usize = 4 << 20;

/// Bytes of a row that cannot be read which are kept to be shown.
const MAX_RAW_BYTES: usize = 64 << 10;

/// The text of a row that cannot be read: what is no UTF-8 is replaced, what is too long is cut.
pub(super) fn raw(bytes: &[u8]) -> String {
    if bytes.len() <= MAX_RAW_BYTES {
        return String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
    }
    format!("{} [cut: {} bytes in all]", String::from_utf8_lossy(&bytes[..MAX_RAW_BYTES]), bytes.len())
}

/// The bytes as text.
///
/// # Errors
/// A text that names the first byte which is no UTF-8.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        format!("expected UTF-8 text, found the byte 0x{byte:02X} at {at}; Latin-1 files are converted with iconv")
    })
}

/// What is said of a row that is too long.
pub(super) fn too_long() -> String {
    format!("expected a row of at most {MAX_ROW_BYTES} bytes, found a longer one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_row_is_cut_and_its_length_said() {
        assert_eq!(raw(b" {\xe9}\n"), "{\u{fffd}}");
        assert!(raw(&vec![b'a'; MAX_RAW_BYTES + 1]).ends_with("a [cut: 65537 bytes in all]"));
        assert!(utf8(b"a\xe9").unwrap_err().contains("found the byte 0xE9 at 1"));
    }
}
