//! Splits drawn by hash of the group, for sources that ship no training split.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::record::Split;

/// Shares of the train, validation and test splits. Invariant: finite, not negative, and of sum 1 (tolerance 1e-9).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 3]", into = "[f64; 3]")]
pub struct SplitRatios([f64; 3]);

impl TryFrom<[f64; 3]> for SplitRatios {
    type Error = String;

    fn try_from(ratios: [f64; 3]) -> Result<Self, Self::Error> {
        let sum: f64 = ratios.iter().sum();
        if ratios.iter().all(|ratio| (0.0..=1.0).contains(ratio)) && (sum - 1.0).abs() <= 1e-9 {
            Ok(Self(ratios))
        } else {
            Err(format!("expected shares of train, validation and test from 0 to 1 that sum to 1, found {ratios:?}"))
        }
    }
}

impl From<SplitRatios> for [f64; 3] {
    fn from(ratios: SplitRatios) -> Self {
        ratios.0
    }
}

/// The split of a group: the first 53 bits of SHA-256(`split`, `seed`, `group_id`) as a number in [0, 1), looked up in
/// the cumulated ratios.
///
/// The draw depends on nothing else, so a group keeps its split when others come or go.
#[must_use]
pub fn assign_split(group_id: &str, ratios: SplitRatios, seed: u64) -> Split {
    let mut hasher = Sha256::new();
    hasher.update(b"split\0");
    hasher.update(seed.to_le_bytes());
    hasher.update(group_id);
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize()[..8]);
    let draw = unit(u64::from_be_bytes(first));
    let [train, validation, test] = ratios.0;
    if draw < train {
        Split::Train
    } else if draw < train + validation || test == 0.0 {
        // Where test has no share, the rounding of the sum must not give it one.
        if validation == 0.0 { Split::Train } else { Split::Validation }
    } else {
        Split::Test
    }
}

/// The upper 53 bits as a number in [0, 1).
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact in an f64")]
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_met_and_a_group_keeps_its_split() {
        let ratios = SplitRatios::try_from([0.7, 0.1, 0.2]).unwrap();
        let splits: Vec<Split> = (0..10_000).map(|group| assign_split(&format!("g{group}"), ratios, 42)).collect();
        for (split, expected) in [(Split::Train, 7000), (Split::Validation, 1000), (Split::Test, 2000)] {
            let found = splits.iter().filter(|found| **found == split).count();
            assert!(found.abs_diff(expected) < 200, "{split}: {found}");
        }
        assert_eq!(splits[17], assign_split("g17", ratios, 42));
        assert!((0..100).any(|group| splits[group] != assign_split(&format!("g{group}"), ratios, 43)));
    }

    #[test]
    fn a_split_without_a_share_stays_empty() {
        let ratios = SplitRatios::try_from([1.0, 0.0, 0.0]).unwrap();
        assert!((0..1000).all(|group| assign_split(&group.to_string(), ratios, 1) == Split::Train));
    }

    #[test]
    fn shares_that_do_not_sum_to_one_are_refused() {
        for wrong in [[0.7, 0.1, 0.1], [1.2, -0.2, 0.0], [f64::NAN, 0.5, 0.5]] {
            assert!(SplitRatios::try_from(wrong).is_err(), "{wrong:?}");
        }
    }
}
