//! The plain form of a row: `instruction`, `context`, `choices`, `answer`, `task`.

use serde_json::{Map, Value};

use crate::record::{Choice, ChoiceLabel, Origin, Provenance, Record, Split, Task, format_answer, short_hash};

type Fields = Map<String, Value>;

/// The record that the fields describe; other fields are not looked at.
///
/// `choices` is a list of texts, a list of `{"label", "text"}`, or an object of texts by letter. `answer` is free text, or
/// the correct letters as text (`B`; `A, C`) or list where there are choices; `answer_labels` goes before it. A letter that
/// stands twice is kept twice. `task` is told from these where it is missing: letters as the answer to an empty list of
/// choices are those of a multiple-choice question whose choices were lost.
pub(super) fn record(fields: &Fields) -> Result<Record, String> {
    let instruction = text(fields, "instruction")?.ok_or("expected the key instruction, found none")?;
    let choices = choices(fields.get("choices"))?;
    let task = text(fields, "task")?.map(|name| name.parse::<Task>()).transpose().map_err(named("task"))?;
    let labels = letters(fields);
    let is_given = |key| fields.get(key).is_some_and(|value| !value.is_null());
    let is_multiple = match task {
        _ if !choices.is_empty() => true,
        Some(task) => task.is_multiple_choice(),
        None => {
            (is_given("choices") || is_given("answer_labels")) && labels.as_ref().is_ok_and(|labels| !labels.is_empty())
        }
    };
    let (answer_labels, answer) = if is_multiple {
        let labels = labels?;
        let answer = format_answer(&labels);
        (labels, answer)
    } else {
        let labels = if is_given("answer_labels") { labels? } else { Vec::new() };
        (labels, text(fields, "answer")?.unwrap_or_default())
    };
    let task = task.unwrap_or(match answer_labels.len() {
        _ if !is_multiple => Task::Oeq,
        1 => Task::Mcqu,
        _ => Task::Mcq,
    });
    let mut record = Record {
        id: String::new(),
        group_id: short_hash(instruction.as_bytes()),
        instruction,
        context: text(fields, "context")?.unwrap_or_default(),
        choices,
        answer_labels,
        answer,
        task,
        origin: text(fields, "origin")?.map_or(Ok(Origin::Native), |name| name.parse()).map_err(named("origin"))?,
        split: text(fields, "split")?.map_or(Ok(Split::Train), |name| name.parse()).map_err(named("split"))?,
        source: text(fields, "source")?.unwrap_or_default(),
        source_id: String::new(),
        license: String::new(),
        provenance: Provenance::default(),
        languages: Vec::new(),
        findings: Vec::new(),
    };
    record.id = text(fields, "id")?.unwrap_or_else(|| record.content_id());
    Ok(record)
}

/// What kind of JSON value it is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn named(key: &'static str) -> impl Fn(String) -> String {
    move |message| format!("{key}: {message}")
}

fn text(fields: &Fields, key: &str) -> Result<Option<String>, String> {
    match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(format!("{key}: expected a text, found {}", kind(other))),
    }
}

fn choices(value: Option<&Value>) -> Result<Vec<Choice>, String> {
    let choice = |label: Option<ChoiceLabel>, text: &Value| {
        let label = label.ok_or("choices: expected at most 26, found more")?;
        let text = text.as_str().ok_or_else(|| format!("choices.{label}: expected a text, found {}", kind(text)))?;
        Ok(Choice { label, text: text.to_owned() })
    };
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) if items.iter().any(Value::is_object) => items
            .iter()
            .map(|item| {
                serde_json::from_value(item.clone())
                    .map_err(|error| format!("choices: expected {{label, text}}, found {error}"))
            })
            .collect(),
        Some(Value::Array(items)) => {
            items.iter().enumerate().map(|(index, text)| choice(ChoiceLabel::from_index(index), text)).collect()
        }
        Some(Value::Object(items)) => {
            items.iter().map(|(letter, text)| choice(Some(letter.parse().map_err(named("choices"))?), text)).collect()
        }
        Some(other) => Err(format!("choices: expected a list or an object, found {}", kind(other))),
    }
}

/// The correct letters, ascending.
fn letters(fields: &Fields) -> Result<Vec<ChoiceLabel>, String> {
    let (key, value) = ["answer_labels", "answer"]
        .into_iter()
        .find_map(|key| fields.get(key).filter(|value| !value.is_null()).map(|value| (key, value)))
        .ok_or("expected the key answer or answer_labels, found neither")?;
    let letters: Vec<&str> = match value {
        Value::String(text) => text.split([',', ';', ' ']).filter(|letter| !letter.is_empty()).collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().ok_or_else(|| format!("{key}: expected letters, found {}", kind(item))))
            .collect::<Result<_, _>>()?,
        other => return Err(format!("{key}: expected letters such as \"A, C\", found {}", kind(other))),
    };
    let mut labels: Vec<ChoiceLabel> =
        letters.into_iter().map(str::parse).collect::<Result<_, _>>().map_err(|message| format!("{key}: {message}"))?;
    labels.sort_unstable();
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Record, String> {
        record(serde_json::from_str::<Value>(json).unwrap().as_object().unwrap())
    }

    #[test]
    fn the_three_ways_to_write_choices_give_the_same_record() {
        let id = |choices: &str, answer: &str| {
            read(&format!(r#"{{"instruction": "Quels os ?", "choices": {choices}, "answer": {answer}}}"#)).unwrap().id
        };
        let expected = id(r#"["Tibia", "Ulna", "Foie"]"#, r#""B,A""#);
        assert_eq!(id(r#"{"a": "Tibia", "b": "Ulna", "c": "Foie"}"#, r#"["a", "b"]"#), expected);
        let labelled =
            r#"[{"label": "A", "text": "Tibia"}, {"label": "B", "text": "Ulna"}, {"label": "C", "text": "Foie"}]"#;
        assert_eq!(id(labelled, r#""A, B""#), expected);
    }

    #[test]
    fn an_open_question_keeps_its_answer() {
        for (rest, answer) in [
            (r#""answer": "Le tibia, a priori""#, "Le tibia, a priori"),
            (r#""answer": "A""#, "A"),
            (r#""choices": [], "answer": "Le tibia""#, "Le tibia"),
            (r#""choices": [], "answer": "A", "task": "oeq""#, "A"),
            (r#""choices": [], "answer": null"#, ""),
        ] {
            let record = read(&format!(r#"{{"instruction": "Quel os ?", {rest}}}"#)).unwrap();
            assert_eq!((record.task, record.answer.as_str()), (Task::Oeq, answer), "{rest}");
        }
    }

    #[test]
    fn letters_without_choices_are_kept_and_are_of_a_multiple_choice_question() {
        for (rest, task) in [
            (r#""choices": [], "answer": "A""#, Task::Mcqu),
            (r#""choices": [], "answer": ["A", "B"]"#, Task::Mcq),
            (r#""choices": {}, "answer": "A""#, Task::Mcqu),
            (r#""answer_labels": ["A"]"#, Task::Mcqu),
            (r#""answer_labels": ["A"], "task": "oeq""#, Task::Oeq),
            (r#""answer": "A", "task": "mcqu""#, Task::Mcqu),
        ] {
            let record = read(&format!(r#"{{"instruction": "Quel os ?", {rest}}}"#)).unwrap();
            assert_eq!((record.task, record.answer_labels.is_empty()), (task, false), "{rest}");
        }
    }

    #[test]
    fn a_message_names_the_key() {
        for (json, message) in [
            (r#"{"question": "Q"}"#, "expected the key instruction, found none"),
            (r#"{"instruction": 3}"#, "instruction: expected a text, found a number"),
            (r#"{"instruction": "Q", "choices": ["a", 2]}"#, "choices.B: expected a text, found a number"),
            (
                r#"{"instruction": "Q", "choices": ["a"], "answer": "é"}"#,
                "answer: expected a letter from A to Z, found 'é'",
            ),
            (r#"{"instruction": "Q", "choices": ["a"]}"#, "expected the key answer or answer_labels, found neither"),
            (r#"{"instruction": "Q", "task": "mcqx"}"#, "task: expected one of mcqu, mcq, oeq, found \"mcqx\""),
        ] {
            assert_eq!(read(json).unwrap_err(), message);
        }
    }
}
