//! Leaks by n-grams: records of other splits that hold most of the n-grams of a test record, and most of those of its question.
//!
//! A long choice can make up most of a record: who has that choice alone, under another question, leaks nothing. And who asks
//! the same of other choices, as many questions do that begin alike, holds too little of the whole.
//!
//! To hold a share `t` of `m` n-grams is to hold at least one of any `m - ⌈t·m⌉ + 1` of them: those of each test record
//! that fewest test records have are indexed, and whoever holds one is compared in full. Nothing is missed by it.
//!
//! A question that many records share in part is compared with each of them: the n-grams of test records are in memory, those
//! of all others on disk.

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
    let grams = spill.grams()?;
    let index = Index::new(&grams, &spill.question_grams()?, splits, config.leak_threshold)?;
    let num_blocks = splits.len().div_ceil(BLOCK);
    let found = in_parallel(num_threads, num_blocks, |block| {
        let mut found = Vec::new();
        for (record, set) in block_of(&grams, block, splits.len())? {
            if splits[record as usize] != Split::Test && wanted(record) {
                found.extend(index.best(record, &set));
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

/// Sets one after the other.
struct Flat {
    elements: Vec<u32>,
    /// Where each set begins, and where the last ends.
    starts: Vec<usize>,
}

impl Flat {
    fn new() -> Self {
        Self { elements: Vec::new(), starts: vec![0] }
    }

    fn push(&mut self, set: &[u32]) {
        self.elements.extend_from_slice(set);
        self.starts.push(self.elements.len());
    }

    fn get(&self, place: usize) -> &[u32] {
        &self.elements[self.starts[place]..self.starts[place + 1]]
    }
}

/// The test records, and the rarest n-grams of each.
struct Index {
    threshold: f64,
    /// The test records that have enough n-grams, ascending.
    tests: Vec<u32>,
    grams: Flat,
    question_grams: Flat,
    /// N-grams with the place of the test record that has them, ascending.
    entries: Vec<(u32, u32)>,
    /// First entry of each value of the upper bits of an n-gram.
    starts: Vec<u32>,
}

const fn bucket(gram: u32) -> usize {
    (gram >> (32 - SKETCH_BITS)) as usize
}

impl Index {
    fn new(all: &Sets, of_questions: &Sets, splits: &[Split], threshold: f64) -> Result<Self> {
        let (mut tests, mut grams, mut question_grams) = (Vec::new(), Flat::new(), Flat::new());
        let mut sketch = vec![0_u32; 1 << SKETCH_BITS];
        for block in 0..splits.len().div_ceil(BLOCK) {
            for (record, set) in block_of(all, block, splits.len())? {
                if splits[record as usize] != Split::Test || set.len() < MIN_GRAMS {
                    continue;
                }
                for gram in &set {
                    sketch[bucket(*gram)] += 1;
                }
                tests.push(record);
                grams.push(&set);
                question_grams.push(&of_questions.get(record)?);
            }
        }
        let mut entries = Vec::new();
        for place in 0..tests.len() {
            let mut set = grams.get(place).to_vec();
            let num_indexed = set.len().saturating_sub(num_needed(set.len(), threshold)) + 1;
            if num_indexed <= set.len() {
                set.sort_unstable_by_key(|gram| (sketch[bucket(*gram)], *gram));
                let place = u32::try_from(place).unwrap_or(u32::MAX);
                entries.extend(set[..num_indexed].iter().map(|gram| (*gram, place)));
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
        Ok(Self { threshold, tests, grams, question_grams, entries, starts })
    }

    /// The test record of which `set` holds the largest share; of equal ones the first.
    fn best(&self, record: u32, set: &[u32]) -> Option<Overlap> {
        let mut places: Vec<u32> = set.iter().flat_map(|gram| self.tests_with(*gram)).collect();
        places.sort_unstable();
        places.dedup();
        let mut best: Option<Overlap> = None;
        for place in places.into_iter().map(|place| place as usize) {
            let test_set = self.grams.get(place);
            let is_best = |share: f64| share >= self.threshold && best.is_none_or(|best| share > best.share);
            // Who has few n-grams holds a small share of many.
            if !is_best(ratio(set.len(), test_set.len())) {
                continue;
            }
            let share = ratio(num_shared(set, test_set), test_set.len());
            let question = self.question_grams.get(place);
            if is_best(share) && ratio(num_shared(set, question), question.len()) >= self.threshold {
                best = Some(Overlap { record, test: self.tests[place], share });
            }
        }
        best
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
