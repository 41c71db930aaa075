//! The row that an identifier, or the beginning of one, names.

use std::collections::BTreeMap;

use super::RowKind;
use crate::provenance::Dataset;
use crate::record::Split;
use crate::{Error, Result};

/// Digits that the beginning of an identifier must have.
const MIN_DIGITS: usize = 6;
/// Identifiers that a message lists.
const MAX_LISTED: usize = 5;

/// A row that was found.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) kind: RowKind,
}

/// The one row whose identifier is `id` or, failing that, begins with it.
pub(super) fn find(dataset: &Dataset, id: &str) -> Result<Found> {
    let mut candidates = Candidates::new(id);
    for key in Split::ALL.iter().flat_map(|split| dataset.keys(*split)) {
        candidates.add(&key?.id, RowKind::Record);
    }
    for original in dataset.originals() {
        candidates.add(&original?.id, RowKind::Original);
    }
    for document in dataset.documents() {
        candidates.add(&document?.id, RowKind::Document);
    }
    for record in dataset.rejected().filter_map(|rejected| rejected.map(|rejected| rejected.record).transpose()) {
        candidates.add(&record?.id, RowKind::Rejected);
    }
    candidates.only()
}

/// The identifiers that share the longest beginning with the wanted one.
struct Candidates<'a> {
    wanted: &'a str,
    num_shared: usize,
    nearest: BTreeMap<String, RowKind>,
}

impl<'a> Candidates<'a> {
    fn new(wanted: &'a str) -> Self {
        Self { wanted, num_shared: 1, nearest: BTreeMap::new() }
    }

    /// Takes an identifier into account; of two rows with the same one, the first counts.
    fn add(&mut self, id: &str, kind: RowKind) {
        let num_shared = self.wanted.bytes().zip(id.bytes()).take_while(|(wanted, found)| wanted == found).count();
        if num_shared < self.num_shared {
            return;
        }
        if num_shared > self.num_shared {
            self.num_shared = num_shared;
            self.nearest.clear();
        }
        // One more than are listed, so that the message can say that there are more.
        if self.nearest.len() <= MAX_LISTED || id == self.wanted {
            self.nearest.entry(id.to_owned()).or_insert(kind);
        }
    }

    fn only(self) -> Result<Found> {
        let Self { wanted, num_shared, mut nearest } = self;
        if let Some((id, kind)) = nearest.remove_entry(wanted) {
            return Ok(Found { id, kind });
        }
        let listed = |nearest: &BTreeMap<String, RowKind>| {
            let mut ids: Vec<&str> = nearest.keys().take(MAX_LISTED).map(String::as_str).collect();
            if nearest.len() > MAX_LISTED {
                ids.push("…");
            }
            ids.join(", ")
        };
        let is_beginning = num_shared == wanted.len() && !nearest.is_empty();
        let message = match nearest.len() {
            0 => format!("expected the identifier of a row, found none that begins like {wanted:?}"),
            1 if is_beginning && wanted.len() >= MIN_DIGITS => {
                return nearest
                    .pop_first()
                    .map(|(id, kind)| Found { id, kind })
                    .ok_or_else(|| Error::Data("expected a row, found none".to_owned()));
            }
            _ if is_beginning && wanted.len() < MIN_DIGITS => {
                format!("expected at least {MIN_DIGITS} digits, found {wanted:?}; begin so: {}", listed(&nearest))
            }
            _ if is_beginning => {
                format!("expected one row whose identifier begins with {wanted:?}, found {}", listed(&nearest))
            }
            _ => format!("expected the identifier of a row, found {wanted:?}; the nearest are {}", listed(&nearest)),
        };
        Err(Error::Data(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(ids: &[&str], wanted: &str) -> Result<String, String> {
        let mut candidates = Candidates::new(wanted);
        for id in ids {
            candidates.add(id, RowKind::Record);
        }
        candidates.only().map(|found| found.id).map_err(|error| error.to_string())
    }

    #[test]
    fn an_identifier_or_its_beginning_names_one_row() {
        let ids = ["abcdef01", "abcdef02", "abcd7777", "0123456789"];
        assert_eq!(found(&ids, "abcdef02").unwrap(), "abcdef02");
        assert_eq!(found(&ids, "012345").unwrap(), "0123456789");
        assert_eq!(
            found(&ids, "abcdef").unwrap_err(),
            "expected one row whose identifier begins with \"abcdef\", found abcdef01, abcdef02"
        );
        assert_eq!(
            found(&ids, "0123").unwrap_err(),
            "expected at least 6 digits, found \"0123\"; begin so: 0123456789"
        );
        assert_eq!(
            found(&ids, "abcd99").unwrap_err(),
            "expected the identifier of a row, found \"abcd99\"; the nearest are abcd7777, abcdef01, abcdef02"
        );
        assert!(found(&ids, "fffffff").unwrap_err().contains("none that begins like \"fffffff\""));
        assert!(found(&["ab", "abc"], "ab").is_ok());
        assert!(found(&ids, "").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_answered(ids in proptest::collection::vec("[0-9a-f]{8}", 0..20), wanted in "\\PC{0,10}") {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            if let Ok(id) = found(&ids, &wanted) {
                assert!(id.starts_with(&wanted));
            }
        }
    }
}
