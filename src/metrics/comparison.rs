//! Two files of predictions of the same questions, compared question by question.

use std::collections::BTreeMap;

use super::bootstrap::{Interval, Resampling, aggregate_interval, mean_intervals};
use super::{Answered, Item, Predictions, SetKey, aggregate, exact_match, jaccard, mean};
use crate::record::Task;
use crate::{Error, Result};

/// What the second of two systems does better than the first, on the same questions.
///
/// Differences are in [-1, 1], second minus first; intervals are 95 % percentile intervals of a bootstrap that draws
/// both answers to a question together.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// Differences by source and task, in that order.
    pub sets: Vec<SetDifference>,
    /// Difference of the aggregates; `None` where there is no multiple-choice question.
    pub aggregate: Option<AggregateDifference>,
}

/// Difference of two systems on one source and task.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SetDifference {
    /// Name of the corpus.
    pub source: String,
    /// Kind of question.
    pub task: Task,
    /// Difference of the exact match.
    pub exact_match: f64,
    /// Interval of `exact_match`.
    pub exact_match_interval: Interval,
    /// Difference of the jaccard.
    pub jaccard: f64,
    /// Interval of `jaccard`.
    pub jaccard_interval: Interval,
    /// Questions that only the second answers exactly.
    pub num_gained: usize,
    /// Questions that only the first answers exactly.
    pub num_lost: usize,
}

/// Difference of two systems over several sets.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AggregateDifference {
    /// Difference of the exact match.
    pub exact_match: f64,
    /// Interval of `exact_match`, items drawn anew within each set.
    pub exact_match_interval: Interval,
    /// Interval of `exact_match`, sets drawn anew within each task, then items within each set.
    pub exact_match_interval_over_sets: Interval,
}

impl AggregateDifference {
    /// Whether the interval over items leaves out zero.
    #[must_use]
    pub fn is_distinguishable(&self) -> bool {
        let [low, high] = self.exact_match_interval;
        low > 0.0 || high < 0.0
    }
}

/// Compares `second` with `first`, question by question; the order of the files does not matter.
///
/// # Errors
/// [`Error::Data`] naming a question that one of the two lacks, or whose gold labels differ.
pub fn compare(first: &Predictions, second: &Predictions) -> Result<Comparison> {
    let pairs = pairs(first, second)?;
    let mut sets = Vec::new();
    let mut exact = Vec::new();
    for (key, pairs) in &pairs {
        let differences = |metric: fn(Answered) -> f64| -> Vec<f64> {
            pairs.iter().map(|(first, second)| metric(*second) - metric(*first)).collect()
        };
        let (of_exact, of_jaccard) = (differences(exact_match), differences(jaccard));
        let intervals = mean_intervals(&[&of_exact, &of_jaccard], &key.to_string());
        sets.push(SetDifference {
            source: key.source.clone(),
            task: key.task,
            exact_match: mean(&of_exact),
            exact_match_interval: intervals[0],
            jaccard: mean(&of_jaccard),
            jaccard_interval: intervals[1],
            num_gained: of_exact.iter().filter(|difference| **difference > 0.0).count(),
            num_lost: of_exact.iter().filter(|difference| **difference < 0.0).count(),
        });
        exact.push((key.task, of_exact));
    }
    let exact: Vec<(Task, &[f64])> = exact.iter().map(|(task, values)| (*task, values.as_slice())).collect();
    let of_aggregate = aggregate(sets.iter().map(|set| (set.task, set.exact_match)));
    let aggregate = of_aggregate.map(|exact_match| AggregateDifference {
        exact_match,
        exact_match_interval: aggregate_interval(&exact, Resampling::Items, "aggregate"),
        exact_match_interval_over_sets: aggregate_interval(&exact, Resampling::SetsAndItems, "aggregate over sets"),
    });
    Ok(Comparison { sets, aggregate })
}

type Pairs<'key> = BTreeMap<&'key SetKey, Vec<(Answered, Answered)>>;

/// Both answers to each question, in the order of `first`.
fn pairs<'key>(first: &'key Predictions, second: &Predictions) -> Result<Pairs<'key>> {
    let by_id = |items: &[Item]| -> BTreeMap<String, Answered> {
        items.iter().map(|item| (item.id.clone(), item.answered)).collect()
    };
    let missing = |id: &str, key: &SetKey, which: &str| {
        Error::Data(format!("question {id:?} of {key}: expected in both files of predictions, missing in the {which}"))
    };
    let mut pairs = BTreeMap::new();
    for (key, items) in &first.sets {
        let mut others = second.sets.get(key).map(|items| by_id(items)).unwrap_or_default();
        let mut of_set = Vec::with_capacity(items.len());
        for Item { id, answered } in items {
            let other = others.remove(id).ok_or_else(|| missing(id, key, "second"))?;
            if other.gold != answered.gold {
                return Err(Error::Data(format!(
                    "question {id:?} of {key}: expected the same correct labels in both files of predictions, found {} and {}",
                    answered.gold, other.gold
                )));
            }
            of_set.push((*answered, other));
        }
        if let Some(id) = others.keys().next() {
            return Err(missing(id, key, "first"));
        }
        pairs.insert(key, of_set);
    }
    match second.sets.iter().find(|(key, _)| !first.sets.contains_key(*key)) {
        Some((key, items)) => Err(missing(&items[0].id, key, "first")),
        None => Ok(pairs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ChoiceLabel;

    /// Answers to single-answer questions whose gold label is `A`.
    fn predictions(answers: &[(&str, &str)]) -> Predictions {
        let set = |labels: &str| labels.chars().filter_map(|letter| ChoiceLabel::try_from(letter).ok()).collect();
        let item = |(id, label): &(&str, &str)| Item {
            id: (*id).to_owned(),
            answered: Answered { gold: set("A"), predicted: set(label), num_choices: Some(5) },
        };
        let key = SetKey { source: "frenchmedmcqa".to_owned(), task: Task::Mcqu };
        Predictions {
            sets: BTreeMap::from([(key, answers.iter().map(item).collect())]),
            open: super::super::OpenAnswers::default(),
        }
    }

    #[test]
    fn answers_are_paired_by_identifier_whatever_the_order() {
        let first = predictions(&[("q1", "A"), ("q2", "B"), ("q3", "B")]);
        let second = predictions(&[("q3", "A"), ("q2", "A"), ("q1", "B")]);
        let comparison = compare(&first, &second).unwrap();
        assert_eq!((comparison.sets[0].num_gained, comparison.sets[0].num_lost), (2, 1));
        assert!((comparison.aggregate.unwrap().exact_match - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_system_compared_with_itself_differs_by_nothing() {
        let first = predictions(&[("q1", "A"), ("q2", "B")]);
        let aggregate = compare(&first, &first).unwrap().aggregate.unwrap();
        assert!(aggregate.exact_match_interval.iter().all(|end| end.abs() < 1e-12));
        assert!(!aggregate.is_distinguishable());
    }

    #[test]
    fn a_question_that_one_lacks_is_named() {
        let (first, second) = (predictions(&[("q1", "A"), ("q2", "B")]), predictions(&[("q1", "A")]));
        assert!(compare(&first, &second).unwrap_err().to_string().contains("\"q2\""));
        assert!(compare(&second, &first).unwrap_err().to_string().contains("missing in the first"));
    }
}
