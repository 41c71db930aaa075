//! FrBMedQA: questions with a gap over passages of French biomedical encyclopedia articles.
//!
//! Rows `passage, question` with `@placeholder`, `entities_list` of `{"@entity12": label}`, and `answer` `@entity12`, as
//! JSON, JSON Lines or parquet; written from the published columns. The entities are the choices, in the order of the list,
//! and their labels take the place of their marks in passage and question. A row with more entities than letters is not read.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::choices::in_order;
use super::columns::{Id, split_or};
use super::formats::{Format, each_row};
use super::{Answer, Place, Question, RowKind, Sink, Source, SourceFiles, SourceInfo, say};
use crate::Result;
use crate::record::{Origin, Record, Split, Task};
use crate::text::fold;

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Kaddari, Z. and Bouchentouf, T. (2022). FrBMedQA: the first French biomedical question answering dataset. \
                    IAES International Journal of Artificial Intelligence 11(4). https://doi.org/10.11591/ijai.v11.i4.pp1588-1595";
    SourceInfo::new("frbmedqa", RowKind::Records(Origin::Native), "CC-BY-4.0")
        .with_citation(citation, "https://doi.org/10.11591/ijai.v11.i4.pp1588-1595")
        .with_files(["*.json", "*.jsonl", "*.parquet", "data/*.parquet"])
        .obtained(
            "Ask the authors of the paper; the study drew its splits at random, 80/10/10: resplit = [0.8, 0.1, 0.1].",
        )
});

/// The corpus.
#[derive(Debug)]
pub(super) struct FrBMedQa;

#[derive(Deserialize)]
struct Row {
    id: Option<Id>,
    passage: String,
    question: String,
    entities_list: Vec<BTreeMap<String, Option<String>>>,
    answer: String,
}

impl Source for FrBMedQa {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let format = Format::of(file)?;
            let split = split_or(file, Split::Train, sink)?;
            let variant = format!("FrBMedQA, {}", format.name());
            say(file, &variant, sink)?;
            each_row(files, (file, format, &variant), sink, |row: Row, place| Ok(record(row, split, place)?.into()))?;
        }
        Ok(())
    }
}

fn record(row: Row, split: Split, place: &Place<'_>) -> Result<Record, String> {
    let entities: Vec<(String, String)> =
        row.entities_list.into_iter().flatten().filter_map(|(mark, label)| Some((mark, label?))).collect();
    let gold = entities.iter().position(|(mark, _)| *mark == row.answer);
    let gold = gold.ok_or_else(|| format!("answer: expected one of the entities_list, found {:?}", row.answer))?;
    let choices = in_order(entities.iter().map(|(_, label)| label.clone()), "entities_list")?;
    let labels: BTreeMap<&str, &str> = entities.iter().map(|(mark, label)| (mark.as_str(), label.as_str())).collect();
    let question = Question {
        group: fold(&row.passage),
        text: unmarked(&row.question, &labels),
        context: unmarked(&row.passage, &labels),
        answer: Answer::Labels(vec![choices[gold].label]),
        choices,
        task: Some(Task::Mcqu),
        split,
        source_id: row.id.map_or_else(|| format!("{}/{}", place.file.name, place.row), |id| id.0),
    };
    Ok(question.record(&INFO, Origin::Native, place.provenance()))
}

/// The text with the label of each entity in the place of its mark.
fn unmarked(text: &str, labels: &BTreeMap<&str, &str>) -> String {
    let mut parts = text.split("@entity");
    let mut unmarked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        let mark = format!("@entity{}", &part[..digits]);
        unmarked.push_str(labels.get(mark.as_str()).copied().unwrap_or(&mark));
        unmarked.push_str(&part[digits..]);
    }
    unmarked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceRow;
    use crate::source::fixture::read;

    #[test]
    fn entities_become_choices_and_their_marks_their_labels() {
        let text = r#"[{"passage": "Le @entity1 sécrète l'@entity12.", "question": "L'@placeholder vient du @entity1.",
            "entities_list": [{"@entity1": "pancréas"}, {"@entity12": "insuline"}], "answer": "@entity12"}]"#;
        let rows = read(&FrBMedQa, &[("train.json", text)]).unwrap();
        let Some(SourceRow::Record(record)) = rows.last() else { panic!("{rows:?}") };
        assert_eq!(record.context, "Le pancréas sécrète l'insuline.");
        assert_eq!(record.instruction, "L'@placeholder vient du pancréas.");
        assert_eq!((record.answer.as_str(), record.choices[1].text.as_str()), ("B", "insuline"));
        let wrong =
            read(&FrBMedQa, &[("train.json", &text.replace("\"answer\": \"@entity12\"", "\"answer\": \"@entity2\""))]);
        assert!(matches!(wrong.unwrap().last(), Some(SourceRow::Unreadable(bad)) if bad.detail.contains("@entity2")));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_unmarked(text in "\\PC*") {
            unmarked(&format!("{text}@entity{text}"), &BTreeMap::new());
        }
    }
}
