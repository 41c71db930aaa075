//! A translated record beside its original, field by field, cut into words.

use super::quantity::{Format, Quantity, quantities};
use super::words::Words;
use crate::record::{Original, Record};

/// A text of the original and its translation.
pub(super) struct Field<'a> {
    /// Name of the record's field: `instruction`, `choices.B`, …
    pub(super) name: String,
    pub(super) english_text: &'a str,
    pub(super) french_text: &'a str,
    pub(super) english: Words,
    pub(super) french: Words,
    pub(super) english_numbers: Vec<Quantity>,
    pub(super) french_numbers: Vec<Quantity>,
}

/// A translated record and its original.
pub(super) struct Pair<'a> {
    pub(super) record: &'a Record,
    pub(super) original: &'a Original,
    /// Question, context where either has one, and the choices where there are as many.
    pub(super) fields: Vec<Field<'a>>,
    num_choices: usize,
}

impl<'a> Pair<'a> {
    pub(super) fn new(record: &'a Record, original: &'a Original) -> Self {
        let mut fields = vec![Field::new("instruction".to_owned(), &original.question, &record.instruction)];
        if !(record.context.is_empty() && original.context.is_empty()) {
            fields.push(Field::new("context".to_owned(), &original.context, &record.context));
        }
        let same_number = record.choices.len() == original.choices.len();
        let num_choices = if same_number { record.choices.len() } else { 0 };
        let choices = original.choices.iter().zip(&record.choices).take(num_choices);
        fields.extend(
            choices
                .map(|(english, french)| Field::new(format!("choices.{}", french.label), &english.text, &french.text)),
        );
        Self { record, original, fields, num_choices }
    }

    /// The choices; none where the numbers of choices differ.
    pub(super) fn choices(&self) -> &[Field<'a>] {
        &self.fields[self.fields.len() - self.num_choices..]
    }
}

impl<'a> Field<'a> {
    pub(super) fn new(name: String, english_text: &'a str, french_text: &'a str) -> Self {
        Self {
            name,
            english_text,
            french_text,
            english: Words::english(english_text),
            french: Words::french(french_text),
            english_numbers: quantities(english_text, Format::English),
            french_numbers: quantities(french_text, Format::French),
        }
    }
}
