//! The scores of a file of predictions.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Interval, NUM_RESAMPLES, Resampling, SEED, aggregate_interval, mean_intervals};
use super::{
    Answered, Item, OpenAnswers, Predictions, SetKey, aggregate, chance_exact_match, exact_match, hamming_score,
    jaccard, mean,
};
use crate::record::Task;

/// The scores of a file of predictions. Metrics of multiple choice are in [0, 1], intervals are 95 % percentile bootstrap intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Version of the tool that scored.
    pub tool_version: String,
    /// SHA-256 of the predictions.
    pub predictions: String,
    /// Number of resamples of every interval.
    pub num_resamples: usize,
    /// Seed of every interval.
    pub seed: u64,
    /// Scores by source and task, in that order.
    pub sets: Vec<SetScores>,
    /// One number over the sets; null where there is no multiple-choice question.
    pub aggregate: Option<AggregateScores>,
    /// Open questions.
    pub open: OpenScores,
}

/// The scores of one source and task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetScores {
    /// Name of the corpus.
    pub source: String,
    /// Kind of question.
    pub task: Task,
    /// Number of questions.
    pub num_records: usize,
    /// Number of answers from which no label could be read; they count as wrong.
    pub num_unparsed: usize,
    /// Share of the questions answered with exactly the gold labels.
    pub exact_match: f64,
    /// Interval of `exact_match`.
    pub exact_match_interval: Interval,
    /// Mean of `|G ∩ P| / |G ∪ P|`; of interest where several labels can be correct.
    pub jaccard: f64,
    /// Interval of `jaccard`.
    pub jaccard_interval: Interval,
    /// Mean of `1 − |G Δ P| / choices`; null where a row does not tell its choices.
    pub hamming_score: Option<f64>,
    /// Interval of `hamming_score`.
    pub hamming_score_interval: Option<Interval>,
    /// Exact match to be expected of uniform guessing; null where a row does not tell its choices.
    pub chance_exact_match: Option<f64>,
}

impl SetScores {
    /// What the scores are of.
    #[must_use]
    pub fn key(&self) -> SetKey {
        SetKey { source: self.source.clone(), task: self.task }
    }
}

/// One number over several sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AggregateScores {
    /// Number of questions.
    pub num_records: usize,
    /// Half the mean over the `mcq` sets and half that over the `mcqu` sets, or the one mean.
    pub exact_match: f64,
    /// Interval of `exact_match`, items drawn anew within each set.
    pub exact_match_interval: Interval,
    /// Interval of `exact_match`, sets drawn anew within each task, then items within each set.
    pub exact_match_interval_over_sets: Interval,
    /// Exact match to be expected of uniform guessing; null where a row does not tell its choices.
    pub chance_exact_match: Option<f64>,
}

/// The scores of all open questions together, in [0, 100]; null where no question has a reference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenScores {
    /// Number of questions.
    pub num_records: u64,
    /// Number of those that have a reference and are scored.
    #[serde(default)]
    pub num_with_reference: u64,
    /// BLEU of the answers against their references.
    #[serde(default)]
    pub bleu: Option<f64>,
    /// chrF of the answers against their references.
    #[serde(default)]
    pub chrf: Option<f64>,
}

impl OpenScores {
    fn of(open: &OpenAnswers) -> Self {
        let scored = |score: f64| (open.num_with_reference > 0).then_some(score);
        Self {
            num_records: open.num_records,
            num_with_reference: open.num_with_reference,
            bleu: scored(open.bleu.score()),
            chrf: scored(open.chrf.chrf()),
        }
    }
}

/// Scores `predictions`, a file whose SHA-256 is `sha256`.
#[must_use]
pub fn score(predictions: &Predictions, sha256: String) -> Scores {
    let sets: Vec<SetScores> = predictions.sets.iter().map(|(key, items)| set_scores(key, items)).collect();
    Scores {
        tool_version: crate::provenance::TOOL_VERSION.to_owned(),
        predictions: sha256,
        num_resamples: NUM_RESAMPLES,
        seed: SEED,
        aggregate: aggregate_scores(predictions, &sets),
        sets,
        open: OpenScores::of(&predictions.open),
    }
}

fn set_scores(key: &SetKey, items: &[Item]) -> SetScores {
    let values = |metric: fn(Answered) -> f64| items.iter().map(|item| metric(item.answered)).collect::<Vec<f64>>();
    let (exact, overlap) = (values(exact_match), values(jaccard));
    let hamming: Option<Vec<f64>> = items.iter().map(|item| hamming_score(item.answered)).collect();
    let chance: Option<Vec<f64>> = items.iter().map(|item| chance_exact_match(key.task, item.answered)).collect();
    let mut columns = vec![exact.as_slice(), overlap.as_slice()];
    columns.extend(hamming.as_deref());
    let intervals = mean_intervals(&columns, &key.to_string());
    SetScores {
        source: key.source.clone(),
        task: key.task,
        num_records: items.len(),
        num_unparsed: items.iter().filter(|item| item.answered.predicted.is_empty()).count(),
        exact_match: mean(&exact),
        exact_match_interval: intervals[0],
        jaccard: mean(&overlap),
        jaccard_interval: intervals[1],
        hamming_score: hamming.as_deref().map(mean),
        hamming_score_interval: intervals.get(2).copied(),
        chance_exact_match: chance.as_deref().map(mean),
    }
}

fn aggregate_scores(predictions: &Predictions, sets: &[SetScores]) -> Option<AggregateScores> {
    let exact: Vec<(Task, Vec<f64>)> = predictions
        .sets
        .iter()
        .map(|(key, items)| (key.task, items.iter().map(|item| exact_match(item.answered)).collect()))
        .collect();
    let exact: Vec<(Task, &[f64])> = exact.iter().map(|(task, values)| (*task, values.as_slice())).collect();
    let chances: Option<Vec<_>> = sets.iter().map(|set| Some((set.task, set.chance_exact_match?))).collect();
    Some(AggregateScores {
        num_records: predictions.num_records(),
        exact_match: aggregate(sets.iter().map(|set| (set.task, set.exact_match)))?,
        exact_match_interval: aggregate_interval(&exact, Resampling::Items, "aggregate"),
        exact_match_interval_over_sets: aggregate_interval(&exact, Resampling::SetsAndItems, "aggregate over sets"),
        chance_exact_match: chances.and_then(aggregate),
    })
}
