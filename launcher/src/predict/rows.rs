//! Evaluation rows as they are read, and predictions as they are written.

use std::collections::BTreeMap;
use std::path::Path;

use medinjection_fr::provenance::Lines;
use medinjection_fr::record::{Choice, ChoiceLabel, Task};
use medinjection_fr::render::{EvaluationRow, Role};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::decode::Answer;
use crate::{Error, Result};

/// What a prediction adds to its row; a row that was predicted before loses the old ones.
const ADDED: [&str; 3] = ["prediction", "parsed", "probabilities"];

/// A row with the line that it stands on. Invariant: a multiple-choice row has choices, whose labels differ.
#[derive(Debug)]
pub(super) struct Line {
    /// One-based.
    pub(super) number: u64,
    pub(super) row: EvaluationRow,
}

impl Line {
    /// Labels of the choices in their order; none for an open question.
    pub(super) fn labels(&self) -> Vec<ChoiceLabel> {
        if self.row.task == Task::Oeq {
            Vec::new()
        } else {
            self.row.choices.iter().map(|choice| choice.label).collect()
        }
    }

    /// Length of the conversation in bytes; a measure of its cost that needs no tokenizer.
    pub(super) fn num_bytes(&self) -> usize {
        self.row.messages.iter().map(|message| message.content.len()).sum()
    }
}

/// The prediction of a row, as a line of JSON with its end.
#[derive(Serialize)]
struct PredictedRow<'a> {
    id: &'a str,
    task: Task,
    #[serde(skip_serializing_if = "<[Choice]>::is_empty")]
    choices: &'a [Choice],
    #[serde(flatten)]
    carried: &'a Map<String, Value>,
    prediction: &'a str,
    /// `null` where the answer is no list of letters; absent for open questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    parsed: Option<&'a Option<Vec<ChoiceLabel>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probabilities: Option<&'a BTreeMap<ChoiceLabel, f64>>,
}

/// The prediction of a row as one line of JSON, with its line end.
pub(super) fn prediction_line(row: &EvaluationRow, answer: &Answer) -> Result<String> {
    let multiple = row.task != Task::Oeq;
    let predicted = PredictedRow {
        id: &row.id,
        task: row.task,
        choices: &row.choices,
        carried: &row.carried,
        prediction: &answer.text,
        parsed: multiple.then_some(&answer.labels),
        probabilities: (multiple && !answer.probabilities.is_empty()).then_some(&answer.probabilities),
    };
    let mut line = serde_json::to_string(&predicted)
        .map_err(|error| Error::Environment(format!("prediction of {}: {error}", row.id)))?;
    line.push('\n');
    Ok(line)
}

/// Reads the evaluation rows of a JSON Lines file; blank lines and a byte-order mark are passed over.
///
/// # Errors
/// [`Error::Library`] if the file cannot be read, holds no row, or a line is no row that can be answered; it names the line.
pub(super) fn read(path: &Path) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for line in Lines::open(path)? {
        let (number, bytes) = line?;
        let bad = |message: String| medinjection_fr::Error::row(path, number, message);
        let mut row: EvaluationRow =
            serde_json::from_slice(&bytes).map_err(|error| bad(format!("expected an evaluation row: {error}")))?;
        row.carried.retain(|key, _| !ADDED.contains(&key.as_str()));
        if let Some(problem) = problem(&row) {
            return Err(bad(problem).into());
        }
        lines.push(Line { number, row });
    }
    if lines.is_empty() {
        return Err(Error::format(path, "expected evaluation rows, found none"));
    }
    Ok(lines)
}

/// Why a row cannot be answered.
fn problem(row: &EvaluationRow) -> Option<String> {
    match row.messages.last() {
        None => return Some("messages: expected a question, found none".to_owned()),
        Some(last) if last.role == Role::Assistant => {
            return Some("messages: expected the question last, found the model's turn".to_owned());
        }
        Some(_) => {}
    }
    if row.task == Task::Oeq {
        return None;
    }
    if row.choices.is_empty() {
        return Some(format!("choices: expected some for the task {}, found none", row.task));
    }
    let mut labels: Vec<ChoiceLabel> = row.choices.iter().map(|choice| choice.label).collect();
    labels.sort_unstable();
    let twice = labels.windows(2).find(|pair| pair[0] == pair[1])?;
    Some(format!("choices: expected labels that differ, found {} twice", twice[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_text(text: &str) -> Result<Vec<Line>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path())
    }

    const GOOD: &str = r#"{"id":"q1","task":"mcq","messages":[{"role":"user","content":"?"}],
        "choices":[{"label":"A","text":"x"},{"label":"B","text":"y"}],"difficulty":3,"prediction":"old"}"#;

    #[test]
    fn every_other_field_is_carried_and_messages_are_not() {
        let text = format!("\u{feff}\n{}\n\n", GOOD.replace('\n', ""));
        let lines = read_text(&text).unwrap();
        assert_eq!((lines[0].number, lines[0].labels().len()), (2, 2));
        let answer = Answer {
            text: "A".into(),
            labels: Some(vec!['A'.try_into().unwrap()]),
            probabilities: BTreeMap::from([('A'.try_into().unwrap(), 0.75)]),
        };
        let line = prediction_line(&lines[0].row, &answer).unwrap();
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&value["difficulty"], &value["prediction"]), (&3.into(), &"A".into()));
        assert_eq!((&value["parsed"][0], &value["probabilities"]["A"]), (&"A".into(), &0.75.into()));
        assert!(value.get("messages").is_none());
        let none = prediction_line(&lines[0].row, &Answer { labels: None, ..answer }).unwrap();
        assert!(none.contains("\"parsed\":null"));
    }

    #[test]
    fn a_row_that_cannot_be_answered_is_named_by_its_line() {
        let good = GOOD.replace('\n', "");
        for (from, to, expected) in [
            ("\"label\":\"B\"", "\"label\":\"A\"", "found A twice"),
            ("\"label\":\"B\"", "\"label\":\"É\"", "letter from A to Z"),
            ("\"role\":\"user\"", "\"role\":\"assistant\"", "found the model's turn"),
            ("[{\"role\":\"user\",\"content\":\"?\"}]", "[]", "expected a question, found none"),
            ("\"choices\"", "\"options\"", "expected some for the task mcq, found none"),
            ("\"mcq\"", "\"quiz\"", "quiz"),
            ("{\"id\"", "{id", "expected an evaluation row"),
        ] {
            let message = read_text(&format!("{good}\n{}\n", good.replace(from, to))).unwrap_err().to_string();
            assert!(message.contains("row 2") && message.contains(expected), "{message}");
        }
        assert!(read_text("\n \n").unwrap_err().to_string().contains("found none"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_rows_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), bytes).unwrap();
            let _ = read(file.path());
        }
    }
}
