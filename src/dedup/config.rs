//! How alike two records must be to be near-duplicates, or one to leak the other.

use serde::{Deserialize, Serialize};

/// Words in a shingle, the unit by which near-duplicates are compared.
pub const SHINGLE_WORDS: usize = 2;
/// Words in an n-gram, the unit by which leaks of test records are looked for.
pub const GRAM_WORDS: usize = 8;
/// Test records with fewer n-grams than this are compared by question and choices alone.
pub const MIN_GRAMS: usize = 3;

/// The table `[dedup]` of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, try_from = "RawDedupConfig")]
pub struct DedupConfig {
    /// Jaccard similarity of two records' shingles from which they are near-duplicates.
    pub near_threshold: f64,
    /// Length of a `MinHash` signature.
    pub num_permutations: usize,
    /// Share of a test record's n-grams from which a record of another split that holds them leaks it; above 1, none does.
    pub leak_threshold: f64,
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawDedupConfig {
    near_threshold: f64,
    num_permutations: usize,
    leak_threshold: f64,
}

impl Default for RawDedupConfig {
    fn default() -> Self {
        let DedupConfig { near_threshold, num_permutations, leak_threshold } = DedupConfig::default();
        Self { near_threshold, num_permutations, leak_threshold }
    }
}

impl Default for DedupConfig {
    fn default() -> Self {
        Self { near_threshold: 0.8, num_permutations: 128, leak_threshold: 0.7 }
    }
}

impl TryFrom<RawDedupConfig> for DedupConfig {
    type Error = String;

    fn try_from(raw: RawDedupConfig) -> Result<Self, Self::Error> {
        let RawDedupConfig { near_threshold, num_permutations, leak_threshold } = raw;
        if !(0.3..=1.0).contains(&near_threshold) {
            return Err(format!("near_threshold: expected a similarity from 0.3 to 1, found {near_threshold}"));
        }
        if !(16..=1024).contains(&num_permutations) {
            return Err(format!("num_permutations: expected a number from 16 to 1024, found {num_permutations}"));
        }
        if !(0.3..=2.0).contains(&leak_threshold) {
            return Err(format!("leak_threshold: expected a share from 0.3, above 1 for none, found {leak_threshold}"));
        }
        Ok(Self { near_threshold, num_permutations, leak_threshold })
    }
}

/// How a signature is cut: two records are compared where all rows of one band agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Banding {
    pub(super) num_bands: usize,
    pub(super) num_rows: usize,
}

impl Banding {
    /// The most rows with which a pair at the threshold is still compared with a probability of at least 0.99,
    /// `1 - (1 - t^rows)^bands`.
    pub(super) fn of(config: &DedupConfig) -> Self {
        let DedupConfig { near_threshold, num_permutations, .. } = *config;
        let banding = |num_rows: usize| Self { num_bands: num_permutations / num_rows, num_rows };
        let rows = (2..=num_permutations).take_while(|rows| banding(*rows).recall(near_threshold) >= 0.99);
        banding(rows.last().unwrap_or(1))
    }

    /// Probability that a pair of this similarity is compared.
    fn recall(self, similarity: f64) -> f64 {
        let [rows, bands] = [self.num_rows, self.num_bands].map(|number| i32::try_from(number).unwrap_or(i32::MAX));
        1.0 - (1.0 - similarity.powi(rows)).powi(bands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_follow_from_the_threshold() {
        let banding = |near_threshold| Banding::of(&DedupConfig { near_threshold, ..DedupConfig::default() });
        assert_eq!(banding(0.8), Banding { num_bands: 21, num_rows: 6 });
        assert_eq!(banding(0.7), Banding { num_bands: 32, num_rows: 4 });
        assert!(banding(0.8).recall(0.8) >= 0.99 && banding(0.8).recall(0.4) < 0.1);
    }

    #[test]
    fn numbers_out_of_range_are_refused_by_key() {
        for (wrong, key) in [
            ("near_threshold = 0.1", "near_threshold"),
            ("near_threshold = nan", "near_threshold"),
            ("num_permutations = 8", "num_permutations"),
            ("leak_threshold = 0.0", "leak_threshold"),
            ("threshold = 0.8", "threshold"),
        ] {
            let refusal = toml::from_str::<DedupConfig>(wrong).unwrap_err().to_string();
            assert!(refusal.contains(key), "{refusal}");
        }
        assert_eq!(toml::from_str::<DedupConfig>("").unwrap(), DedupConfig::default());
    }
}
