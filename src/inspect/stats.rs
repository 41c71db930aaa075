//! What a data set holds, in numbers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::Result;
use crate::provenance::Dataset;
use crate::record::{Origin, Record, Split, Task};
use crate::render::prompt;

/// Records of one split, origin, source and task, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// The split.
    pub split: Split,
    /// How the records were made.
    pub origin: Origin,
    /// Name of the corpus.
    pub source: String,
    /// Kind of question.
    pub task: Task,
    /// Number of records.
    pub num_records: u64,
    /// Number of groups that share a case, a passage or an original.
    pub num_groups: u64,
    /// Length of the prompt in characters.
    pub prompt_chars: Quantiles,
    /// Records by language of the instruction.
    pub languages: BTreeMap<String, u64>,
    /// Findings with which records were kept, by reason.
    pub findings: BTreeMap<String, u64>,
}

/// Smallest value, median, 95th percentile (nearest rank) and largest value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// The smallest.
    pub min: usize,
    /// The lower median.
    pub median: usize,
    /// The 95th percentile.
    pub p95: usize,
    /// The largest.
    pub max: usize,
}

impl Quantiles {
    /// The quantiles of `values`; all 0 where there are none.
    #[must_use]
    pub fn of(mut values: Vec<usize>) -> Self {
        values.sort_unstable();
        let at = |percent: usize| match values.len() {
            0 => 0,
            len => values[(len * percent).div_ceil(100).clamp(1, len) - 1],
        };
        Self { min: at(0), median: at(50), p95: at(95), max: at(100) }
    }
}

#[derive(Default)]
struct Cell {
    groups: BTreeSet<String>,
    prompt_chars: Vec<usize>,
    languages: BTreeMap<String, u64>,
    findings: BTreeMap<String, u64>,
}

impl Cell {
    fn add(&mut self, record: Record) {
        self.prompt_chars.push(prompt(&record).chars().count());
        for field in record.languages.into_iter().filter(|field| field.field == "instruction") {
            *self.languages.entry(field.language).or_default() += 1;
        }
        for finding in record.findings {
            *self.findings.entry(finding.reason.to_string()).or_default() += 1;
        }
        self.groups.insert(record.group_id);
    }
}

/// Counts the records of every split of `dataset` by origin, source and task.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) and [`Error::Format`](crate::Error::Format) if a file cannot be read.
pub fn stats(dataset: &Dataset) -> Result<Vec<Stats>> {
    let mut cells: BTreeMap<(Split, Origin, String, Task), Cell> = BTreeMap::new();
    for split in Split::ALL {
        for record in dataset.records(*split) {
            let record = record?;
            let key = (*split, record.origin, record.source.clone(), record.task);
            cells.entry(key).or_default().add(record);
        }
    }
    let stats = |((split, origin, source, task), cell): (_, Cell)| Stats {
        split,
        origin,
        source,
        task,
        num_records: cell.prompt_chars.len() as u64,
        num_groups: cell.groups.len() as u64,
        prompt_chars: Quantiles::of(cell.prompt_chars),
        languages: cell.languages,
        findings: cell.findings,
    };
    Ok(cells.into_iter().map(stats).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occur() {
        let quantiles = Quantiles::of((1..=100).rev().collect());
        assert_eq!(quantiles, Quantiles { min: 1, median: 50, p95: 95, max: 100 });
        assert_eq!(Quantiles::of(vec![7]), Quantiles { min: 7, median: 7, p95: 7, max: 7 });
        assert_eq!(Quantiles::of(Vec::new()).max, 0);
    }
}
