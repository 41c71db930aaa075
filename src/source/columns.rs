//! Values that several corpora write in the same ways: identifiers, splits in paths, documents.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

use super::{Place, Sink, SourceFile, SourceInfo, say};
use crate::record::{Document, Split, short_hash};
use crate::{Error, Result};

/// An identifier, written as text or as a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Id(pub(super) String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an identifier: a text or a whole number")
    }

    fn visit_str<E>(self, text: &str) -> Result<Id, E> {
        Ok(Id(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Id, E> {
        Ok(Id(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Id, E> {
        Ok(Id(number.to_string()))
    }
}

/// The split that a word names: `train`, `dev`, `Validation`, `eval`, `test`, …
pub(super) fn split_named(word: &str) -> Option<Split> {
    match word.to_lowercase().as_str() {
        "train" | "training" => Some(Split::Train),
        "dev" | "val" | "valid" | "validation" | "eval" => Some(Split::Validation),
        "test" | "testing" => Some(Split::Test),
        _ => None,
    }
}

/// The split that a path names by one of its words, the file's name going before its folders.
pub(super) fn split_in_path(path: &str) -> Option<Split> {
    path.rsplit('/').find_map(|part| part.split(|c: char| !c.is_alphanumeric()).find_map(split_named))
}

/// The split that the path of `file` names.
///
/// # Errors
/// [`Error::Format`] if it names none: a split is never guessed.
pub(super) fn split_of(file: &SourceFile) -> Result<Split> {
    let message =
        "expected train, dev (val, validation, eval) or test in the path, found none of them; rename the file";
    split_in_path(&file.name).ok_or_else(|| Error::format(file.path(), message))
}

/// The split that the path of `file` names; where it names none all rows are in `default`, which is said.
///
/// # Errors
/// What `sink` returns.
pub(super) fn split_or(file: &SourceFile, default: Split, sink: &mut Sink<'_>) -> Result<Split> {
    if let Some(split) = split_in_path(&file.name) {
        return Ok(split);
    }
    say(file, format!("no split is named in the path: all rows are in {default}; draw splits with resplit"), sink)?;
    Ok(default)
}

/// A document of the corpus `info`, under the corpus's licence, whose authors are not named.
pub(super) fn document(info: &SourceInfo, place: &Place<'_>, source_id: String, text: String) -> Document {
    let content = serde_json::json!([info.name, source_id, text]);
    Document {
        id: short_hash(content.to_string().as_bytes()),
        text,
        source: info.name.clone(),
        source_id,
        license: info.license.clone(),
        authors: Vec::new(),
        reference: String::new(),
        provenance: place.row_provenance(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_split() {
        for (path, expected) in [
            ("Train/mcqu/mcqu_train.json", Some(Split::Train)),
            ("Validation/mcqu/mcqu_val.json", Some(Split::Validation)),
            ("Train/oeq/oeq_training.json", Some(Split::Train)),
            ("data/eval-00000-of-00001-d1de03.parquet", Some(Split::Validation)),
            ("default/test/0000.parquet", Some(Split::Test)),
            ("train/dev.json", Some(Split::Validation)),
            ("contest.json", None),
        ] {
            assert_eq!(split_in_path(path), expected, "{path}");
        }
    }

    #[test]
    fn an_identifier_is_a_text_or_a_number() {
        assert_eq!(serde_json::from_str::<Id>("12").unwrap(), serde_json::from_str::<Id>("\"12\"").unwrap());
        assert!(serde_json::from_str::<Id>("1.5").is_err() && serde_json::from_str::<Id>("null").is_err());
    }
}
