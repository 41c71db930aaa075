//! Any corpus in CSV, TSV, JSON, JSON Lines or parquet files, whose columns a mapping names: no code is needed.
//!
//! Nothing is guessed: how an answer is written, from which number it counts and what is training, validation and test are
//! said in the options, or they are an error. A mapping to a column that no row has is an error too, which lists the columns
//! there are.

mod mapping;
mod row;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use mapping::{ChoiceColumns, ColumnMapping};

use self::mapping::{Wanted, shortened};
use super::columns::split_of;
use super::formats::{Fields, Format, each_row, each_value, header, stands_twice};
use super::{Place, RowKind, Sink, Source, SourceFile, SourceFiles, SourceInfo, SourceRow, say};
use crate::record::{Split, Task};
use crate::{Error, Result};

/// Rows among which a mapped column must be found.
const CHECKED_ROWS: u64 = 1_000;

/// How the files of a table hold their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableFormat {
    /// Fields between commas, or another delimiter, after a row of names.
    Csv,
    /// Fields between tabs, after a row of names.
    Tsv,
    /// One JSON list of objects.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Parquet.
    Parquet,
}

impl TableFormat {
    /// Its name, which is the usual ending of its files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
        }
    }

    /// Names of the files that are read where none are given.
    const fn file_patterns(self) -> &'static [&'static str] {
        match self {
            Self::Csv => &["*.csv"],
            Self::Tsv => &["*.tsv"],
            Self::Json => &["*.json"],
            Self::Jsonl => &["*.jsonl", "*.ndjson"],
            Self::Parquet => &["*.parquet", "data/*.parquet"],
        }
    }
}

/// How the answer to a multiple-choice question is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerForm {
    /// `B`; `A,C`; `AC`; a list of letters.
    Letters,
    /// The number of a choice, of which the first is 0; several in a list, or between commas.
    #[serde(rename = "index_from_0")]
    IndexFrom0,
    /// The number of a choice, of which the first is 1; several in a list, or between commas.
    #[serde(rename = "index_from_1")]
    IndexFrom1,
    /// The text of a choice; several in a list.
    ChoiceText,
}

/// Where the split of a row is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitRule {
    /// In the path of its file, by a word: train, dev (val, validation, eval), test.
    FileName,
    /// Nowhere: all rows have this one, until splits are drawn.
    Fixed(Split),
}

/// How the rows of a table are read.
#[derive(Debug, Clone)]
pub struct TableOptions {
    /// How files hold rows.
    pub format: TableFormat,
    /// What stands between the fields of a CSV file; a comma where it is not given.
    pub delimiter: Option<char>,
    /// Kind of question of all rows; without it, it follows from the answers, or a column says it.
    pub task: Option<Task>,
    /// Where splits are said; a column goes before it.
    pub split: SplitRule,
    /// How the answers to multiple-choice questions are written.
    pub answer_form: Option<AnswerForm>,
    /// Which columns hold what.
    pub columns: ColumnMapping,
}

/// A corpus in files of rows, read as its options say.
///
/// ```
/// use medinjection_fr::record::{Origin, Split};
/// use medinjection_fr::source::{
///     AnswerForm, ChoiceColumns, ColumnMapping, RowKind, Source, SourceFiles, SourceInfo, SourceRow, SplitRule, TableFormat,
///     TableOptions, TableSource,
/// };
///
/// # fn main() -> medinjection_fr::Result<()> {
/// let columns = ColumnMapping {
///     instruction: Some("question".to_owned()),
///     choices: Some(ChoiceColumns::Each(vec!["a".to_owned(), "b".to_owned()])),
///     answer: Some("correct".to_owned()),
///     ..ColumnMapping::default()
/// };
/// let options = TableOptions {
///     format: TableFormat::Csv,
///     delimiter: None,
///     task: None,
///     split: SplitRule::Fixed(Split::Train),
///     answer_form: Some(AnswerForm::IndexFrom1),
///     columns,
/// };
/// let source = TableSource::new(SourceInfo::new("urgences", RowKind::Records(Origin::Native), "CC0-1.0"), options)?;
/// let files = SourceFiles::embedded(&[("q.csv", b"question,a,b,correct\nQuel os ?,Foie,Tibia,2\n")]);
/// let mut rows = Vec::new();
/// source.read(&files, &mut |row| {
///     rows.push(row);
///     Ok(())
/// })?;
/// assert!(matches!(&rows[1], SourceRow::Record(record) if record.answer == "B"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TableSource {
    info: SourceInfo,
    options: TableOptions,
    delimiter: u8,
}

impl TableSource {
    /// The corpus of `info`, in files of the names usual for their format where `info` has none.
    ///
    /// # Errors
    /// [`Error::Config`] if a column that rows of this kind need is not mapped, or one is that they have no place for; if it
    /// is not said how answers are written; if the delimiter is none.
    pub fn new(mut info: SourceInfo, options: TableOptions) -> Result<Self> {
        if info.kind == RowKind::RecordsOfAnyOrigin {
            return Err(Error::config("source.origin", "expected native, translated or synthetic, found none"));
        }
        options.columns.check(info.kind)?;
        let delimiter = match (options.format, options.delimiter) {
            (TableFormat::Tsv, None) => b'\t',
            (_, None) => b',',
            (TableFormat::Csv, Some(delimiter)) if delimiter.is_ascii() && !matches!(delimiter, '"' | '\n' | '\r') => {
                u8::try_from(delimiter).unwrap_or(b',')
            }
            (TableFormat::Csv, Some(found)) => {
                let message = format!("expected a sign such as \";\" that is no quote or line end, found {found:?}");
                return Err(Error::config("source.delimiter", message));
            }
            _ => return Err(Error::config("source.delimiter", "expected with format = \"csv\" only")),
        };
        match (&options.columns.choices, options.answer_form) {
            (Some(_), None) => {
                let message = "expected one of letters, index_from_0, index_from_1, choice_text beside columns.choices, \
                               found none; how answers are written is not guessed";
                return Err(Error::config("source.answer_form", message));
            }
            (None, Some(_)) => {
                let message = "expected columns.choices beside it; without choices an answer is free text";
                return Err(Error::config("source.answer_form", message));
            }
            _ => {}
        }
        if info.file_patterns.is_empty() {
            info = info.with_files(options.format.file_patterns().iter().copied());
        }
        Ok(Self { info, options, delimiter })
    }

    fn format(&self) -> Format {
        match self.options.format {
            TableFormat::Csv | TableFormat::Tsv => Format::Csv(self.delimiter),
            TableFormat::Json => Format::JsonList,
            TableFormat::Jsonl => Format::JsonLines,
            TableFormat::Parquet => Format::Parquet,
        }
    }

    /// Checks that each mapped column is there: in one of the first rows at least, since JSON rows may leave out what is
    /// empty.
    fn check_columns(&self, file: &SourceFile) -> Result<()> {
        let mut wanted = Wanted::new(self.options.columns.paths());
        if let Format::Csv(delimiter) = self.format() {
            let Some(names) = header(file, delimiter)? else { return Ok(()) };
            return self.check_header(file, wanted, names);
        }
        let mut num_rows = 0;
        let outcome = each_value(file, self.format(), |_, row: Result<(Map<String, Value>, _), _>| {
            if let Ok((row, _)) = row {
                wanted.look(&row);
                num_rows += 1;
            }
            // An error is how a reader is told that no more rows are wanted.
            if wanted.all_found() || num_rows == CHECKED_ROWS { Err(Error::Data(String::new())) } else { Ok(()) }
        });
        if wanted.all_found() {
            return Ok(());
        }
        if num_rows < CHECKED_ROWS {
            outcome?;
        }
        if num_rows == 0 {
            return Ok(());
        }
        let place = if num_rows == 1 { "the first row".to_owned() } else { format!("the first {num_rows} rows") };
        Err(Error::format(file.path(), wanted.missing(self.options.format, &place)))
    }

    /// Checks that each mapped column stands once among the `names` of a header, whether rows follow or not.
    fn check_header(&self, file: &SourceFile, mut wanted: Wanted<'_>, names: Vec<String>) -> Result<()> {
        let columns = &self.options.columns;
        let mut there = Map::new();
        for name in names {
            if columns.reads(&name) && there.contains_key(&name) {
                let message =
                    format!("expected each mapped column once in the header, found {:?} twice", shortened(&name));
                return Err(Error::format(file.path(), message));
            }
            there.insert(name, Value::Null);
        }
        wanted.look(&there);
        if wanted.all_found() {
            return Ok(());
        }
        Err(Error::format(file.path(), wanted.missing(self.options.format, "the header")))
    }

    fn read_file(&self, files: &SourceFiles, file: &SourceFile, sink: &mut Sink<'_>) -> Result<()> {
        self.check_columns(file)?;
        let split = self.split_of(file)?;
        let variant = format!("{} with mapped columns", self.format().name());
        say(file, &variant, sink)?;
        let mut ids = Identifiers::default();
        each_row(files, (file, self.format(), &variant), sink, |Fields { columns: row, repeated }, place| {
            if let Some(name) = repeated.iter().find(|name| self.options.columns.reads(name)) {
                return Err(stands_twice(name));
            }
            if let Some(id) = self.options.columns.id.as_deref().and_then(|path| mapping::text(&row, path).ok()?) {
                ids.see(id, place.row);
            }
            self.row(&row, split, place)
        })?;
        match ids.message() {
            Some(message) => say(file, message, sink),
            None => Ok(()),
        }
    }

    /// The split of the rows of `file` that name none.
    fn split_of(&self, file: &SourceFile) -> Result<Split> {
        match self.options.split {
            SplitRule::Fixed(split) => Ok(split),
            // Rows that are no records have no split, and a column goes before the file's name.
            SplitRule::FileName if !self.is_of_records() || self.options.columns.split.is_some() => Ok(Split::Train),
            SplitRule::FileName => split_of(file).map_err(|error| match error {
                Error::Format { path, row, message } => {
                    let message =
                        format!("{message}, map columns.split, or give split or resplit in the configuration");
                    Error::Format { path, row, message }
                }
                other => other,
            }),
        }
    }

    const fn is_of_records(&self) -> bool {
        matches!(self.info.kind, RowKind::Records(_))
    }

    fn row(&self, row: &Map<String, Value>, split: Split, place: &Place<'_>) -> Result<SourceRow, String> {
        match self.info.kind {
            RowKind::Documents => row::document(&self.options.columns, &self.info, row, place).map(SourceRow::from),
            RowKind::Originals => {
                let question = row::question(&self.options, row, split, place)?;
                Ok(question.original(&self.info.name, &self.info.license, place.row_provenance()).into())
            }
            RowKind::Records(origin) => {
                let question = row::question(&self.options, row, split, place)?;
                Ok(question.record(&self.info, origin, place.provenance()).into())
            }
            RowKind::RecordsOfAnyOrigin => Err("expected one origin for all rows".to_owned()),
        }
    }
}

impl Source for TableSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        files.iter().try_for_each(|file| self.read_file(files, file, sink))
    }

    fn table_format(&self) -> Option<TableFormat> {
        Some(self.options.format)
    }

    fn options(&self) -> Value {
        let TableOptions { format, delimiter, task, split, answer_form, columns } = &self.options;
        let split = match split {
            SplitRule::FileName => "file_name",
            SplitRule::Fixed(split) => split.as_str(),
        };
        serde_json::json!({
            "format": format,
            "delimiter": delimiter,
            "files": self.info.file_patterns,
            "kind": self.info.kind,
            "license": self.info.license,
            "task": task,
            "split": split,
            "answer_form": answer_form,
            "columns": columns,
        })
    }
}

/// The identifiers of a file, each with the first row that has it.
#[derive(Default)]
struct Identifiers {
    rows: HashMap<String, u64>,
    first_repeated: Option<(String, u64, u64)>,
    num_repeated: u64,
}

impl Identifiers {
    fn see(&mut self, id: String, row: u64) {
        match self.rows.get(&id) {
            None => {
                self.rows.insert(id, row);
            }
            Some(first) => {
                self.num_repeated += 1;
                self.first_repeated.get_or_insert((id, *first, row));
            }
        }
    }

    fn message(self) -> Option<String> {
        let (id, first, row) = self.first_repeated?;
        let num = self.num_repeated;
        Some(format!(
            "{num} rows have the identifier of an earlier row, the first of them {id:?} in rows {first} and {row}; all are kept"
        ))
    }
}

#[cfg(test)]
mod tests;
