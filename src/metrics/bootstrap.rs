//! Bootstrap intervals: how far a mean could have come out otherwise, had other questions been asked.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::aggregate;
use crate::record::Task;

/// Number of resamples of an interval.
pub const NUM_RESAMPLES: usize = 10_000;

/// Seed of every interval.
pub const SEED: u64 = 42;

/// Ends of a 95 % percentile interval.
pub type Interval = [f64; 2];

/// `SplitMix64`: the `n`-th number is a mix of `key + n · 0x9e3779b97f4a7c15`.
///
/// The key is the first 8 bytes, little-endian, of the SHA-256 of the seed in decimal digits, a line end, and the name
/// of the stream, so that streams of different names are independent.
///
/// # Source
/// Steele, Lea and Flood, 2014, *Fast splittable pseudorandom number generators*, <https://doi.org/10.1145/2660193.2660195>
#[derive(Debug, Clone)]
struct Generator {
    state: u64,
}

impl Generator {
    fn new(stream: &str) -> Self {
        let digest = Sha256::digest(format!("{SEED}\n{stream}"));
        Self { state: digest.iter().take(8).rev().fold(0, |key, byte| key << 8 | u64::from(*byte)) }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`: the high half of the product of 64 random bits and `bound`.
    #[expect(clippy::cast_possible_truncation, reason = "the high half of the product is below `bound`")]
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

/// Interval of the mean of each column, by resampling rows; row `i` of every column is the same item, so that columns
/// are resampled together (paired).
///
/// `stream` names the random numbers: the same items under the same name give the same interval.
///
/// # Panics
/// If the columns differ in length.
#[must_use]
pub fn mean_intervals(columns: &[&[f64]], stream: &str) -> Vec<Interval> {
    let num_items = columns.first().map_or(0, |column| column.len());
    assert!(columns.iter().all(|column| column.len() == num_items), "columns of one length are resampled together");
    let mut generator = Generator::new(stream);
    let mut means = vec![Vec::with_capacity(NUM_RESAMPLES); columns.len()];
    let mut drawn = vec![0; num_items];
    for _ in 0..NUM_RESAMPLES {
        drawn.fill_with(|| generator.below(num_items));
        for (column, means) in columns.iter().zip(&mut means) {
            means.push(mean_of(column, &drawn));
        }
    }
    means.into_iter().map(percentile_interval).collect()
}

/// What of an aggregate is drawn anew in each resample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resampling {
    /// The items of each data set: the data sets are all there is.
    Items,
    /// The data sets of each task, then the items of each: the data sets stand for others like them.
    SetsAndItems,
}

/// Interval of the aggregate of `sets`, each a task and one value an item.
///
/// For a paired difference the values are differences, since an aggregate of differences is the difference of aggregates.
#[must_use]
pub fn aggregate_interval(sets: &[(Task, &[f64])], resampling: Resampling, stream: &str) -> Interval {
    let mut by_task: BTreeMap<Task, Vec<&[f64]>> = BTreeMap::new();
    for (task, values) in sets {
        by_task.entry(*task).or_default().push(values);
    }
    let mut generator = Generator::new(stream);
    let mut drawn = Vec::new();
    let mut resample = || {
        let mut means = Vec::with_capacity(sets.len());
        for (task, sets) in &by_task {
            for index in 0..sets.len() {
                let values = match resampling {
                    Resampling::Items => sets[index],
                    Resampling::SetsAndItems => sets[generator.below(sets.len())],
                };
                drawn.clear();
                drawn.extend((0..values.len()).map(|_| generator.below(values.len())));
                means.push((*task, mean_of(values, &drawn)));
            }
        }
        aggregate(means).unwrap_or(0.0)
    };
    percentile_interval((0..NUM_RESAMPLES).map(|_| resample()).collect())
}

#[expect(clippy::cast_precision_loss, reason = "no file holds 2^52 items")]
fn mean_of(values: &[f64], indices: &[usize]) -> f64 {
    indices.iter().map(|index| values[*index]).sum::<f64>() / indices.len() as f64
}

/// The 2.5th and 97.5th percentiles, between neighbours by linear interpolation.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position among the resamples, which are few"
)]
fn percentile_interval(mut values: Vec<f64>) -> Interval {
    values.sort_by(f64::total_cmp);
    [0.025, 0.975].map(|share| {
        let position = share * (values.len() - 1) as f64;
        let below = position.floor() as usize;
        let above = (below + 1).min(values.len() - 1);
        values[below] + (values[above] - values[below]) * position.fract()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(found: Interval, expected: Interval) {
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn the_generator_gives_the_reference_numbers_of_splitmix64() {
        let mut generator = Generator { state: 1_234_567 };
        let expected: [u64; 3] = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([generator.next(), generator.next(), generator.next()], expected);
    }

    #[test]
    fn an_interval_is_the_same_every_time_and_depends_on_its_stream() {
        let values: Vec<f64> = (0..40).map(|index| f64::from(index % 7)).collect();
        let first = mean_intervals(&[&values], "a");
        assert_eq!(first, mean_intervals(&[&values], "a"));
        assert_ne!(first, mean_intervals(&[&values], "b"));
    }

    #[test]
    fn columns_are_resampled_together() {
        let base = [0.0, 1.0, 0.0, 1.0, 1.0];
        let shifted = base.map(|value| value + 2.0);
        let difference: Vec<f64> = base.iter().zip(shifted).map(|(base, shifted)| shifted - base).collect();
        assert_close(mean_intervals(&[&base, &shifted, &difference], "a")[2], [2.0, 2.0]);
    }

    #[test]
    fn drawing_data_sets_too_widens_the_interval() {
        let (easy, hard) = (vec![1.0; 50], vec![0.0; 50]);
        let sets = [(Task::Mcq, easy.as_slice()), (Task::Mcq, hard.as_slice())];
        assert_close(aggregate_interval(&sets, Resampling::Items, "a"), [0.5, 0.5]);
        assert_close(aggregate_interval(&sets, Resampling::SetsAndItems, "a"), [0.0, 1.0]);
    }

    #[test]
    fn an_interval_agrees_with_the_normal_law_on_many_items() {
        let values: Vec<f64> = (0..1000).map(|index| f64::from(u8::from(index % 4 == 0))).collect();
        let [low, high] = mean_intervals(&[&values], "a")[0];
        let half = 1.96 * (0.25_f64 * 0.75 / 1000.0).sqrt();
        assert!((low - (0.25 - half)).abs() < 0.002 && (high - (0.25 + half)).abs() < 0.002, "{low} {high}");
    }
}
