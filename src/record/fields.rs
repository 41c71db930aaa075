//! The text fields of a record and the names by which findings and languages call them.

use super::{ChoiceLabel, Record, Task};

impl ChoiceLabel {
    /// The name by which findings and languages call the choice: `choices.A`.
    #[must_use]
    pub const fn field(self) -> &'static str {
        const NAMES: [&str; 26] = [
            "choices.A",
            "choices.B",
            "choices.C",
            "choices.D",
            "choices.E",
            "choices.F",
            "choices.G",
            "choices.H",
            "choices.I",
            "choices.J",
            "choices.K",
            "choices.L",
            "choices.M",
            "choices.N",
            "choices.O",
            "choices.P",
            "choices.Q",
            "choices.R",
            "choices.S",
            "choices.T",
            "choices.U",
            "choices.V",
            "choices.W",
            "choices.X",
            "choices.Y",
            "choices.Z",
        ];
        NAMES[self.index()]
    }
}

impl Record {
    /// Every text that is language, with its field's name: `instruction`, `context`, `choices.A`…, and `answer` where it
    /// is free text. Empty texts are included.
    #[must_use]
    pub fn text_fields(&self) -> Vec<(&'static str, &str)> {
        let mut fields = vec![("instruction", self.instruction.as_str())];
        if !self.context.is_empty() {
            fields.push(("context", self.context.as_str()));
        }
        fields.extend(self.choices.iter().map(|choice| (choice.label.field(), choice.text.as_str())));
        if self.task == Task::Oeq {
            fields.push(("answer", self.answer.as_str()));
        }
        fields
    }
}
