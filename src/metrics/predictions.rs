//! A file of predictions, read into answered questions by source and task.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Answered, BleuCounts, ChrfCounts, LabelSet, parse_labels};
use crate::provenance::Lines;
use crate::record::Task;
use crate::render::PredictionRow;
use crate::{Error, Result};

/// Source of the rows that name none.
const NO_SOURCE: &str = "unspecified";

/// A source and a task: what is scored together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetKey {
    /// Name of the corpus, `unspecified` where the rows name none.
    pub source: String,
    /// Kind of question.
    pub task: Task,
}

impl std::fmt::Display for SetKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.source, self.task)
    }
}

/// A multiple-choice question of a file of predictions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Identifier of the record; the row's number where the file has none.
    pub id: String,
    /// What was right and what was chosen.
    pub answered: Answered,
}

/// The open questions of a file of predictions, counted against their references.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenAnswers {
    /// Number of open questions.
    pub num_records: u64,
    /// Number of those that have a reference, to which the counts belong.
    pub num_with_reference: u64,
    /// What BLEU counts.
    pub bleu: BleuCounts,
    /// What chrF counts.
    pub chrf: ChrfCounts,
}

impl OpenAnswers {
    fn add(&mut self, prediction: &str, reference: Option<&str>) {
        self.num_records += 1;
        if let Some(reference) = reference.filter(|text| !text.trim().is_empty()) {
            self.num_with_reference += 1;
            self.bleu.add(&BleuCounts::of(prediction, reference));
            self.chrf.add(&ChrfCounts::of(prediction, reference));
        }
    }
}

/// A file of predictions. Invariant: it holds at least one row, and no identifier twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predictions {
    /// Multiple-choice questions by source and task, in the order of the file.
    pub sets: BTreeMap<SetKey, Vec<Item>>,
    /// Open questions.
    pub open: OpenAnswers,
}

impl Predictions {
    /// Reads JSON Lines of predictions.
    ///
    /// What was chosen is parsed from the text of `prediction`. Where the row has `parsed` too, it must name the same
    /// labels: every decoding writes as text the labels that it gives, so that a difference means that the row was
    /// changed. The gold labels are `answer_labels`, or are parsed from `reference`. Blank lines and a byte-order mark
    /// are passed over.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; [`Error::Format`] naming the row if one is not a prediction, has no
    /// usable gold labels, a `parsed` that its text contradicts or an identifier that came before, or if there is no row.
    pub fn read(path: &Path) -> Result<Self> {
        let mut predictions = Self { sets: BTreeMap::new(), open: OpenAnswers::default() };
        let mut seen = BTreeSet::new();
        for line in Lines::open(path)? {
            let (row_number, line) = line?;
            predictions.add(&line, row_number, &mut seen).map_err(|message| Error::row(path, row_number, message))?;
        }
        if predictions.sets.is_empty() && predictions.open.num_records == 0 {
            return Err(Error::format(path, "expected at least one prediction, found none"));
        }
        Ok(predictions)
    }

    /// Number of multiple-choice questions.
    #[must_use]
    pub fn num_records(&self) -> usize {
        self.sets.values().map(Vec::len).sum()
    }

    fn add(&mut self, line: &[u8], row_number: u64, seen: &mut BTreeSet<String>) -> Result<(), String> {
        let row: PredictionRow = serde_json::from_slice(line).map_err(|error| {
            let start: String = String::from_utf8_lossy(line).chars().take(60).collect();
            format!("expected a prediction as a JSON object, found {start:?}: {error}")
        })?;
        let id = row.id.clone().unwrap_or_else(|| format!("row {row_number}"));
        if !seen.insert(id.clone()) {
            return Err(format!("id: expected an identifier of its own, found {id:?} a second time"));
        }
        if row.task == Task::Oeq {
            self.open.add(&row.prediction, row.reference.as_deref());
            return Ok(());
        }
        let answered = answered(&row)?;
        let key = SetKey { source: row.source.unwrap_or_else(|| NO_SOURCE.to_owned()), task: row.task };
        self.sets.entry(key).or_default().push(Item { id, answered });
        Ok(())
    }
}

fn answered(row: &PredictionRow) -> Result<Answered, String> {
    let gold = gold(row)?;
    let choices: LabelSet = row.choices.iter().map(|choice| choice.label).collect();
    if choices.len() as usize != row.choices.len() {
        return Err(format!("choices: expected labels that differ, found {} among {}", choices, row.choices.len()));
    }
    let outside = gold.difference(choices);
    if !row.choices.is_empty() && !outside.is_empty() {
        return Err(format!("expected a correct answer among the choices {choices}, found {outside}"));
    }
    if row.task == Task::Mcqu && gold.len() != 1 {
        return Err(format!("expected one correct label for task mcqu, found {gold}"));
    }
    Ok(Answered { gold, predicted: predicted(row)?, num_choices: (!choices.is_empty()).then(|| choices.len()) })
}

fn predicted(row: &PredictionRow) -> Result<LabelSet, String> {
    let read = parse_labels(&row.prediction);
    let given: LabelSet = row.parsed.as_ref().map_or(read, |labels| labels.iter().copied().collect());
    if given == read {
        return Ok(read);
    }
    let name = |labels: LabelSet| if labels.is_empty() { "none".to_owned() } else { labels.to_string() };
    Err(format!(
        "parsed: expected {}, the labels that the prediction {:?} names, found {}; \
         leave parsed out, or write the labels as prediction",
        name(read),
        row.prediction.chars().take(60).collect::<String>(),
        name(given)
    ))
}

fn gold(row: &PredictionRow) -> Result<LabelSet, String> {
    let gold = match (&row.answer_labels, &row.reference) {
        (Some(labels), _) => labels.iter().copied().collect(),
        (None, Some(reference)) => parse_labels(reference),
        (None, None) => return Err("expected answer_labels or reference, found neither".to_owned()),
    };
    if gold.is_empty() {
        let found = row.reference.as_deref().unwrap_or_default();
        return Err(format!("expected at least one correct label, found none (reference {found:?})"));
    }
    Ok(gold)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Predictions> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("predictions.jsonl");
        std::fs::write(&path, text).unwrap();
        Predictions::read(&path)
    }

    #[test]
    fn the_least_that_a_row_needs_is_enough() {
        let text = "\u{feff}{\"task\":\"mcq\",\"prediction\":\"A, C\",\"reference\":\"A, C\"}\n\n\
                    {\"task\":\"oeq\",\"prediction\":\"aspirine\"}\n\
                    {\"task\":\"oeq\",\"prediction\":\"aspirine\",\"reference\":\"aspirine\"}\n";
        let predictions = read(text).unwrap();
        assert_eq!((predictions.open.num_records, predictions.open.num_with_reference), (2, 1));
        let (key, items) = predictions.sets.first_key_value().unwrap();
        assert_eq!((key.to_string().as_str(), items[0].id.as_str()), ("unspecified mcq", "row 1"));
        assert_eq!(items[0].answered.gold, items[0].answered.predicted);
    }

    #[test]
    fn null_labels_are_read_from_the_text() {
        let row = r#"{"task":"mcqu","prediction":"Réponse : B","parsed":null,"answer_labels":["B"]}"#;
        let predictions = read(row).unwrap();
        assert_eq!(predictions.sets.values().next().unwrap()[0].answered.predicted.to_string(), "B");
    }

    #[test]
    fn labels_that_the_text_contradicts_are_refused_with_both() {
        let row = |prediction: &str, parsed: &str| {
            format!(r#"{{"task":"mcq","prediction":"{prediction}","parsed":{parsed},"answer_labels":["A"]}}"#)
        };
        for (prediction, parsed, named) in [
            ("B", r#"["A"]"#, r#"row 2: parsed: expected B, the labels that the prediction "B" names, found A"#),
            ("", r#"["A"]"#, r#"expected none, the labels that the prediction "" names, found A"#),
            ("A, C", "[]", r#"expected A, C, the labels that the prediction "A, C" names, found none"#),
        ] {
            let message = read(&format!("\n{}", row(prediction, parsed))).unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
        for (prediction, parsed) in [("C, A", r#"["A","C"]"#), ("?", "[]"), ("Réponse : B", "null")] {
            assert!(read(&row(prediction, parsed)).is_ok(), "{prediction}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_blank_lines_are_passed_over_and_numbers_stay_true() {
        let row = r#"{"task":"mcqu","prediction":"A","answer_labels":["A"]}"#;
        let predictions = read(&format!("\u{feff}{row}\r\n\r\n \n{row}")).unwrap();
        let ids: Vec<&str> = predictions.sets.values().flatten().map(|item| item.id.as_str()).collect();
        assert_eq!(ids, ["row 1", "row 4"]);
    }

    #[test]
    fn what_cannot_be_scored_names_its_row() {
        let good = r#"{"id":"q1","task":"mcqu","prediction":"A","answer_labels":["A"]}"#;
        let refused = [
            ("{\"task\":", "row 2: expected a prediction as a JSON object"),
            ("\u{fffd}", "row 2: "),
            (good, "found \"q1\" a second time"),
            (r#"{"task":"mcqu","prediction":"A"}"#, "row 2: expected answer_labels or reference"),
            (r#"{"task":"mcqu","prediction":"A","reference":"?"}"#, "found none (reference \"?\")"),
            (r#"{"task":"mcqu","prediction":"A","answer_labels":["A","B"]}"#, "one correct label for task mcqu"),
            (r#"{"task":"mcqu","prediction":"A","answer_labels":["é"]}"#, "expected a letter from A to Z"),
            (
                r#"{"task":"mcqu","prediction":"A","answer_labels":["E"],"choices":[{"label":"A","text":"x"}]}"#,
                "row 2: expected a correct answer among the choices A, found E",
            ),
        ];
        for (row, named) in refused {
            let message = read(&format!("{good}\n{row}\n")).unwrap_err().to_string();
            assert!(message.contains("predictions.jsonl") && message.contains(named), "{row}: {message}");
        }
        assert!(read("\n").unwrap_err().to_string().contains("at least one prediction"));
        assert!(Predictions::read(Path::new("absent.jsonl")).unwrap_err().to_string().contains("absent.jsonl"));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused_by_row() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("p.jsonl");
        std::fs::write(&path, b"{\"task\":\"mcqu\",\"prediction\":\"\xff\0\"}").unwrap();
        assert!(Predictions::read(&path).unwrap_err().to_string().contains("row 1"));
    }
}
