//! mlabonne/medical-cases-fr: exam questions about clinical cases, in parquet files of the Hub.
//!
//! Written from the published layout (`data/train-*`, `data/eval-*`) and the columns of French exam corpora (see `exam`).

use std::sync::LazyLock;

use super::{RowKind, Sink, Source, SourceFiles, SourceInfo, exam};
use crate::Result;
use crate::record::Origin;

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Labonne, M. (2023). medical-cases-fr. https://huggingface.co/datasets/mlabonne/medical-cases-fr";
    SourceInfo::new("medical_cases_fr", RowKind::Records(Origin::Native), "not stated")
        .with_citation(citation, "https://huggingface.co/datasets/mlabonne/medical-cases-fr")
        .on_hub("mlabonne/medical-cases-fr")
        .with_files(["data/*.parquet", "*.parquet", "*.json", "*.jsonl", "*.csv"])
});

/// The corpus.
#[derive(Debug)]
pub(super) struct MedicalCasesFr;

impl Source for MedicalCasesFr {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        exam::read(&INFO, files, sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Split, Task};
    use crate::source::SourceRow;
    use crate::source::fixture::read;

    #[test]
    fn an_open_question_keeps_its_case() {
        let text = r#"{"clinical_case": "Une femme de 30 ans.", "question": "Quel examen ?", "answer": "Un scanner."}"#;
        let rows = read(&MedicalCasesFr, &[("eval.jsonl", text)]).unwrap();
        let Some(SourceRow::Record(record)) = rows.last() else { panic!("{rows:?}") };
        assert_eq!(
            (record.task, record.context.as_str(), record.split),
            (Task::Oeq, "Une femme de 30 ans.", Split::Validation)
        );
    }
}
