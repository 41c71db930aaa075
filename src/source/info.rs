//! What is known of a corpus without reading it.

use serde::Serialize;

use crate::record::{Origin, Redistribution, redistribution};

/// What the rows of a corpus become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// Records of one origin.
    Records(Origin),
    /// Records, each of which says its origin.
    RecordsOfAnyOrigin,
    /// English originals.
    Originals,
    /// Seed documents.
    Documents,
}

impl RowKind {
    /// Whether English originals can be among the rows: beside translations, and where nothing is known of the origins.
    #[must_use]
    pub const fn has_originals(self) -> bool {
        match self {
            Self::Originals | Self::RecordsOfAnyOrigin | Self::Records(Origin::Translated) => true,
            Self::Documents | Self::Records(Origin::Native | Origin::Synthetic) => false,
        }
    }
}

impl std::fmt::Display for RowKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Records(origin) => write!(formatter, "{origin} records"),
            Self::RecordsOfAnyOrigin => formatter.write_str("records of any origin"),
            Self::Originals => formatter.write_str("English originals"),
            Self::Documents => formatter.write_str("seed documents"),
        }
    }
}

impl Serialize for RowKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is known of a corpus without reading it.
///
/// ```
/// use medinjection_fr::record::Origin;
/// use medinjection_fr::source::{Redistribution, RowKind, SourceInfo};
///
/// let info = SourceInfo::new("annales", RowKind::Records(Origin::Native), "CC-BY-SA-4.0").with_files(["*.jsonl"]);
/// assert_eq!(info.redistribution(), Redistribution::ShareAlike);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceInfo {
    /// Name, as in configurations and records.
    pub name: String,
    /// What its rows become.
    pub kind: RowKind,
    /// SPDX identifier of its licence, or the corpus's own words.
    pub license: String,
    /// How its authors want to be cited.
    pub citation: String,
    /// Where its authors publish it.
    pub homepage: String,
    /// Repository on the Hugging Face Hub; empty where there is none.
    pub hub_repository: String,
    /// Paths of the files that are read, inside its directory; `*` stands for any text between two slashes.
    pub file_patterns: Vec<String>,
    /// How to obtain it where it cannot be downloaded; else empty.
    pub access: String,
}

impl SourceInfo {
    /// A corpus of which only this is known; the other fields are empty.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: RowKind, license: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            license: license.into(),
            citation: String::new(),
            homepage: String::new(),
            hub_repository: String::new(),
            file_patterns: Vec::new(),
            access: String::new(),
        }
    }

    /// The same, cited so and published there.
    #[must_use]
    pub fn with_citation(mut self, citation: impl Into<String>, homepage: impl Into<String>) -> Self {
        self.citation = citation.into();
        self.homepage = homepage.into();
        self
    }

    /// The same, in this repository of the Hub.
    #[must_use]
    pub fn on_hub(mut self, repository: impl Into<String>) -> Self {
        self.hub_repository = repository.into();
        self
    }

    /// The same, read from files with these paths.
    #[must_use]
    pub fn with_files<T: Into<String>>(mut self, patterns: impl IntoIterator<Item = T>) -> Self {
        self.file_patterns = patterns.into_iter().map(Into::into).collect();
        self
    }

    /// The same, obtained in this way.
    #[must_use]
    pub fn obtained(mut self, access: impl Into<String>) -> Self {
        self.access = access.into();
        self
    }

    /// What its licence says on passing it on.
    #[must_use]
    pub fn redistribution(&self) -> Redistribution {
        redistribution(&self.license)
    }
}
