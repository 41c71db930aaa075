//! Which columns hold what, and how a column is found in a row.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::TableFormat;
use crate::source::RowKind;
use crate::{Error, Result};

/// Columns that are named in a message.
const MAX_NAMED_COLUMNS: usize = 50;

/// Characters of a column's name that a message shows.
const MAX_NAME_CHARS: usize = 100;

/// Which columns hold what; `a.b` is the field `b` of the column `a`.
///
/// Records and originals need `instruction` and `answer`, documents `text`; all others are optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnMapping {
    /// The question or order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
    /// Passage that the question is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The choices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choices: Option<ChoiceColumns>,
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Identifier inside the corpus; file and row where it is not mapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What questions of one case or passage share; the context, or else the question, where it is not mapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Kind of question: mcqu, mcq or oeq.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Split: train, dev (val, validation, eval) or test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// Text of a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Authors of a document: a list, or one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authors: Option<String>,
    /// DOI or address of a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// Where the choices stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ChoiceColumns {
    /// In one column: a list, or an object from letter to text; in CSV files as JSON.
    One(String),
    /// Each in a column of its own; the last of them may be empty.
    Each(Vec<String>),
}

impl ChoiceColumns {
    fn paths(&self) -> &[String] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Each(paths) => paths,
        }
    }
}

impl ColumnMapping {
    /// Checks that rows of `kind` have what they need, and nothing that they have no place for.
    pub(super) fn check(&self, kind: RowKind) -> Result<()> {
        let is_document = kind == RowKind::Documents;
        let needed: &[&str] = if is_document { &["text"] } else { &["instruction", "answer"] };
        let foreign: &[&str] = match kind {
            RowKind::Documents => &["instruction", "context", "choices", "answer", "group", "task", "split"],
            RowKind::Originals => &["text", "authors", "reference", "group", "split"],
            _ => &["text", "authors", "reference"],
        };
        self.check_columns()?;
        let mapped: BTreeSet<&str> = self.named().map(|(name, _)| name).collect();
        for name in needed {
            if !mapped.contains(name) {
                let message = format!("expected the column that holds it, found none; {kind} need it");
                return Err(Error::config(format!("source.columns.{name}"), message));
            }
        }
        match foreign.iter().find(|name| mapped.contains(**name)) {
            Some(name) => {
                let message = format!("expected nothing: {kind} have no place for it");
                Err(Error::config(format!("source.columns.{name}"), message))
            }
            None => Ok(()),
        }
    }

    /// Checks what no kind of row can have: choices without a column or with the same one twice, and an answer that is its question.
    fn check_columns(&self) -> Result<()> {
        let refuse = |key: &str, message: String| Err(Error::config(format!("source.columns.{key}"), message));
        if let Some(paths) = self.choices.as_ref().map(ChoiceColumns::paths) {
            if paths.is_empty() {
                return refuse("choices", "expected at least one column, found none; leave the key out".to_owned());
            }
            let mut seen = BTreeSet::new();
            if let Some(twice) = paths.iter().find(|path| !seen.insert(*path)) {
                return refuse("choices", format!("expected columns that differ, found {twice:?} twice"));
            }
        }
        match &self.answer {
            Some(column) if self.instruction.as_ref() == Some(column) => {
                refuse("answer", format!("expected another column than that of instruction, found {column:?}"))
            }
            _ => Ok(()),
        }
    }

    /// Whether a mapped column is the column `name`, or a field inside of it.
    pub(super) fn reads(&self, name: &str) -> bool {
        let is_inside =
            |path: &String| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.paths().any(is_inside)
    }

    /// Every mapped column.
    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        self.named().flat_map(|(_, paths)| paths)
    }

    fn named(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        let columns = [
            ("instruction", self.instruction.as_slice()),
            ("context", self.context.as_slice()),
            ("choices", self.choices.as_ref().map(ChoiceColumns::paths).unwrap_or_default()),
            ("answer", self.answer.as_slice()),
            ("id", self.id.as_slice()),
            ("group", self.group.as_slice()),
            ("task", self.task.as_slice()),
            ("split", self.split.as_slice()),
            ("text", self.text.as_slice()),
            ("authors", self.authors.as_slice()),
            ("reference", self.reference.as_slice()),
        ];
        columns.into_iter().filter(|(_, paths)| !paths.is_empty())
    }
}

/// What stands at a path in a row.
enum Found<'a> {
    Value(&'a Value),
    /// The column is there, without a value.
    Null,
    Absent,
}

/// Looks for `path` in `row`: as the name of a column, dots and all, and then field by field.
fn look<'a>(row: &'a Map<String, Value>, path: &str) -> Found<'a> {
    let (value, rest) = match (row.get(path), path.split_once('.')) {
        (Some(value), _) => (value, None),
        (None, Some((head, rest))) => match row.get(head) {
            Some(value) => (value, Some(rest)),
            None => return Found::Absent,
        },
        (None, None) => return Found::Absent,
    };
    match (value, rest) {
        (Value::Null, _) => Found::Null,
        (value, None) => Found::Value(value),
        (Value::Object(fields), Some(rest)) => look(fields, rest),
        (_, Some(_)) => Found::Absent,
    }
}

/// The value at `path`; `None` where there is none.
pub(super) fn value<'a>(row: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    match look(row, path) {
        Found::Value(value) => Some(value),
        Found::Null | Found::Absent => None,
    }
}

/// The text at `path`, of a number its digits; `None` where there is none.
///
/// # Errors
/// What was found in its place.
pub(super) fn text(row: &Map<String, Value>, path: &str) -> Result<Option<String>, String> {
    value(row, path).map(|value| plain(value).map_err(|found| format!("{path}: {found}"))).transpose()
}

/// The value as text, of a number its digits.
///
/// # Errors
/// What it is instead.
pub(super) fn plain(value: &Value) -> Result<String, String> {
    let found = match value {
        Value::String(text) => return Ok(text.clone()),
        Value::Number(number) => return Ok(number.to_string()),
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Err(format!("expected a text, found {found}"))
}

/// The columns that no row had yet, and those that rows have.
pub(super) struct Wanted<'a> {
    missing: BTreeSet<&'a str>,
    seen: BTreeSet<String>,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(paths: impl Iterator<Item = &'a String>) -> Self {
        Self { missing: paths.map(String::as_str).collect(), seen: BTreeSet::new() }
    }

    pub(super) fn look(&mut self, row: &Map<String, Value>) {
        self.missing.retain(|path| matches!(look(row, path), Found::Absent));
        if !self.missing.is_empty() {
            name_columns(row, "", &mut self.seen);
        }
    }

    pub(super) fn all_found(&self) -> bool {
        self.missing.is_empty()
    }

    /// What is said of columns that are missing from `place`: the header, or the first rows.
    pub(super) fn missing(&self, format: TableFormat, place: &str) -> String {
        let list = |names: &mut dyn Iterator<Item = &str>| names.map(shortened).collect::<Vec<_>>().join(", ");
        let missing = list(&mut self.missing.iter().copied());
        let seen = list(&mut self.seen.iter().map(String::as_str));
        let is_of_one = self.seen.len() == 1 && format == TableFormat::Csv;
        let other = is_of_one.then(|| [';', '\t', '|'].into_iter().find(|sign| seen.contains(*sign))).flatten();
        let hint = other.map(|sign| format!("; is delimiter = {:?} missing?", sign.to_string())).unwrap_or_default();
        format!("expected the column {missing}, found in {place} only: {seen}{hint}")
    }
}

/// The name of a column as messages show it.
pub(super) fn shortened(name: &str) -> String {
    match name.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

fn name_columns(row: &Map<String, Value>, prefix: &str, seen: &mut BTreeSet<String>) {
    for (name, value) in row {
        if seen.len() == MAX_NAMED_COLUMNS {
            return;
        }
        let name = format!("{prefix}{name}");
        match value {
            // Objects in objects in objects are named by their first two names.
            Value::Object(fields) if prefix.is_empty() && !fields.is_empty() => {
                name_columns(fields, &format!("{name}."), seen);
            }
            _ => {
                seen.insert(name);
            }
        }
    }
}
