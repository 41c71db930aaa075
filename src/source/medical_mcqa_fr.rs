//! mlabonne/medical-mcqa-fr, which its author's repository spells `medical-mqca-fr`: multiple-choice exam questions, in
//! parquet files of the Hub.
//!
//! Written from the published layout (`data/train-*`, `data/eval-*`) and the columns of French exam corpora (see `exam`).

use std::sync::LazyLock;

use super::{RowKind, Sink, Source, SourceFiles, SourceInfo, exam};
use crate::Result;
use crate::record::Origin;

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Labonne, M. (2023). medical-mqca-fr. https://huggingface.co/datasets/mlabonne/medical-mqca-fr";
    SourceInfo::new("medical_mcqa_fr", RowKind::Records(Origin::Native), "not stated")
        .with_citation(citation, "https://huggingface.co/datasets/mlabonne/medical-mqca-fr")
        .on_hub("mlabonne/medical-mqca-fr")
        .with_files(["data/*.parquet", "*.parquet", "*.json", "*.jsonl", "*.csv"])
});

/// The corpus.
#[derive(Debug)]
pub(super) struct MedicalMcqaFr;

impl Source for MedicalMcqaFr {
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
    fn letters_and_columns_make_a_question() {
        let text = "question,answer_a,answer_b,correct_answers\nQuel os ?,Tibia,Foie,a\nQuel os ?,Tibia,Foie,F\n";
        let rows = read(&MedicalMcqaFr, &[("train.csv", text)]).unwrap();
        let [SourceRow::Note(_), SourceRow::Record(record), SourceRow::Unreadable(bad)] = &rows[..] else {
            panic!("{rows:?}")
        };
        assert_eq!((record.task, record.answer.as_str(), record.split), (Task::Mcqu, "A", Split::Train));
        assert_eq!((bad.row, bad.detail.as_str()), (3, "correct_answers: expected letters among A, B, found \"F\""));
    }
}
