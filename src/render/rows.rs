//! Rows of JSON Lines files: training, evaluation and prediction.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::prompt;
use crate::record::{Choice, ChoiceLabel, Origin, Record, Task};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Standing orders, before the first turn.
    System,
    /// The person who asks.
    User,
    /// The model that answers.
    Assistant,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A turn of the person who asks.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// A turn of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

/// One line of `train.jsonl` or `validation.jsonl`: a conversation that ends with the model's turn.
///
/// TRL, axolotl and others read the same form. Only `messages` is required; keys not named here are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TrainingRow {
    /// Identifier of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The conversation.
    pub messages: Vec<Message>,
    /// Kind of question, on validation rows of multiple-choice records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// The choices, on validation rows of multiple-choice records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Labels of the correct choices, on validation rows of multiple-choice records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer_labels: Vec<ChoiceLabel>,
}

impl TrainingRow {
    /// The row that teaches `record`.
    #[must_use]
    pub fn train(record: &Record) -> Self {
        Self {
            id: Some(record.id.clone()),
            messages: vec![Message::user(prompt(record)), Message::assistant(&record.answer)],
            task: None,
            choices: Vec::new(),
            answer_labels: Vec::new(),
        }
    }

    /// The row that follows training on `record`: with what exact match needs, where the question offers choices.
    #[must_use]
    pub fn validation(record: &Record) -> Self {
        let row = Self::train(record);
        if !record.task.is_multiple_choice() {
            return row;
        }
        Self {
            task: Some(record.task),
            choices: record.choices.clone(),
            answer_labels: record.answer_labels.clone(),
            ..row
        }
    }
}

/// One line of an evaluation file: a question without its answer's turn.
///
/// `id`, `task`, `messages` and, for multiple choice, `choices` are required; every other field is carried through to
/// the prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EvaluationRow {
    /// Identifier of the record.
    pub id: String,
    /// Kind of question.
    pub task: Task,
    /// The conversation up to the model's turn.
    pub messages: Vec<Message>,
    /// The choices; empty for open questions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// `source`, `origin`, `group_id`, `answer_labels`, `reference`, and whatever else the row holds.
    #[serde(flatten)]
    pub carried: Map<String, Value>,
}

impl EvaluationRow {
    /// The row that asks `record`'s question.
    #[must_use]
    pub fn new(record: &Record) -> Self {
        let labels = record.answer_labels.iter().map(|label| Value::from(label.to_string())).collect::<Vec<_>>();
        let carried = [
            ("source", Value::from(record.source.as_str())),
            ("origin", Value::from(record.origin.as_str())),
            ("group_id", Value::from(record.group_id.as_str())),
            ("answer_labels", Value::from(labels)),
            ("reference", Value::from(record.answer.as_str())),
        ];
        Self {
            id: record.id.clone(),
            task: record.task,
            messages: vec![Message::user(prompt(record))],
            choices: record.choices.clone(),
            carried: carried.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        }
    }
}

/// One line of a predictions file: the evaluation row without its messages, and what the model answered.
///
/// Scoring needs only `task`, `prediction` and `reference` or `answer_labels`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PredictionRow {
    /// Identifier of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Kind of question.
    pub task: Task,
    /// Name of the corpus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How the record was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The choices; empty for open questions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Labels of the correct choices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_labels: Option<Vec<ChoiceLabel>>,
    /// The correct answer as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What the model answered, as text.
    pub prediction: String,
    /// The labels that the answer names; absent for open questions, `null` where it names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parsed: Option<Vec<ChoiceLabel>>,
    /// Probability of each choice's label, for multiple choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<BTreeMap<ChoiceLabel, f64>>,
    /// Whatever else the row holds.
    #[serde(flatten)]
    pub carried: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_another_tool_is_read_and_its_fields_are_kept() {
        let line = r#"{"id":"q1","task":"mcqu","messages":[{"role":"user","content":"?"}],
            "choices":[{"label":"A","text":"x"}],"difficulty":3}"#;
        let row: EvaluationRow = serde_json::from_str(line).unwrap();
        assert_eq!(row.carried["difficulty"], 3);
        assert_eq!(serde_json::to_value(&row).unwrap()["difficulty"], 3);
    }

    #[test]
    fn a_prediction_needs_only_task_prediction_and_gold() {
        let line = r#"{"task":"mcq","prediction":"A, C","answer_labels":["A","C"]}"#;
        let row: PredictionRow = serde_json::from_str(line).unwrap();
        assert_eq!(row.answer_labels.unwrap().len(), 2);
        assert!(row.parsed.is_none());
    }
}
