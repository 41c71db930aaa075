//! What a check found in a record.

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The record is kept.
    Warning,
    /// The build rejects the record.
    Error,
}

/// What is wrong; each has one rule that finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The row could not be read as a record of its source.
    Unreadable,
    /// A required text is empty.
    EmptyField,
    /// Too few or too many correct choices for the task, or too few choices.
    AnswerArity,
    /// The answer's text names other choices than the answer's labels.
    AnswerMismatch,
    /// A correct choice that is not among the choices.
    LabelOutOfRange,
    /// Choice letters that are not `A, B, C…` in order, or answer letters not ascending.
    LabelOrder,
    /// A choice without text.
    EmptyChoice,
    /// Two choices with the same folded text.
    DuplicateChoice,
    /// The text of the correct choice stands in the question.
    AnswerLeak,
    /// Mojibake, replacement characters, decomposed or lost accents, control characters.
    EncodingDamage,
    /// A name, date of birth, social security number, phone number or e-mail address.
    PersonalData,
    /// A field that is not in French.
    NotFrench,
    /// A translation with more or fewer choices than its original.
    ChoiceCount,
    /// A translation whose correct choices are not those of its original.
    GoldMismatch,
    /// Two choices of a translation that are one text, where the original has two.
    MergedChoices,
    /// A number of the original that is another, or missing, in its translation.
    NumberMismatch,
    /// A unit of measurement that is another, or missing, in a translation.
    UnitMismatch,
    /// A negation of the original that its translation lacks.
    NegationLost,
    /// An acronym of the original that its translation lacks.
    AcronymLost,
    /// A field, or a long part of one, left in the original's English.
    CopiedEnglish,
    /// A translation that ends before its original does.
    Truncated,
    /// A translation much shorter or longer than its original.
    LengthRatio,
    /// Words repeated in a translation and not in its original.
    Repetition,
    /// Words of the model that translated, about the translation.
    ModelChatter,
    /// Choices of a translation in another order than in its original.
    ChoiceOrder,
    /// A text that does not translate its original but something else.
    Unrelated,
    /// What a rule of a user's own finds; the detail begins with its name.
    Custom,
    /// Same folded question and choices as another record of the same split.
    Duplicate,
    /// Nearly the same question and choices as another record of the same split.
    NearDuplicate,
    /// Same or nearly the same question and choices, same group, or most of the text of a record of a split that wins.
    Leak,
}

impl Reason {
    /// Every reason, in declaration order.
    pub const ALL: &'static [Self] = &[
        Self::Unreadable,
        Self::EmptyField,
        Self::AnswerArity,
        Self::AnswerMismatch,
        Self::LabelOutOfRange,
        Self::LabelOrder,
        Self::EmptyChoice,
        Self::DuplicateChoice,
        Self::AnswerLeak,
        Self::EncodingDamage,
        Self::PersonalData,
        Self::NotFrench,
        Self::ChoiceCount,
        Self::GoldMismatch,
        Self::MergedChoices,
        Self::NumberMismatch,
        Self::UnitMismatch,
        Self::NegationLost,
        Self::AcronymLost,
        Self::CopiedEnglish,
        Self::Truncated,
        Self::LengthRatio,
        Self::Repetition,
        Self::ModelChatter,
        Self::ChoiceOrder,
        Self::Unrelated,
        Self::Custom,
        Self::Duplicate,
        Self::NearDuplicate,
        Self::Leak,
    ];

    /// Whether it is found by comparing a translation with its original.
    #[must_use]
    pub const fn is_of_translation(self) -> bool {
        matches!(
            self,
            Self::ChoiceCount
                | Self::GoldMismatch
                | Self::MergedChoices
                | Self::NumberMismatch
                | Self::UnitMismatch
                | Self::NegationLost
                | Self::AcronymLost
                | Self::CopiedEnglish
                | Self::Truncated
                | Self::LengthRatio
                | Self::Repetition
                | Self::ModelChatter
                | Self::ChoiceOrder
                | Self::Unrelated
        )
    }

    /// Whether it is found by looking at a record and, for a translation, at its original: neither while reading nor by
    /// comparing records with one another.
    #[must_use]
    pub const fn is_of_record(self) -> bool {
        !matches!(self, Self::Unreadable | Self::Duplicate | Self::Leak)
    }

    /// The name used in files: `answer_arity`, `leak`, …
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::EmptyField => "empty_field",
            Self::AnswerArity => "answer_arity",
            Self::AnswerMismatch => "answer_mismatch",
            Self::LabelOutOfRange => "label_out_of_range",
            Self::LabelOrder => "label_order",
            Self::EmptyChoice => "empty_choice",
            Self::DuplicateChoice => "duplicate_choice",
            Self::AnswerLeak => "answer_leak",
            Self::EncodingDamage => "encoding_damage",
            Self::PersonalData => "personal_data",
            Self::NotFrench => "not_french",
            Self::ChoiceCount => "choice_count",
            Self::GoldMismatch => "gold_mismatch",
            Self::MergedChoices => "merged_choices",
            Self::NumberMismatch => "number_mismatch",
            Self::UnitMismatch => "unit_mismatch",
            Self::NegationLost => "negation_lost",
            Self::AcronymLost => "acronym_lost",
            Self::CopiedEnglish => "copied_english",
            Self::Truncated => "truncated",
            Self::LengthRatio => "length_ratio",
            Self::Repetition => "repetition",
            Self::ModelChatter => "model_chatter",
            Self::ChoiceOrder => "choice_order",
            Self::Unrelated => "unrelated",
            Self::Custom => "custom",
            Self::Duplicate => "duplicate",
            Self::NearDuplicate => "near_duplicate",
            Self::Leak => "leak",
        }
    }
}

impl std::str::FromStr for Reason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use serde::de::{IntoDeserializer, value};
        let text: value::StrDeserializer<'_, value::Error> = text.into_deserializer();
        Self::deserialize(text).map_err(|error| error.to_string())
    }
}

impl std::str::FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "warning" => Ok(Self::Warning),
            "error" => Ok(Self::Error),
            _ => Err(format!("expected warning or error, found {text:?}")),
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// One defect of one field of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What is wrong.
    pub reason: Reason,
    /// How bad it is.
    pub severity: Severity,
    /// The field: `instruction`, `choices.B`, `answer_labels`, …
    pub field: String,
    /// What was expected and what was found.
    pub detail: String,
}

impl Finding {
    /// A finding for which the build rejects the record.
    pub fn error(reason: Reason, field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { reason, severity: Severity::Error, field: field.into(), detail: detail.into() }
    }

    /// A finding with which the record is kept.
    pub fn warning(reason: Reason, field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { reason, severity: Severity::Warning, field: field.into(), detail: detail.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_listed_once_and_read_by_its_name() {
        let schema = schemars::schema_for!(Reason);
        let names = schema.pointer("/oneOf").and_then(serde_json::Value::as_array).unwrap();
        let names: Vec<&str> = names.iter().map(|name| name["const"].as_str().unwrap()).collect();
        assert_eq!(Reason::ALL.iter().map(|reason| reason.as_str()).collect::<Vec<_>>(), names);
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse::<Reason>().unwrap(), *reason);
        }
    }
}
