//! Integer quotas.

use super::number::{to_count, to_number};

/// Shares `total` among `weights` by largest remainder; remainders that tie are given in order.
///
/// The quotas sum to `total`, and each is within 1 of its exact share. All are 0 where the weights are.
///
/// ```
/// assert_eq!(medinjection_fr::mixture::largest_remainder(10, &[1.0, 1.0, 1.0]), [4, 3, 3]);
/// ```
///
/// # Source
/// Hamilton's method of apportionment.
#[must_use]
pub fn largest_remainder(total: u64, weights: &[f64]) -> Vec<u64> {
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        return vec![0; weights.len()];
    }
    // Multiplied before it is divided: equal weights get equal shares to the last bit.
    let shares: Vec<f64> = weights.iter().map(|weight| to_number(total) * weight / sum).collect();
    let mut quotas: Vec<u64> = shares.iter().map(|share| to_count(*share)).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&a, &b| shares[b].fract().total_cmp(&shares[a].fract()));
    let missing = total.saturating_sub(quotas.iter().sum());
    for (&index, _) in order.iter().zip(0..missing) {
        quotas[index] += 1;
    }
    quotas
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn quotas_sum_to_the_total(total in 0_u64..1_000_000, weights in proptest::collection::vec(0.01_f64..10.0, 1..8)) {
            let quotas = largest_remainder(total, &weights);
            proptest::prop_assert_eq!(quotas.iter().sum::<u64>(), total);
        }

        #[test]
        fn no_quota_exceeds_what_there_is(available in proptest::collection::vec(0_u32..1000, 1..8), part in 0_u64..=100) {
            let total = available.iter().map(|&count| u64::from(count)).sum::<u64>() * part / 100;
            let weights: Vec<f64> = available.iter().map(|&count| f64::from(count)).collect();
            for (quota, count) in largest_remainder(total, &weights).into_iter().zip(available) {
                proptest::prop_assert!(quota <= u64::from(count));
            }
        }
    }
}
