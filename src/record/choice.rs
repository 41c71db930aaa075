//! Choices of a multiple-choice question and the letters that name them.

use serde::{Deserialize, Serialize};

/// Letter that names a choice, `A` to `Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "char", into = "char")]
pub struct ChoiceLabel(char);

impl ChoiceLabel {
    /// The label of the choice at `index`, counted from 0; `None` from the 27th on.
    #[must_use]
    pub fn from_index(index: usize) -> Option<Self> {
        let offset = u8::try_from(index).ok().filter(|offset| *offset < 26)?;
        Some(Self(char::from(b'A' + offset)))
    }

    /// Position of the choice that the label names, counted from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        (self.0 as u32 - 'A' as u32) as usize
    }

    /// The letter.
    #[must_use]
    pub const fn as_char(self) -> char {
        self.0
    }
}

impl TryFrom<char> for ChoiceLabel {
    type Error = String;

    /// Accepts either case.
    fn try_from(letter: char) -> Result<Self, Self::Error> {
        let upper = letter.to_ascii_uppercase();
        if upper.is_ascii_uppercase() {
            Ok(Self(upper))
        } else {
            Err(format!("expected a letter from A to Z, found {letter:?}"))
        }
    }
}

impl std::str::FromStr for ChoiceLabel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => Self::try_from(letter),
            _ => Err(format!("expected one letter from A to Z, found {text:?}")),
        }
    }
}

impl From<ChoiceLabel> for char {
    fn from(label: ChoiceLabel) -> Self {
        label.0
    }
}

impl std::fmt::Display for ChoiceLabel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl std::fmt::Debug for ChoiceLabel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl schemars::JsonSchema for ChoiceLabel {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ChoiceLabel".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[A-Z]$" })
    }
}

/// One choice of a multiple-choice question.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The letter that names it.
    pub label: ChoiceLabel,
    /// Its text.
    pub text: String,
}

/// The canonical answer of a multiple-choice question: ascending letters joined by `, `.
///
/// ```
/// use medinjection_fr::record::{format_answer, ChoiceLabel};
/// let labels: Vec<ChoiceLabel> = ["C", "A"].iter().map(|letter| letter.parse().unwrap()).collect();
/// assert_eq!(format_answer(&labels), "A, C");
/// ```
#[must_use]
pub fn format_answer(labels: &[ChoiceLabel]) -> String {
    let mut letters: Vec<String> = labels.iter().map(ToString::to_string).collect();
    letters.sort_unstable();
    letters.dedup();
    letters.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_case_is_read_and_the_rest_refused() {
        assert_eq!("b".parse::<ChoiceLabel>().unwrap().index(), 1);
        for wrong in ["", "AB", "é", "1", " "] {
            assert!(wrong.parse::<ChoiceLabel>().is_err(), "{wrong:?}");
        }
        assert!(ChoiceLabel::from_index(26).is_none());
    }
}
