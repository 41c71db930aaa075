//! What a build would do, told without doing it.

use std::io::Read;
use std::path::Path;

use serde::Serialize;

use super::config::{Input, Plan};
use super::place;
use crate::columnar::Table;
use crate::provenance::{MANIFEST, REJECTED};
use crate::source::{RowKind, SourceFile};
use crate::{Error, Result};

/// Bytes of a text file in which rows are counted; those of a longer file are estimated from its beginning.
const LOOKED_AT_BYTES: u64 = 4 << 20;

/// The files of a data set; those of a table without rows are not written.
const FILES: [&str; 7] = [
    "data/{train,validation,test}-*.parquet",
    "originals/originals-*.parquet",
    "documents/documents-*.parquet",
    REJECTED,
    "README.md",
    "croissant.json",
    MANIFEST,
];

/// What a build would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// What is to be done with the output.
    pub standing: Standing,
    /// The configuration, with every default filled in.
    pub config: serde_json::Value,
    /// What is read.
    pub sources: Vec<SourcePreview>,
    /// The files that are written, `*` standing for the numbers of shards; those of a table without rows are not.
    pub files: Vec<String>,
}

/// What is to be done with the output of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is made.
    Make,
    /// It is made, from where an interrupted build had come to.
    Resume,
    /// It is there already.
    UpToDate,
}

/// One source of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourcePreview {
    /// Its name.
    pub name: String,
    /// What its rows become.
    pub kind: RowKind,
    /// Its licence.
    pub license: String,
    /// Its files.
    pub files: Vec<FilePreview>,
}

/// One file of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilePreview {
    /// Its path inside the source.
    pub name: String,
    /// Its size.
    pub num_bytes: u64,
    /// Its rows.
    pub rows: ExpectedRows,
}

/// How many rows something has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ExpectedRows {
    /// The number.
    pub num_rows: u64,
    /// Whether the rows are estimated; if not, each was counted.
    pub is_estimate: bool,
}

impl std::iter::Sum for ExpectedRows {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            num_rows: sum.num_rows + part.num_rows,
            is_estimate: sum.is_estimate || part.is_estimate,
        })
    }
}

/// What [`build`](super::build) would do; nothing is written.
///
/// # Errors
/// [`Error::Data`] if the build would refuse `out`; [`Error::Io`] or [`Error::Format`] if a file cannot be read.
pub fn preview(plan: &Plan, out: &Path, force: bool) -> Result<Preview> {
    let out = place::destination(out)?;
    let standing = match place::existing(plan, &out, force)? {
        Some(_) => Standing::UpToDate,
        None if place::can_resume(plan, &out) => Standing::Resume,
        None => Standing::Make,
    };
    let sources = plan.inputs.iter().map(source).collect::<Result<Vec<_>>>()?;
    let files = FILES.iter().map(|name| (*name).to_owned()).collect();
    Ok(Preview { standing, config: plan.resolved(), sources, files })
}

fn source(input: &Input) -> Result<SourcePreview> {
    let info = input.source.info();
    let file = |file: &SourceFile| -> Result<FilePreview> {
        Ok(FilePreview { name: file.name.clone(), num_bytes: file.num_bytes, rows: expected_rows(input, file)? })
    };
    Ok(SourcePreview {
        name: info.name.clone(),
        kind: info.kind,
        license: info.license.clone(),
        files: input.files.iter().map(file).collect::<Result<_>>()?,
    })
}

/// The rows of `file`, told from its metadata or its beginning; no row is parsed.
pub(super) fn expected_rows(input: &Input, file: &SourceFile) -> Result<ExpectedRows> {
    let ending = file.name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    // What a configuration says of a table goes before the names of its files.
    let format = input.source.table_format().map_or(ending.as_str(), |format| format.as_str());
    let count: fn(&[u8]) -> Count = match format {
        "parquet" => {
            let num_rows = Table::open(file.path())?.num_rows();
            return Ok(ExpectedRows { num_rows, is_estimate: false });
        }
        "json" | "jsonl" | "ndjson" => objects,
        "csv" | "tsv" => lines,
        "tmx" => units,
        // A text file of its own is one document.
        _ => return Ok(ExpectedRows { num_rows: 1, is_estimate: true }),
    };
    let mut beginning = Vec::new();
    file.open()?.take(LOOKED_AT_BYTES).read_to_end(&mut beginning).map_err(Error::io(file.path()))?;
    let Count { num_rows, is_sure } = count(&beginning);
    if (beginning.len() as u64) < LOOKED_AT_BYTES {
        return Ok(ExpectedRows { num_rows, is_estimate: !is_sure });
    }
    Ok(ExpectedRows { num_rows: num_rows.saturating_mul(file.num_bytes) / LOOKED_AT_BYTES, is_estimate: true })
}

/// Rows of a text.
struct Count {
    num_rows: u64,
    /// Whether each of them is a row to every source that can read the text.
    is_sure: bool,
}

/// Lines of a table; whether the first holds names only its source knows.
fn lines(text: &[u8]) -> Count {
    let (mut num_rows, mut in_quotes, mut is_blank) = (0, false, true);
    for byte in text {
        match byte {
            b'"' => in_quotes = !in_quotes,
            b'\n' if !in_quotes => {
                num_rows += u64::from(!is_blank);
                is_blank = true;
                continue;
            }
            _ => {}
        }
        is_blank &= byte.is_ascii_whitespace();
    }
    Count { num_rows: num_rows + u64::from(!is_blank), is_sure: false }
}

/// Units of a TMX file, of which each becomes two questions, one a direction.
fn units(text: &[u8]) -> Count {
    let is_unit =
        |window: &&[u8]| window.starts_with(b"<tu") && matches!(window[3], b' ' | b'>' | b'\n' | b'\r' | b'\t');
    Count { num_rows: 2 * text.windows(4).filter(is_unit).count() as u64, is_sure: false }
}

/// Objects of a JSON list, of JSON Lines, or inside of one object.
fn objects(text: &[u8]) -> Count {
    let (mut depth, mut in_text, mut escaped) = (0_u64, false, false);
    let mut num_at = [0_u64; 2];
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => {
                if *byte == b'{' && depth < 2 {
                    num_at[usize::from(depth == 1)] += 1;
                }
                depth += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    let [outermost, inside] = num_at;
    match outermost {
        // A list has no object around it.
        0 => Count { num_rows: inside, is_sure: true },
        1 => Count { num_rows: inside.max(1), is_sure: false },
        _ => Count { num_rows: outermost, is_sure: true },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFiles;

    fn rows(name: &str, bytes: &[u8]) -> (u64, bool) {
        rows_of(crate::source::find("mmlu").unwrap(), name, bytes)
    }

    fn rows_of(source: std::sync::Arc<dyn crate::source::Source>, name: &str, bytes: &[u8]) -> (u64, bool) {
        let files = SourceFiles::embedded(&[(name, Box::leak(bytes.into()))]);
        let plan = Plan::new(1).with_source(source, files);
        let input = &plan.inputs[0];
        let ExpectedRows { num_rows, is_estimate } = expected_rows(input, input.files.iter().next().unwrap()).unwrap();
        (num_rows, is_estimate)
    }

    #[test]
    fn the_format_that_is_given_goes_before_the_name_of_the_file() {
        let rows = |format: &str, name: &str, bytes: &[u8]| {
            let config = format!(
                "name = 'x'\npath = 'x'\nformat = '{format}'\norigin = 'native'\nlicense = 'MIT'\nsplit = 'train'\n\
                 [columns]\ninstruction = 'q'\nanswer = 'r'\n"
            );
            let raw: crate::build::declared::RawSource = toml::from_str(&config).unwrap();
            rows_of(raw.declared(Path::new(".")).unwrap().source, name, bytes)
        };
        assert_eq!(rows("jsonl", "a.parquet", b"{}\n{}\n"), (2, false));
        assert_eq!(rows("csv", "a.json", b"q,r\nx,y\n"), (2, true));
    }

    #[test]
    fn rows_of_lists_and_lines_are_counted_and_others_are_said_to_be_estimates() {
        assert_eq!(rows("a.json", br#"[{"a": "]}{\""}, {"b": {"c": 1}}]"#), (2, false));
        assert_eq!(rows("a.json", b"[]"), (0, false));
        assert_eq!(rows("a.jsonl", b"{\"a\": {}}\n\n{\"a\": 1}\n"), (2, false));
        assert_eq!(rows("a.json", br#"{"1": {"a": {}}, "2": {}}"#), (2, true));
        assert_eq!(rows("a.json", br#"{"text": "cas"}"#), (1, true));
        assert_eq!(rows("a.csv", b"\"a\nb\",1\n\nc,2"), (2, true));
        assert_eq!(rows("a.txt", b"a\nb\n"), (1, true));
        assert_eq!(rows("a.tmx", b"<tu id=\"1\"><tuv></tuv></tu><tu>"), (4, true));
    }

    #[test]
    fn a_long_file_is_estimated_from_its_beginning() {
        let row = format!("{{\"a\": \"{}\"}}\n", "é".repeat(500));
        let (num_rows, is_estimate) = rows("a.jsonl", row.repeat(8_000).as_bytes());
        assert!(is_estimate && num_rows.abs_diff(8_000) < 10, "{num_rows}");
    }

    #[test]
    fn the_preview_of_the_sample_writes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("out");
        let found = preview(&Plan::sample().unwrap(), &out, false).unwrap();
        assert_eq!((found.standing, found.sources.len()), (Standing::Make, 3));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        super::super::build(&Plan::sample().unwrap(), &out, false).unwrap();
        assert_eq!(preview(&Plan::sample().unwrap(), &out, false).unwrap().standing, Standing::UpToDate);
    }
}
