//! A text and its translation as two open questions, one in each direction.
//!
//! The order is in French, as the study gives it; the text to translate is the context, and its translation the answer. Both
//! questions share a group, so that the answer of one is never the question of another split.

use super::{Answer, Place, Question, Sink, SourceInfo};
use crate::Result;
use crate::record::{Origin, Split, Task};
use crate::text::fold;

/// The order whose context is English and whose answer is French.
pub(crate) const INTO_FRENCH: &str = "Traduisez en français le texte suivant.";
/// The order whose context is French and whose answer is English.
pub(crate) const INTO_ENGLISH: &str = "Traduisez en anglais le texte suivant.";

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) english: String,
    pub(super) french: String,
    /// Identifier of the pair inside the corpus.
    pub(super) id: String,
}

/// Gives the two questions of a pair to `sink`, or a row that cannot be read where a text is empty.
///
/// # Errors
/// What `sink` returns.
pub(super) fn both_directions(
    info: &SourceInfo,
    place: &Place<'_>,
    split: Split,
    pair: Pair,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let Pair { english, french, id } = pair;
    for (language, text, other) in [("English", &english, &french), ("French", &french, &english)] {
        if text.trim().is_empty() {
            let detail = format!("expected a text in English and in French, found none in {language}");
            return sink(place.unreadable(detail, other.as_bytes()).into());
        }
    }
    let directions = [("en-fr", INTO_FRENCH, &english, &french), ("fr-en", INTO_ENGLISH, &french, &english)];
    for (direction, order, context, answer) in directions {
        let question = Question {
            text: order.to_owned(),
            context: context.clone(),
            choices: Vec::new(),
            answer: Answer::Text(answer.clone()),
            task: Some(Task::Oeq),
            split,
            source_id: format!("{id}/{direction}"),
            group: fold(&english),
        };
        sink(question.record(info, Origin::Native, place.provenance()).into())?;
    }
    Ok(())
}
