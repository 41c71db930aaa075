//! Near-duplicates: pairs whose `MinHash` signatures agree in a band, verified by the Jaccard similarity of their shingles.
//!
//! The similarity is exact but for two different shingles that share a 32-bit hash, which happens to less than one pair of
//! records in a million. What a signature can miss is a pair that agrees in no band: at the threshold at most one in a
//! hundred, fewer above it.

use std::collections::BTreeMap;

use super::config::{Banding, DedupConfig};
use super::fingerprint::jaccard;
use super::parallel::in_parallel;
use super::spill::{Sets, Spill};
use crate::Result;
use crate::record::Split;

/// Records of one band whose members are all compared with one another; of more, each is compared with this many.
const MAX_COMPARED: usize = 64;

/// Pairs of records, the first before the second, with their similarity.
pub(super) type Pairs = BTreeMap<(u32, u32), f64>;

/// The pairs of at least the threshold's similarity among the records that `wanted` names.
pub(super) fn near_pairs(
    spill: &Spill,
    config: &DedupConfig,
    splits: &[Split],
    wanted: &(impl Fn(u32) -> bool + Sync),
    num_threads: usize,
) -> Result<Pairs> {
    let shingles = spill.shingles()?;
    let search = Search { shingles: &shingles, splits, threshold: config.near_threshold };
    let bands = in_parallel(num_threads, Banding::of(config).num_bands, |band| {
        let mut hashes = spill.band(band, wanted)?;
        hashes.sort_unstable();
        let mut pairs = Pairs::new();
        for same in hashes.chunk_by(|left, right| left.0 == right.0).filter(|same| same.len() > 1) {
            search.compare(same, &mut pairs)?;
        }
        Ok(pairs)
    })?;
    Ok(bands.into_iter().flatten().collect())
}

struct Search<'a> {
    shingles: &'a Sets,
    splits: &'a [Split],
    threshold: f64,
}

impl Search<'_> {
    /// Compares the records of one band that share a hash; those that would be kept come first.
    fn compare(&self, same: &[(u32, u32)], pairs: &mut Pairs) -> Result<()> {
        let mut records: Vec<u32> = same.iter().map(|(_, record)| *record).collect();
        records.sort_by_key(|record| (std::cmp::Reverse(self.splits[*record as usize]), *record));
        let all = records.len() <= MAX_COMPARED;
        let mut earlier: Vec<(u32, Vec<u32>)> = Vec::new();
        for record in records {
            let set = self.shingles.get(record)?;
            let mut found = false;
            for (other, other_set) in &earlier {
                // Sets of very different sizes cannot be similar.
                let (small, large) = (set.len().min(other_set.len()), set.len().max(other_set.len()));
                if super::fingerprint::ratio(small, large.max(1)) < self.threshold {
                    continue;
                }
                let similarity = jaccard(&set, other_set);
                if similarity >= self.threshold {
                    pairs.insert((record.min(*other), record.max(*other)), similarity);
                    found = true;
                }
            }
            if all || (!found && earlier.len() < MAX_COMPARED) {
                earlier.push((record, set));
            }
        }
        Ok(())
    }
}
