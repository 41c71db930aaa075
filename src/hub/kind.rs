//! What a repository of the Hub holds, and its name.

use serde::Serialize;

use crate::{Error, Result};

/// What a repository holds; the Hub's addresses differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A data set.
    Dataset,
    /// A model, or an adapter of one.
    Model,
}

impl Kind {
    /// The word in addresses of the interface and in names of the cache: `datasets`, `models`.
    pub(super) const fn plural(self) -> &'static str {
        match self {
            Self::Dataset => "datasets",
            Self::Model => "models",
        }
    }

    /// The word in requests: `dataset`, `model`.
    pub(super) const fn singular(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Model => "model",
        }
    }

    /// What a page's path begins with; a model's begins with its owner.
    pub(super) const fn page_prefix(self) -> Option<&'static str> {
        match self {
            Self::Dataset => Some("datasets"),
            Self::Model => None,
        }
    }
}

/// Checks that `name` is `OWNER/NAME` in the letters that the Hub allows.
///
/// # Errors
/// [`Error::Config`] about `key`, if it is not.
pub(super) fn check_name(key: &str, name: &str) -> Result<()> {
    let is_name = |part: &str| {
        let letters = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        letters && !part.is_empty() && part.len() <= 96 && !part.starts_with('.')
    };
    match name.split_once('/') {
        Some((owner, repository)) if is_name(owner) && is_name(repository) => Ok(()),
        _ => Err(Error::config(key, format!("expected OWNER/NAME, found {name:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_an_owner_and_no_way_out() {
        assert!(check_name("--repo", "lab/medical-fr_1.0").is_ok());
        for wrong in ["name", "a/b/c", "../x", "a/.git", "a/", "é/b", "a/b?x"] {
            let refusal = check_name("--repo", wrong).unwrap_err().to_string();
            assert!(refusal.starts_with("--repo: expected OWNER/NAME"), "{refusal}");
        }
    }
}
