//! A text folded for comparison.

use crate::text::fold;

/// The folded words of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    folded: String,
}

impl Words {
    pub(super) fn new(text: &str) -> Self {
        Self { folded: fold(text) }
    }

    /// The text in lower case without accents or signs.
    pub(super) fn folded(&self) -> &str {
        &self.folded
    }
}
