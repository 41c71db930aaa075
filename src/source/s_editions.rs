//! S-Editions: training questions of a French publisher for medical students.
//!
//! The publisher states no licence and no format: the questions are expected in the columns of French exam corpora (see
//! `exam`), as JSON, JSON Lines or CSV.

use std::sync::LazyLock;

use super::{RowKind, Sink, Source, SourceFiles, SourceInfo, exam};
use crate::Result;
use crate::record::Origin;

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "S-Éditions, https://s-editions.fr/";
    SourceInfo::new("s_editions", RowKind::Records(Origin::Native), "not stated")
        .with_citation(citation, "https://s-editions.fr/")
        .with_files(["*.json", "*.jsonl", "*.csv"])
        .obtained("Ask the publisher; the study took 526 questions from its pages.")
});

/// The corpus.
#[derive(Debug)]
pub(super) struct SEditions;

impl Source for SEditions {
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
    fn a_question_without_split_is_for_training_and_that_is_said() {
        let text =
            r#"[{"question": "Quels os ?", "options": {"A": "Tibia", "B": "Ulna"}, "correct_answers": ["A", "B"]}]"#;
        let rows = read(&SEditions, &[("qcm.json", text)]).unwrap();
        let [SourceRow::Note(note), SourceRow::Note(_), SourceRow::Record(record)] = &rows[..] else {
            panic!("{rows:?}")
        };
        assert!(note.message.starts_with("no split is named"), "{}", note.message);
        assert_eq!((record.task, record.answer.as_str(), record.split), (Task::Mcq, "A, B", Split::Train));
        assert!(!INFO.redistribution().is_allowed());
    }
}
