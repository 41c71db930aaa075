//! French exam questions in the columns that several corpora share.
//!
//! `question`, with `clinical_case` (or `context`) where there is one; multiple choice: `answer_a` to `answer_e` (or
//! `answers`, `options`: by letter or in a list) and `correct_answers` (`B`; `A,C,E`; a list); open: `answer`.

use serde::Deserialize;

use super::choices::{Letters, Options, from_columns, gold};
use super::columns::{Id, split_or};
use super::formats::{Format, each_row};
use super::{Answer, Place, Question, Sink, SourceFiles, SourceInfo, say};
use crate::Result;
use crate::record::{Choice, Origin, Split, Task};
use crate::text::fold;

/// Reads the files of a native corpus of such questions, of any format, each for the split that its name says.
///
/// # Errors
/// Those of [`Source::read`](super::Source::read).
pub(super) fn read(info: &SourceInfo, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
    for file in files.iter() {
        let format = Format::of(file)?;
        let split = split_or(file, Split::Train, sink)?;
        let variant = format!("exam questions, {}", format.name());
        say(file, &variant, sink)?;
        each_row(files, (file, format, &variant), sink, |row: ExamRow, place| {
            let question = row.question(None, split, place)?;
            Ok(question.record(info, Origin::Native, place.provenance()).into())
        })?;
    }
    Ok(())
}

/// A row of such a corpus.
#[derive(Deserialize)]
pub(super) struct ExamRow {
    id: Option<Id>,
    #[serde(alias = "context")]
    clinical_case: Option<String>,
    #[serde(alias = "instruction")]
    question: String,
    answer_a: Option<String>,
    answer_b: Option<String>,
    answer_c: Option<String>,
    answer_d: Option<String>,
    answer_e: Option<String>,
    #[serde(alias = "options", alias = "choices")]
    answers: Option<Options>,
    #[serde(alias = "correct_answer", alias = "correct")]
    correct_answers: Option<Letters>,
    #[serde(alias = "output", alias = "response")]
    answer: Option<String>,
}

impl ExamRow {
    /// The question. `task` is what the file says of its multiple-choice questions; without it, it follows from the answers.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub(super) fn question(mut self, task: Option<Task>, split: Split, place: &Place<'_>) -> Result<Question, String> {
        let choices = self.choices()?;
        let (answer, task) = match (choices.is_empty(), self.correct_answers) {
            (false, Some(letters)) => (Answer::Labels(gold(&letters.0, &choices, "correct_answers")?), task),
            (false, None) => return Err("expected correct_answers beside the choices, found none".to_owned()),
            (true, _) => match self.answer {
                Some(text) => (Answer::Text(text), Some(Task::Oeq)),
                None => return Err("expected choices or an answer, found neither".to_owned()),
            },
        };
        let context = self.clinical_case.unwrap_or_default();
        Ok(Question {
            // All questions of a case share a split.
            group: fold(if context.trim().is_empty() { &self.question } else { &context }),
            text: self.question,
            context,
            choices,
            answer,
            task,
            split,
            source_id: self.id.map_or_else(|| format!("{}/{}", place.file.name, place.row), |id| id.0),
        })
    }

    fn choices(&mut self) -> Result<Vec<Choice>, String> {
        if let Some(options) = self.answers.take() {
            return options.choices("answers");
        }
        let columns = [&mut self.answer_a, &mut self.answer_b, &mut self.answer_c, &mut self.answer_d];
        let [a, b, c, d] = columns.map(Option::take);
        from_columns([a, b, c, d, self.answer_e.take()], "answer")
    }
}
