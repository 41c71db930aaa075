//! What stands in a data set more than once: questions, inside a split and across splits, and identifiers of a corpus.
//!
//! Rejected records count too, so that what the sources repeat can be seen beside what is left of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Result;
use crate::dedup::{ContentKey, content_key, question_key, source_key};
use crate::provenance::Dataset;
use crate::record::{Record, Split};

/// What a data set holds more than once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overlaps {
    /// The same question with the same choices, whatever their order; see [`content_key`].
    pub same_content: Vec<SharedBetween>,
    /// The same question, whatever the choices; see [`question_key`].
    pub same_question: Vec<SharedBetween>,
    /// Identifiers that a corpus gives to several rows; each pair is the first row and one of the others.
    pub same_source_id: Vec<Pair>,
}

/// What two splits share, or one repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SharedBetween {
    /// The split that comes first.
    pub left: Split,
    /// The other split, or the same.
    pub right: Split,
    /// Of two splits: each question that stands in both, by its first row in each. Of one: each row that repeats an earlier
    /// one, with the first.
    pub pairs: Vec<Pair>,
}

impl SharedBetween {
    /// Pairs of which both rows are kept.
    #[must_use]
    pub fn num_kept(&self) -> usize {
        self.pairs.iter().filter(|pair| pair.left.is_kept && pair.right.is_kept).count()
    }
}

/// Two rows that share something. Of two splits those that are kept go first, so that a pair is of kept rows where one can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// The row in the first split, or the first row.
    pub left: RowOf,
    /// The other row.
    pub right: RowOf,
}

/// A row by its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowOf {
    /// Identifier of the record.
    pub id: String,
    /// Name of the corpus.
    pub source: String,
    /// Identifier inside the corpus.
    pub source_id: String,
    /// Path of the file inside the source.
    pub file: String,
    /// One-based row in that file.
    pub row: u64,
    /// Whether the record is in its split, and not among the rejected.
    pub is_kept: bool,
}

/// Finds what `dataset` holds more than once. The data set is read twice; memory holds about 100 bytes a record, and the
/// names of the rows in question.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) and [`Error::Format`](crate::Error::Format) if a file cannot be read.
pub fn overlaps(dataset: &Dataset) -> Result<Overlaps> {
    let mut entries = Vec::new();
    for_each_record(dataset, |record, is_kept| {
        let keys = [content_key(record), question_key(record), source_key(record)];
        entries.push(Entry { keys, split: record.split, is_kept, index: entries.len() });
    })?;
    let [content, question, source_id] = [0, 1, 2].map(|key| repeated(&mut entries, key));
    let same_source_id: Vec<_> = source_id.iter().flat_map(|rows| others(rows)).collect();
    let [content, question] = [content, question].map(|groups| between(&groups));
    let wanted = content.values().chain(question.values()).flatten().chain(&same_source_id);
    let mut names: BTreeMap<usize, Option<RowOf>> =
        wanted.flat_map(|(left, right)| [(*left, None), (*right, None)]).collect();
    let mut index = 0;
    for_each_record(dataset, |record, is_kept| {
        if let Some(name) = names.get_mut(&index) {
            *name = Some(RowOf::new(record, is_kept));
        }
        index += 1;
    })?;
    let pair = |(left, right): (usize, usize)| {
        let name = |index| names.get(&index).cloned().flatten();
        Some(Pair { left: name(left)?, right: name(right)? })
    };
    let shared = |pairs: BTreeMap<(Split, Split), Vec<(usize, usize)>>| {
        let shared = |((left, right), pairs): ((Split, Split), Vec<_>)| {
            let pairs = pairs.into_iter().filter_map(pair).collect();
            SharedBetween { left, right, pairs }
        };
        pairs.into_iter().map(shared).collect()
    };
    Ok(Overlaps {
        same_content: shared(content),
        same_question: shared(question),
        same_source_id: same_source_id.into_iter().filter_map(pair).collect(),
    })
}

impl RowOf {
    fn new(record: &Record, is_kept: bool) -> Self {
        Self {
            id: record.id.clone(),
            source: record.source.clone(),
            source_id: record.source_id.clone(),
            file: record.provenance.source_file.clone(),
            row: record.provenance.source_row,
            is_kept,
        }
    }
}

/// Kept records by split, then those that were rejected.
fn for_each_record(dataset: &Dataset, mut visit: impl FnMut(&Record, bool)) -> Result<()> {
    for split in Split::ALL {
        for record in dataset.records(*split) {
            visit(&record?, true);
        }
    }
    for rejected in dataset.rejected() {
        if let Some(record) = rejected?.record {
            visit(&record, false);
        }
    }
    Ok(())
}

/// What is compared of a record, and its place in the data set.
#[derive(Debug, Clone, Copy)]
struct Entry {
    keys: [ContentKey; 3],
    split: Split,
    is_kept: bool,
    index: usize,
}

/// The records that share their key of this number with others, kept ones first, in the order of the data set.
fn repeated(entries: &mut [Entry], key: usize) -> Vec<Vec<Entry>> {
    entries.sort_unstable_by_key(|entry| (entry.keys[key], !entry.is_kept, entry.index));
    let mut groups: Vec<Vec<Entry>> = entries
        .chunk_by(|left, right| left.keys[key] == right.keys[key])
        .filter(|same| same.len() > 1)
        .map(<[Entry]>::to_vec)
        .collect();
    groups.sort_unstable_by_key(|group| group[0].index);
    groups
}

/// The first of `rows` with each of the others.
fn others(rows: &[Entry]) -> impl Iterator<Item = (usize, usize)> {
    rows.iter().skip(1).map(|row| (rows[0].index, row.index))
}

/// The pairs of each two splits, and of each split with itself.
fn between(groups: &[Vec<Entry>]) -> BTreeMap<(Split, Split), Vec<(usize, usize)>> {
    let mut pairs: BTreeMap<(Split, Split), Vec<(usize, usize)>> = BTreeMap::new();
    for group in groups {
        let of = |split: Split| group.iter().filter(|entry| entry.split == split).copied().collect::<Vec<_>>();
        for (place, left) in Split::ALL.iter().enumerate() {
            let rows = of(*left);
            pairs.entry((*left, *left)).or_default().extend(others(&rows));
            for right in &Split::ALL[place + 1..] {
                let first = rows.first().zip(of(*right).first().copied());
                pairs.entry((*left, *right)).or_default().extend(first.map(|(row, other)| (row.index, other.index)));
            }
        }
    }
    pairs.retain(|_, pairs| !pairs.is_empty());
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::choice_record;

    fn entry(index: usize, record: &Record, is_kept: bool) -> Entry {
        let keys = [content_key(record), question_key(record), source_key(record)];
        Entry { keys, split: record.split, is_kept, index }
    }

    #[test]
    fn a_question_is_counted_once_between_two_splits_and_each_repetition_inside_one() {
        let at = |split, choices: [&str; 2]| {
            let mut record = choice_record("Quel os ?", &choices, "A");
            record.split = split;
            record
        };
        let rows = [
            (at(Split::Train, ["Tibia", "Ulna"]), false),
            (at(Split::Train, ["ulna", "Tibia."]), true),
            (at(Split::Train, ["Radius", "Ulna"]), true),
            (at(Split::Test, ["Tibia", "Ulna"]), true),
        ];
        let mut entries: Vec<Entry> =
            rows.iter().enumerate().map(|(index, (record, is_kept))| entry(index, record, *is_kept)).collect();
        let content = between(&repeated(&mut entries, 0));
        let expected = [((Split::Train, Split::Train), vec![(1, 0)]), ((Split::Train, Split::Test), vec![(1, 3)])];
        assert_eq!(content, expected.into());
        let question = between(&repeated(&mut entries, 1));
        let expected =
            [((Split::Train, Split::Train), vec![(1, 2), (1, 0)]), ((Split::Train, Split::Test), vec![(1, 3)])];
        assert_eq!(question, expected.into());
        assert_eq!(repeated(&mut entries, 2).len(), 1, "all four have the identifier of the fixture");
    }
}
