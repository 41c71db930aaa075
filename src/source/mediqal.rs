//! MediQAl: questions of French medical exams, with one or several correct answers or open, many of them about a case.
//!
//! Files as the Hub has them (CSV, JSON or parquet, one a task and split), with `mcqu`, `mcqm` or `oeq` in their paths.
//! Written from the published columns.

use std::sync::LazyLock;

use super::columns::split_of;
use super::exam::ExamRow;
use super::formats::{Format, each_row};
use super::{RowKind, Sink, Source, SourceFile, SourceFiles, SourceInfo, say};
use crate::record::{Origin, Task};
use crate::{Error, Result};

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Bazoge, A. (2025). MediQAl: A French Medical Question Answering Dataset for Knowledge and Reasoning \
                    Evaluation. https://arxiv.org/abs/2507.20917";
    SourceInfo::new("mediqal", RowKind::Records(Origin::Native), "CC-BY-4.0")
        .with_citation(citation, "https://huggingface.co/datasets/ANR-MALADES/MediQAl")
        .on_hub("ANR-MALADES/MediQAl")
        .with_files([
            "*mcqu*.*",
            "*mcqm*.*",
            "*oeq*.*",
            "mcqu/*.*",
            "mcqm/*.*",
            "oeq/*.*",
            "data/*mcq*.*",
            "data/*oeq*.*",
        ])
});

/// The corpus.
#[derive(Debug)]
pub(super) struct MediQAl;

impl Source for MediQAl {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let format = Format::of(file)?;
            let (task, split) = (task(file)?, split_of(file)?);
            let variant = format!("MediQAl {task}, {}", format.name());
            say(file, &variant, sink)?;
            each_row(files, (file, format, &variant), sink, |row: ExamRow, place| {
                let question = row.question(Some(task), split, place)?;
                if question.choices.is_empty() && task != Task::Oeq {
                    return Err(format!("expected choices in a file of {task}, found none"));
                }
                Ok(question.record(&INFO, Origin::Native, place.provenance()).into())
            })?;
        }
        Ok(())
    }
}

fn task(file: &SourceFile) -> Result<Task> {
    let path = file.name.to_lowercase();
    let named = [("mcqu", Task::Mcqu), ("mcqm", Task::Mcq), ("oeq", Task::Oeq)];
    let found: Vec<Task> = named.into_iter().filter(|(name, _)| path.contains(name)).map(|(_, task)| task).collect();
    match found[..] {
        [task] => Ok(task),
        _ => Err(Error::format(file.path(), "expected one of mcqu, mcqm, oeq in the path, found none or several")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Split;
    use crate::source::SourceRow;
    use crate::source::fixture::read;

    const HEADER: &str = "id,clinical_case,question,answer_a,answer_b,answer_c,answer_d,answer_e,correct_answers,task,medical_subject,question_type";

    fn records(name: &str, text: &str) -> Vec<SourceRow> {
        let rows = read(&MediQAl, &[(name, text)]).unwrap();
        rows.into_iter().filter(|row| !matches!(row, SourceRow::Note(_))).collect()
    }

    #[test]
    fn questions_of_a_case_share_a_group() {
        let text = format!(
            "{HEADER}\n1,Un homme tousse.,Que faire ?,Rien,Radio,Scanner,,,B,mcqm,pneumologie,Reasoning\n\
             2,Un homme tousse.,Et après ?,Rien,Radio,Scanner,IRM,Écho,\"A,C,E\",mcqm,pneumologie,Reasoning\n"
        );
        let rows = records("mcqm_train.csv", &text);
        let [SourceRow::Record(first), SourceRow::Record(second)] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((first.group_id.as_str(), first.context.as_str()), (second.group_id.as_str(), "Un homme tousse."));
        // A question of this file may have several answers, whether it has or not.
        assert_eq!((first.task, first.choices.len(), first.answer.as_str()), (Task::Mcq, 3, "B"));
        assert_eq!((second.task, second.answer.as_str(), second.split), (Task::Mcq, "A, C, E", Split::Train));
        assert_eq!(first.provenance.lineage[0].detail, "MediQAl mcq, CSV");
    }

    #[test]
    fn open_questions_have_their_answer() {
        let text = r#"{"id": 7, "clinical_case": "", "question": "Quel germe ?", "answer": "Le pneumocoque."}"#;
        let rows = records("oeq/test.jsonl", text);
        let [SourceRow::Record(record)] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(
            (record.task, record.answer.as_str(), record.source_id.as_str()),
            (Task::Oeq, "Le pneumocoque.", "7")
        );
    }

    #[test]
    fn a_file_that_names_no_task_or_split_is_refused() {
        assert!(read(&MediQAl, &[("mcqu.json", "[]")]).unwrap_err().to_string().contains("expected train, dev"));
        assert!(read(&MediQAl, &[("train.json", "[]")]).unwrap_err().to_string().contains("one of mcqu, mcqm, oeq"));
        let rows = records("mcqu_dev.json", r#"[{"question": "Q ?", "answer": "R"}, {"question": "Q ?"}]"#);
        assert!(rows.iter().all(|row| matches!(row, SourceRow::Unreadable(_))), "{rows:?}");
    }
}
