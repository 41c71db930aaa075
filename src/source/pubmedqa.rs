//! PubMedQA (the expert-annotated part): is the question answered by the abstract with yes, no or maybe?
//!
//! The authors' `ori_pqal.json` is one object, `{pmid: {QUESTION, CONTEXTS, LABELS, final_decision, …}}`;
//! `test_ground_truth.json`, where it lies beside, says which of them are the test set. The Hub's parquet has `pubid,
//! question, context{contexts, labels}, final_decision`. The choices are `yes`, `no` and `maybe`, in this order.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::choices::in_order;
use super::columns::Id;
use super::formats::{Format, each_row, json_members};
use super::{Answer, Place, Question, RowKind, Sink, Source, SourceFile, SourceFiles, SourceInfo, SourceRow, say};
use crate::Result;
use crate::record::{LineageStep, Split, Task};

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Jin, Q., Dhingra, B., Liu, Z., Cohen, W. and Lu, X. (2019). PubMedQA: A Dataset for Biomedical Research \
                    Question Answering. EMNLP-IJCNLP 2019. https://aclanthology.org/D19-1259";
    SourceInfo::new("pubmedqa", RowKind::Originals, "MIT")
        .with_citation(citation, "https://github.com/pubmedqa/pubmedqa")
        .on_hub("qiaojin/PubMedQA")
        .with_files(["ori_pqal.json", "test_ground_truth.json", "data/ori_pqal.json", "pqa_labeled/*.parquet"])
});

const DECISIONS: [&str; 3] = ["yes", "no", "maybe"];
const GROUND_TRUTH: &str = "test_ground_truth.json";

/// The corpus.
#[derive(Debug)]
pub(super) struct PubMedQa;

#[derive(Deserialize)]
struct Article {
    #[serde(alias = "QUESTION")]
    question: String,
    #[serde(rename = "CONTEXTS", alias = "contexts")]
    contexts: Vec<String>,
    #[serde(rename = "LABELS", alias = "labels", default)]
    labels: Vec<String>,
    final_decision: String,
}

#[derive(Deserialize)]
struct Sections {
    contexts: Vec<String>,
    #[serde(default)]
    labels: Vec<String>,
}

#[derive(Deserialize)]
struct HubRow {
    pubid: Id,
    question: String,
    context: Sections,
    final_decision: String,
}

impl Source for PubMedQa {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        let test = match files.get(GROUND_TRUTH) {
            Some(file) => ground_truth(files, file, sink)?,
            None => BTreeMap::new(),
        };
        for file in files.iter().filter(|file| file.name != GROUND_TRUTH) {
            if Format::of(file)? == Format::Parquet {
                let variant = "PubMedQA, parquet";
                say(file, variant, sink)?;
                each_row(files, (file, Format::Parquet, variant), sink, |row: HubRow, place| {
                    let Sections { contexts, labels } = row.context;
                    let article =
                        Article { question: row.question, contexts, labels, final_decision: row.final_decision };
                    original(row.pubid.0, article, &test, place)
                })?;
                continue;
            }
            let variant = "PubMedQA, the authors' JSON object";
            say(file, variant, sink)?;
            json_members(file, |row, member| {
                let place = Place { revision: files.revision(), file, row, format: variant };
                let found = member.and_then(|(pmid, article, raw)| {
                    original(pmid, article, &test, &place)
                        .map_err(|detail| (detail, String::from_utf8_lossy(raw).into_owned()))
                });
                sink(found.unwrap_or_else(|(detail, raw)| place.unreadable(detail, raw.as_bytes()).into()))
            })?;
        }
        Ok(())
    }
}

/// The decisions of the test set, by article.
fn ground_truth(files: &SourceFiles, file: &SourceFile, sink: &mut Sink<'_>) -> Result<BTreeMap<String, String>> {
    let mut decisions = BTreeMap::new();
    json_members::<String>(file, |row, member| match member {
        Ok((pmid, decision, _)) => {
            decisions.insert(pmid, decision);
            Ok(())
        }
        Err((detail, raw)) => {
            let place = Place { revision: files.revision(), file, row, format: GROUND_TRUTH };
            sink(place.unreadable(detail, raw.as_bytes()).into())
        }
    })?;
    say(file, format!("{} articles are the test set", decisions.len()), sink)?;
    Ok(decisions)
}

fn original(
    pmid: String,
    article: Article,
    test: &BTreeMap<String, String>,
    place: &Place<'_>,
) -> Result<SourceRow, String> {
    let decision = DECISIONS.iter().position(|decision| *decision == article.final_decision);
    let decision = decision
        .ok_or_else(|| format!("final_decision: expected yes, no or maybe, found {:?}", article.final_decision))?;
    let expected = test.get(&pmid);
    if let Some(expected) = expected.filter(|expected| **expected != article.final_decision) {
        return Err(format!(
            "final_decision: expected {expected:?} as in {GROUND_TRUTH}, found {:?}",
            article.final_decision
        ));
    }
    let labels = article.labels.iter().map(Some).chain(std::iter::repeat(None));
    let section = |(text, label): (&String, Option<&String>)| match label {
        Some(label) => format!("{label}: {text}"),
        None => text.clone(),
    };
    let context: Vec<String> = article.contexts.iter().zip(labels).map(section).collect();
    let choices = in_order(DECISIONS.map(str::to_owned), "final_decision")?;
    let labels = vec![choices[decision].label];
    let mut provenance = place.row_provenance();
    if expected.is_some() {
        provenance.lineage.push(LineageStep { step: "split".to_owned(), detail: format!("test, by {GROUND_TRUTH}") });
    }
    let question = Question {
        text: article.question,
        context: context.join("\n"),
        choices,
        answer: Answer::Labels(labels),
        task: Some(Task::Mcqu),
        split: Split::Test,
        source_id: pmid,
        group: String::new(),
    };
    Ok(question.original(&INFO.name, &INFO.license, provenance).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::read;

    const ARTICLES: &str = r#"{"11": {"QUESTION": "Is it?", "CONTEXTS": ["One.", "Two."], "LABELS": ["AIM", "RESULTS"],
        "final_decision": "no", "LONG_ANSWER": "It is not."},
        "12": {"QUESTION": "Is it?", "CONTEXTS": ["One."], "LABELS": [], "final_decision": "perhaps"}}"#;

    #[test]
    fn an_article_becomes_an_original_with_its_sections() {
        let rows =
            read(&PubMedQa, &[("ori_pqal.json", ARTICLES), ("test_ground_truth.json", r#"{"11": "no"}"#)]).unwrap();
        let [SourceRow::Note(_), SourceRow::Note(_), SourceRow::Original(original), SourceRow::Unreadable(bad)] =
            &rows[..]
        else {
            panic!("{rows:?}")
        };
        assert_eq!((original.source_id.as_str(), original.context.as_str()), ("11", "AIM: One.\nRESULTS: Two."));
        assert_eq!(format!("{:?}", original.answer_labels), "[B]");
        assert_eq!(original.provenance.lineage[1].detail, "test, by test_ground_truth.json");
        assert_eq!((bad.row, bad.detail.as_str()), (2, "final_decision: expected yes, no or maybe, found \"perhaps\""));
    }

    #[test]
    fn a_decision_that_contradicts_the_ground_truth_is_not_read() {
        let rows =
            read(&PubMedQa, &[("ori_pqal.json", ARTICLES), ("test_ground_truth.json", r#"{"11": "yes"}"#)]).unwrap();
        assert!(matches!(&rows[2], SourceRow::Unreadable(bad) if bad.detail.contains("expected \"yes\"")), "{rows:?}");
    }
}
