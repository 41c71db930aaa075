//! The text fields of a record and the names by which findings and languages call them.

use super::{Record, Task};

impl Record {
    /// Every text that is language, with its field's name: `instruction`, `context`, `choices.A`…, and `answer` where it
    /// is free text. Empty texts are included.
    #[must_use]
    pub fn text_fields(&self) -> Vec<(String, &str)> {
        let mut fields = vec![("instruction".to_owned(), self.instruction.as_str())];
        if !self.context.is_empty() {
            fields.push(("context".to_owned(), self.context.as_str()));
        }
        fields.extend(self.choices.iter().map(|choice| (format!("choices.{}", choice.label), choice.text.as_str())));
        if self.task == Task::Oeq {
            fields.push(("answer".to_owned(), self.answer.as_str()));
        }
        fields
    }
}
