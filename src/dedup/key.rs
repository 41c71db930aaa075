//! Compact keys of what a record asks and of its group.

use sha2::{Digest, Sha256};

use crate::record::Record;
use crate::text::fold;

/// First 16 bytes of a SHA-256: no two of a billion different texts share one, short of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentKey(pub(super) [u8; 16]);

/// Key of what the record asks: context and question folded, and the folded choices as a set.
///
/// The order of the choices, their letters and the answer do not count: a question is the same one where its answer key
/// differs.
#[must_use]
pub fn content_key(record: &Record) -> ContentKey {
    let mut choices: Vec<String> = record.choices.iter().map(|choice| fold(&choice.text)).collect();
    choices.sort_unstable();
    choices.dedup();
    let parts = [fold(&record.context), fold(&record.instruction)];
    key_of_parts(parts.iter().chain(&choices).map(String::as_str))
}

/// Key of context and question alone, folded; the choices do not count.
#[must_use]
pub fn question_key(record: &Record) -> ContentKey {
    key_of_parts([fold(&record.context), fold(&record.instruction)].iter().map(String::as_str))
}

/// Key of the record's identifier inside its corpus.
#[must_use]
pub fn source_key(record: &Record) -> ContentKey {
    key_of_parts([record.source.as_str(), record.source_id.as_str()].into_iter())
}

/// Key of folded parts: context, question, and the choices in ascending order, each once.
pub(super) fn key_of_parts<'a>(parts: impl Iterator<Item = &'a str>) -> ContentKey {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
        // Folded text holds no zero byte, so the parts cannot run into one another.
        hasher.update([0]);
    }
    truncated(&hasher.finalize())
}

/// Key of a group's identifier.
pub(super) fn group_key(group_id: &str) -> ContentKey {
    truncated(&Sha256::digest(group_id))
}

fn truncated(digest: &[u8]) -> ContentKey {
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    ContentKey(key)
}
