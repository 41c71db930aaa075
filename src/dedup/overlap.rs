//! Leaks by n-grams: records of other splits that hold most of the n-grams of a test record, and most of those of its question.
//!
//! A long choice can make up most of a record: who has that choice alone, under another question, leaks nothing. And who asks
//! the same of other choices, as many questions do that begin alike, holds too little of the whole.
//!
//! To hold a share `t` of `m` n-grams is to hold at least one of any `m - ⌈t·m⌉ + 1` of them: those of each test record
//! that fewest test records have are indexed, and whoever holds one is compared in full. Nothing is missed by it.

use super::config::{DedupConfig, MIN_GRAMS};
use super::fingerprint::{num_shared, ratio};
use super::parallel::in_parallel;
use super::spill::{Sets, Spill};
use crate::Result;
use crate::record::Split;

/// Records that are read together.
const BLOCK: usize = 4096;
/// Counters of the sketch that tells rare n-grams from common ones.
const SKETCH_BITS: u32 = 20;

/// A record that holds n-grams of a test record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Overlap {
    pub(super) record: u32,
    pub(super) test: u32,
    /// Share of the test record's n-grams that the record holds.
    pub(super) share: f64,
}

/// For each record outside of the test split that `wanted` names, the test record of which it holds the largest share,
/// where that is at least the threshold.
pub(super) fn overlaps(
    spill: &Spill,
    config: &DedupConfig,
    splits: &[Split],
    wanted: &(impl Fn(u32) -> bool + Sync),
    num_threads: usize,
) -> Result<Vec<Overlap>> {
    if config.leak_threshold > 1.0 || !splits.contains(&Split::Test) {
        return Ok(Vec::new());
    }
    let (grams, question_grams) = (spill.grams()?, spill.question_grams()?);
    let index = Index::new(&grams, &question_grams, splits, config.leak_threshold)?;
    let num_blocks = splits.len().div_ceil(BLOCK);
    let found = in_parallel(num_threads, num_blocks, |block| {
        let mut found = Vec::new();
        for (record, set) in block_of(&grams, block, splits.len())? {
            if splits[record as usize] != Split::Test && wanted(record) {
                found.extend(index.best(record, &set)?);
            }
        }
        Ok(found)
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// The records of a block with their n-grams.
fn block_of(grams: &Sets, block: usize, num_records: usize) -> Result<impl Iterator<Item = (u32, Vec<u32>)>> {
    let record = |place: usize| u32::try_from(place.min(num_records)).unwrap_or(u32::MAX);
    let records = record(block * BLOCK)..record((block + 1) * BLOCK);
    Ok(records.clone().zip(grams.range(records)?))
}

/// The rarest n-grams of each test record.
struct Index<'a> {
    grams: &'a Sets,
    question_grams: &'a Sets,
    threshold: f64,
    /// N-grams with the test record that has them, ascending.
    entries: Vec<(u32, u32)>,
    /// First entry of each value of the upper bits of an n-gram.
    starts: Vec<u32>,
}

const fn bucket(gram: u32) -> usize {
    (gram >> (32 - SKETCH_BITS)) as usize
}

impl<'a> Index<'a> {
    fn new(grams: &'a Sets, question_grams: &'a Sets, splits: &[Split], threshold: f64) -> Result<Self> {
        let num_blocks = splits.len().div_ceil(BLOCK);
        let is_indexed = |record: u32, set: &[u32]| splits[record as usize] == Split::Test && set.len() >= MIN_GRAMS;
        let mut sketch = vec![0_u32; 1 << SKETCH_BITS];
        for block in 0..num_blocks {
            for (_, set) in block_of(grams, block, splits.len())?.filter(|(record, set)| is_indexed(*record, set)) {
                for gram in set {
                    sketch[bucket(gram)] += 1;
                }
            }
        }
        let mut entries = Vec::new();
        for block in 0..num_blocks {
            let tests = block_of(grams, block, splits.len())?.filter(|(record, set)| is_indexed(*record, set));
            for (record, mut set) in tests {
                let num_indexed = set.len().saturating_sub(num_needed(set.len(), threshold)) + 1;
                if num_indexed <= set.len() {
                    set.sort_unstable_by_key(|gram| (sketch[bucket(*gram)], *gram));
                    entries.extend(set[..num_indexed].iter().map(|gram| (*gram, record)));
                }
            }
        }
        entries.sort_unstable();
        let mut starts = vec![0_u32; (1 << SKETCH_BITS) + 1];
        for (gram, _) in &entries {
            starts[bucket(*gram) + 1] += 1;
        }
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        Ok(Self { grams, question_grams, threshold, entries, starts })
    }

    /// The test record of which `set` holds the largest share; of equal ones the first.
    fn best(&self, record: u32, set: &[u32]) -> Result<Option<Overlap>> {
        let mut tests: Vec<u32> = set.iter().flat_map(|gram| self.tests_with(*gram)).collect();
        tests.sort_unstable();
        tests.dedup();
        let mut best: Option<Overlap> = None;
        for test in tests {
            let test_set = self.grams.get(test)?;
            let share = ratio(num_shared(set, &test_set), test_set.len());
            if share < self.threshold || best.is_some_and(|best| share <= best.share) {
                continue;
            }
            let question = self.question_grams.get(test)?;
            if ratio(num_shared(set, &question), question.len()) >= self.threshold {
                best = Some(Overlap { record, test, share });
            }
        }
        Ok(best)
    }

    fn tests_with(&self, gram: u32) -> impl Iterator<Item = u32> {
        let [start, end] = [bucket(gram), bucket(gram) + 1].map(|place| self.starts[place] as usize);
        self.entries[start..end].iter().filter(move |(indexed, _)| *indexed == gram).map(|(_, test)| *test)
    }
}

/// The least number of `num_grams` n-grams that is a share of at least `threshold`.
fn num_needed(num_grams: usize, threshold: f64) -> usize {
    (0..=num_grams).find(|number| ratio(*number, num_grams) >= threshold).unwrap_or(num_grams + 1)
}
