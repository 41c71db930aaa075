//! From a row and a mapping to a question or a document.

use serde_json::error::Category;
use serde_json::{Map, Value};

use super::mapping::{plain, text, value};
use super::{AnswerForm, ChoiceColumns, ColumnMapping, TableOptions};
use crate::record::{Choice, ChoiceLabel, Document, Split, Task};
use crate::source::choices::{Letters, Options, from_columns, gold, gold_at};
use crate::source::columns::{document as plain_document, split_named};
use crate::source::formats::Once;
use crate::source::{Answer, Place, Question, SourceInfo};
use crate::text::fold;

type Row = Map<String, Value>;

/// The question of a row.
///
/// # Errors
/// The column, what was expected and what was found.
pub(super) fn question(
    options: &TableOptions,
    row: &Row,
    file_split: Split,
    place: &Place<'_>,
) -> Result<Question, String> {
    let columns = &options.columns;
    let instruction = required(row, columns.instruction.as_deref())?;
    let context = optional(row, columns.context.as_deref())?.unwrap_or_default();
    let choices = columns.choices.as_ref().map_or_else(|| Ok(Vec::new()), |from| choices(row, from))?;
    let task = match optional(row, columns.task.as_deref())? {
        Some(name) => Some(name.trim().to_ascii_lowercase().parse::<Task>().map_err(named(columns.task.as_deref()))?),
        None => options.task,
    };
    let split = match optional(row, columns.split.as_deref())? {
        Some(name) => split_named(name.trim()).ok_or_else(|| {
            let column = columns.split.as_deref().unwrap_or_default();
            format!("{column}: expected train, dev (val, validation, eval) or test, found {name:?}")
        })?,
        None if columns.split.is_some() => {
            return Err(format!("expected a split in {}, found none", columns.split.as_deref().unwrap_or_default()));
        }
        None => file_split,
    };
    let answer = answer(options, row, &choices, task)?;
    let group = match optional(row, columns.group.as_deref())? {
        Some(group) => group,
        None => fold(if context.trim().is_empty() { &instruction } else { &context }),
    };
    let source_id = optional(row, columns.id.as_deref())?;
    Ok(Question {
        text: instruction,
        context,
        choices,
        answer,
        task,
        split,
        source_id: source_id.unwrap_or_else(|| format!("{}/{}", place.file.name, place.row)),
        group,
    })
}

/// The document of a row.
///
/// # Errors
/// The column, what was expected and what was found.
pub(super) fn document(
    columns: &ColumnMapping,
    info: &SourceInfo,
    row: &Row,
    place: &Place<'_>,
) -> Result<Document, String> {
    let text = required(row, columns.text.as_deref())?;
    let id = optional(row, columns.id.as_deref())?.unwrap_or_else(|| format!("{}/{}", place.file.name, place.row));
    let mut document = plain_document(info, place, id, text);
    document.reference = optional(row, columns.reference.as_deref())?.unwrap_or_default();
    if let Some(path) = &columns.authors {
        document.authors = texts(row, path)?;
    }
    Ok(document)
}

fn named(path: Option<&str>) -> impl Fn(String) -> String + '_ {
    move |message| format!("{}: {message}", path.unwrap_or_default())
}

/// The text of a column that may be left out; `None` where it is blank.
fn optional(row: &Row, path: Option<&str>) -> Result<Option<String>, String> {
    let Some(path) = path else { return Ok(None) };
    Ok(text(row, path)?.filter(|text| !text.trim().is_empty()))
}

fn required(row: &Row, path: Option<&str>) -> Result<String, String> {
    optional(row, path)?.ok_or_else(|| format!("expected a text in {}, found none", path.unwrap_or_default()))
}

/// The texts of a list, or the one text that stands in its place.
fn texts(row: &Row, path: &str) -> Result<Vec<String>, String> {
    match value(row, path) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(plain).collect::<Result<_, _>>().map_err(named(Some(path))),
        Some(other) => Ok(vec![plain(other).map_err(named(Some(path)))?]),
    }
}

fn choices(row: &Row, from: &ChoiceColumns) -> Result<Vec<Choice>, String> {
    match from {
        ChoiceColumns::Each(paths) => {
            let texts = paths.iter().map(|path| text(row, path)).collect::<Result<Vec<_>, _>>()?;
            from_columns(texts, &paths.join(", "))
        }
        ChoiceColumns::One(path) => {
            let parsed;
            let value = match value(row, path) {
                None => return Ok(Vec::new()),
                Some(Value::String(text)) if text.trim().is_empty() => return Ok(Vec::new()),
                Some(Value::String(text)) => {
                    parsed = serde_json::from_str::<Once>(text).map_err(|error| match error.classify() {
                        Category::Data => format!("{path}: {error}"),
                        _ => format!("{path}: expected choices as a JSON list or object, found {text:?}"),
                    })?;
                    &parsed.0
                }
                Some(value) => value,
            };
            let options: Options =
                serde_json::from_value(with_texts(value)).map_err(|error| format!("{path}: {error}"))?;
            options.choices(path)
        }
    }
}

/// The value with numbers written out: a choice may be a dose.
fn with_texts(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Array(items) => items.iter().map(with_texts).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), with_texts(value))).collect())
        }
        other => other.clone(),
    }
}

fn answer(options: &TableOptions, row: &Row, choices: &[Choice], task: Option<Task>) -> Result<Answer, String> {
    let path = options.columns.answer.as_deref().unwrap_or_default();
    let form = match (options.answer_form, choices.is_empty(), task) {
        (None, ..) | (Some(_), true, Some(Task::Oeq)) => return required(row, Some(path)).map(Answer::Text),
        (Some(_), true, _) => {
            return Err("expected choices, found none; where an open question is meant, task must say oeq".to_owned());
        }
        (Some(_), false, Some(Task::Oeq)) => {
            return Err(format!("expected no choices beside task oeq, found {}", choices.len()));
        }
        (Some(form), false, _) => form,
    };
    let found = value(row, path).ok_or_else(|| format!("expected an answer in {path}, found none"))?;
    let labels = match form {
        AnswerForm::Letters => {
            let letters: Letters = serde_json::from_value(found.clone())
                .map_err(|_| format!("{path}: expected letters, in a text or a list, found {found}"))?;
            gold(&letters.0, choices, path)?
        }
        AnswerForm::IndexFrom0 => at_places(found, 0, choices, path)?,
        AnswerForm::IndexFrom1 => at_places(found, 1, choices, path)?,
        AnswerForm::ChoiceText => {
            texts(row, path)?.iter().map(|text| with_text(text, choices, path)).collect::<Result<_, _>>()?
        }
    };
    if labels.is_empty() {
        return Err(format!("expected an answer in {path}, found none"));
    }
    Ok(Answer::Labels(labels))
}

/// The labels of the choices at the places that `found` lists, counted from `first`.
fn at_places(found: &Value, first: i64, choices: &[Choice], path: &str) -> Result<Vec<ChoiceLabel>, String> {
    let items: Vec<String> = match found {
        Value::Array(items) => items.iter().map(plain).collect::<Result<_, _>>().map_err(named(Some(path)))?,
        Value::String(text) => text.split([',', ';', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect(),
        other => vec![plain(other).map_err(named(Some(path)))?],
    };
    let mut labels = Vec::with_capacity(items.len());
    for item in items {
        // What holds missing values beside whole numbers is often written with a point.
        let number = item.strip_suffix(".0").unwrap_or(&item).parse::<i64>();
        let wrong = || {
            let last = first.saturating_add(i64::try_from(choices.len()).unwrap_or(i64::MAX)) - 1;
            format!("{path}: expected the number of a choice from {first} to {last}, found {item:?}")
        };
        let place = number.ok().and_then(|number| number.checked_sub(first)).ok_or_else(wrong)?;
        let label = gold_at(place, choices, path).map_err(|_| wrong())?;
        if labels.contains(&label) {
            return Err(format!("{path}: expected each choice once, found {item:?} twice"));
        }
        labels.push(label);
    }
    Ok(labels)
}

/// The label of the one choice with this text.
fn with_text(text: &str, choices: &[Choice], path: &str) -> Result<ChoiceLabel, String> {
    let mut same = choices.iter().filter(|choice| choice.text.trim() == text.trim());
    match (same.next(), same.next()) {
        (Some(choice), None) => Ok(choice.label),
        (None, _) => Err(format!("{path}: expected the text of one of {} choices, found {text:?}", choices.len())),
        (Some(_), Some(_)) => {
            Err(format!("{path}: expected the text of one choice, found {text:?}, which is that of two"))
        }
    }
}
