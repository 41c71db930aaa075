//! The study's prompt, to the letter.

use crate::record::Record;

/// The user message that asks a record's question: `{question}[\n\nContexte : {context}]\nChoix de réponses :\n(A) …\n(B) …`.
///
/// Ordinary spaces, no line end at its end; an open question ends before `\nChoix`.
///
/// # Source
/// Belmadani et al., 2026, *MedInjection-FR*, <https://arxiv.org/abs/2603.06905>
#[must_use]
pub fn prompt(record: &Record) -> String {
    let mut text = record.instruction.clone();
    if !record.context.is_empty() {
        text.push_str("\n\nContexte : ");
        text.push_str(&record.context);
    }
    if record.task.is_multiple_choice() {
        text.push_str("\nChoix de réponses :");
        for choice in &record.choices {
            text.push_str("\n(");
            text.push(choice.label.as_char());
            text.push_str(") ");
            text.push_str(&choice.text);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::{choice_record, open_record};

    #[test]
    fn the_prompt_is_the_study_s_to_the_letter() {
        let mut record = choice_record("Quel organe sécrète l'insuline ?", &["Le foie", "Le pancréas"], "B");
        let expected = "Quel organe sécrète l'insuline ?\nChoix de réponses :\n(A) Le foie\n(B) Le pancréas";
        assert_eq!(prompt(&record), expected);
        record.context = "Une femme de 30 ans.".to_owned();
        let expected = "Quel organe sécrète l'insuline ?\n\nContexte : Une femme de 30 ans.\nChoix de réponses :\n(A) Le foie\n(B) Le pancréas";
        assert_eq!(prompt(&record), expected);
    }

    #[test]
    fn an_open_question_ends_before_the_choices() {
        assert_eq!(prompt(&open_record("Que sécrète le pancréas ?", "L'insuline")), "Que sécrète le pancréas ?");
    }
}
