//! Which records a mixture takes.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::number::{to_count, to_number};
use super::{Field, Mixture, largest_remainder};
use crate::columnar::RecordKey;
use crate::record::{Split, Task};
use crate::{Error, Result};

impl RecordKey {
    pub(super) fn value(&self, field: Field) -> &str {
        match field {
            Field::Origin => self.origin.as_str(),
            Field::Source => &self.source,
            Field::Task => self.task.as_str(),
            Field::License => &self.license,
        }
    }
}

/// How often each record is taken, by identifier.
pub type Draw = BTreeMap<String, u64>;

/// Takes the mixture's quotas from `candidates`, each at most `max_repetitions` times.
///
/// Within a value of the mixture's field the quota is shared among the strata (source and task) by what they hold, and
/// within a stratum the records with the smallest SHA-256 of seed and identifier are taken.
///
/// # Errors
/// [`Error::Data`] if a value has fewer records than its quota; the message names all that do.
pub fn draw(mixture: &Mixture, candidates: &[RecordKey], max_repetitions: u64) -> Result<Draw> {
    let strata = strata(mixture, candidates);
    let available = available(mixture, &strata, max_repetitions);
    let short: Vec<String> = mixture
        .quotas()
        .into_iter()
        .zip(&available)
        .filter(|((_, needed), available)| needed > available)
        .map(|((value, needed), available)| format!("{value}: {needed} needed, {available} available"))
        .collect();
    if !short.is_empty() {
        // Neither a smaller size nor repetition makes records where there are none.
        let remedy = if available.contains(&0) {
            "choose another mixture, or build a data set that has such records in this split; open questions count with --include-open"
        } else {
            "lower --size, or ask for --scale-to-available or --allow-repetition N"
        };
        return Err(Error::Data(format!(
            "too few records for {} rows ({}); {remedy}",
            mixture.num_records(),
            short.join("; ")
        )));
    }
    let mut taken = Draw::new();
    for ((_, quota), strata) in mixture.quotas().into_iter().zip(strata.values()) {
        take(quota, strata, mixture.seed(), &mut taken);
    }
    Ok(taken)
}

/// The largest size, up to the mixture's own, at which every quota can be met; 0 where a value has no record.
#[must_use]
pub fn scaled_size(mixture: &Mixture, candidates: &[RecordKey], max_repetitions: u64) -> u64 {
    let available = available(mixture, &strata(mixture, candidates), max_repetitions);
    if available.contains(&0) {
        return 0;
    }
    let bound = mixture
        .ratios()
        .iter()
        .zip(&available)
        .map(|((_, ratio), &count)| to_count(to_number(count) / ratio).saturating_add(1));
    let bound = bound.fold(mixture.num_records(), u64::min);
    let fits = |size: &u64| {
        let met = |sized: Mixture| sized.quotas().iter().zip(&available).all(|((_, quota), count)| quota <= count);
        mixture.with_size(*size).is_ok_and(met)
    };
    (1..=bound).rev().find(fits).unwrap_or(0)
}

/// Records by value of the mixture's field (in the order of its ratios), then by source and task.
type Strata<'a> = BTreeMap<usize, BTreeMap<(&'a str, Task), Vec<&'a RecordKey>>>;

fn strata<'a>(mixture: &Mixture, candidates: &'a [RecordKey]) -> Strata<'a> {
    let mut strata: Strata<'a> = (0..mixture.ratios().len()).map(|index| (index, BTreeMap::new())).collect();
    let place: BTreeMap<&str, usize> =
        mixture.ratios().iter().enumerate().map(|(index, (value, _))| (value.as_str(), index)).collect();
    for candidate in candidates {
        if let Some(value) = place.get(candidate.value(mixture.field())).and_then(|index| strata.get_mut(index)) {
            value.entry((&candidate.source, candidate.task)).or_default().push(candidate);
        }
    }
    strata
}

fn available(mixture: &Mixture, strata: &Strata<'_>, max_repetitions: u64) -> Vec<u64> {
    let count = |index: usize| strata[&index].values().map(|records| records.len() as u64).sum::<u64>();
    (0..mixture.ratios().len()).map(|index| count(index).saturating_mul(max_repetitions)).collect()
}

fn take(quota: u64, strata: &BTreeMap<(&str, Task), Vec<&RecordKey>>, seed: u64, taken: &mut Draw) {
    let weights: Vec<f64> = strata.values().map(|records| to_number(records.len() as u64)).collect();
    for (quota, records) in largest_remainder(quota, &weights).into_iter().zip(strata.values()) {
        let num_records = records.len() as u64;
        let mut ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
        ids.sort_by_cached_key(|id| draw_key(seed, id));
        for (place, id) in (0..).zip(ids) {
            let times = quota / num_records + u64::from(place < quota % num_records);
            if times > 0 {
                *taken.entry(id.to_owned()).or_default() += times;
            }
        }
    }
}

/// The place of a record in a draw: SHA-256 of the seed (little-endian) and the identifier.
pub(super) fn draw_key(seed: u64, id: &str) -> [u8; 32] {
    Sha256::new().chain_update(seed.to_le_bytes()).chain_update(id.as_bytes()).finalize().into()
}

/// Checks that no group of records crosses splits.
///
/// # Errors
/// [`Error::Data`] naming the first group that does and how many do.
pub fn check_leaks<'a>(candidates: impl IntoIterator<Item = &'a RecordKey>) -> Result<()> {
    let mut splits: BTreeMap<&str, Split> = BTreeMap::new();
    let mut leaks: BTreeMap<&str, (Split, Split)> = BTreeMap::new();
    for candidate in candidates {
        let first = *splits.entry(&candidate.group_id).or_insert(candidate.split);
        if first != candidate.split {
            leaks.entry(&candidate.group_id).or_insert((first, candidate.split));
        }
    }
    match leaks.first_key_value() {
        None => Ok(()),
        Some((group, (first, second))) => Err(Error::Data(format!(
            "{} groups of records cross splits, the first is {group} ({first} and {second}); \
             build the data set again, or accept them with --allow-leaks",
            leaks.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixture::Preset;
    use crate::record::Origin;

    fn candidates(origin: Origin, source: &str, task: Task, count: usize) -> Vec<RecordKey> {
        let candidate = |index: usize| RecordKey {
            id: format!("{source}-{task}-{index}"),
            origin,
            source: source.to_owned(),
            task,
            license: "MIT".to_owned(),
            group_id: format!("{source}-{index}"),
            split: Split::Train,
        };
        (0..count).map(candidate).collect()
    }

    fn corpus() -> Vec<RecordKey> {
        [
            candidates(Origin::Native, "a", Task::Mcqu, 30),
            candidates(Origin::Native, "b", Task::Mcq, 10),
            candidates(Origin::Translated, "c", Task::Mcqu, 20),
        ]
        .concat()
    }

    #[test]
    fn the_draw_is_stratified_and_independent_of_input_order() {
        let mixture = Preset::NativeTranslated.mixture(40, 7).unwrap();
        let mut all = corpus();
        let taken = draw(&mixture, &all, 1).unwrap();
        let of = |prefix: &str| taken.keys().filter(|id| id.starts_with(prefix)).count();
        assert_eq!((of("a-"), of("b-"), of("c-")), (15, 5, 20));
        all.reverse();
        assert_eq!(draw(&mixture, &all, 1).unwrap(), taken);
        assert_ne!(draw(&Preset::NativeTranslated.mixture(30, 8).unwrap(), &all, 1).unwrap(), taken);
    }

    #[test]
    fn a_shortfall_names_the_origin_and_the_remedies() {
        let mixture = Preset::NativeTranslated.mixture(60, 7).unwrap();
        let message = draw(&mixture, &corpus(), 1).unwrap_err().to_string();
        assert!(message.contains("translated: 30 needed, 20 available"), "{message}");
        assert!(message.contains("--allow-repetition"), "{message}");
        let missing = draw(&Preset::NativeSynthetic.mixture(6, 7).unwrap(), &corpus(), 1).unwrap_err().to_string();
        assert!(missing.contains("synthetic: 3 needed, 0 available") && !missing.contains("--size"), "{missing}");
        let taken = draw(&mixture, &corpus(), 2).unwrap();
        assert_eq!(taken.values().sum::<u64>(), 60);
        assert!(taken.values().all(|times| *times <= 2));
    }

    #[test]
    fn scaling_keeps_the_ratios() {
        let mixture = Preset::NativeTranslated.mixture(1000, 7).unwrap();
        assert_eq!(scaled_size(&mixture, &corpus(), 1), 41);
        assert_eq!(scaled_size(&Preset::Synthetic.mixture(5, 7).unwrap(), &corpus(), 1), 0);
        assert_eq!(scaled_size(&Preset::NativeSynthetic.mixture(5, 7).unwrap(), &corpus(), 1), 0);
    }

    #[test]
    fn a_group_in_two_splits_is_a_leak() {
        let mut all = corpus();
        assert!(check_leaks(&all).is_ok());
        all[0].split = Split::Test;
        all[1].group_id = all[0].group_id.clone();
        assert!(check_leaks(&all).unwrap_err().to_string().contains("a-0"));
    }
}
