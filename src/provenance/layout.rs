//! Which columns the records of a data set have.

use serde::{Deserialize, Serialize};

/// Which columns the records of a data set have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Every field of a record, with its provenance.
    #[default]
    Records,
    /// The five text columns in which MedInjection-FR was published: `instruction`, `context`, `answer`, `type`, `origin`.
    Published,
}

impl Layout {
    /// The name used in files and on command lines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Published => "published",
        }
    }
}

impl std::fmt::Display for Layout {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl std::str::FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "records" => Ok(Self::Records),
            "published" => Ok(Self::Published),
            _ => Err(format!("expected records or published, found {text:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for layout in [Layout::Records, Layout::Published] {
            assert_eq!(layout.as_str().parse::<Layout>().unwrap(), layout);
            assert_eq!(serde_json::to_string(&layout).unwrap(), format!("\"{layout}\""));
        }
        assert_eq!("ours".parse::<Layout>().unwrap_err(), "expected records or published, found \"ours\"");
    }
}
