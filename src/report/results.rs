//! Base against tuned, as rows and as sentences; what page and terminal have in common.

use super::format::{count, percent, points, points_interval};
use super::run::{Run, RunState};
use crate::metrics::Interval;
use crate::record::Task;

/// Base against tuned on one source and task, or over all of them.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Name of the corpus, or `aggregate`.
    pub(super) source: String,
    /// Kind of question; `None` for the aggregate.
    pub(super) task: Option<Task>,
    pub(super) num_records: usize,
    pub(super) chance: Option<f64>,
    pub(super) base: f64,
    pub(super) base_interval: Interval,
    pub(super) tuned: f64,
    pub(super) tuned_interval: Interval,
    pub(super) difference: f64,
    pub(super) difference_interval: Interval,
}

/// Exact match of a run: a row a source and task, and the aggregate last where there is one.
pub(super) fn rows(run: &Run) -> Vec<Row> {
    let sets = run.base.sets.iter().zip(&run.tuned.sets).zip(&run.comparison.sets);
    let mut rows: Vec<Row> = sets
        .map(|((base, tuned), difference)| Row {
            source: base.source.clone(),
            task: Some(base.task),
            num_records: base.num_records,
            chance: base.chance_exact_match,
            base: base.exact_match,
            base_interval: base.exact_match_interval,
            tuned: tuned.exact_match,
            tuned_interval: tuned.exact_match_interval,
            difference: difference.exact_match,
            difference_interval: difference.exact_match_interval,
        })
        .collect();
    rows.extend(aggregate_row(run));
    rows
}

/// The aggregate of a run.
pub(super) fn aggregate_row(run: &Run) -> Option<Row> {
    let base = run.base.aggregate.as_ref()?;
    let tuned = run.tuned.aggregate.as_ref()?;
    let difference = run.comparison.aggregate.as_ref()?;
    Some(Row {
        source: "aggregate".to_owned(),
        task: None,
        num_records: base.num_records,
        chance: base.chance_exact_match,
        base: base.exact_match,
        base_interval: base.exact_match_interval,
        tuned: tuned.exact_match,
        tuned_interval: tuned.exact_match_interval,
        difference: difference.exact_match,
        difference_interval: difference.exact_match_interval,
    })
}

/// One plain sentence on whether the difference can be told from zero.
pub(super) fn verdict(run: &Run) -> String {
    let (Some(row), Some(difference)) = (aggregate_row(run), &run.comparison.aggregate) else {
        return "There is no multiple-choice question among the predictions: nothing was scored.".to_owned();
    };
    let questions = count(row.num_records as u64, "question", "questions");
    let change = format!(
        "aggregated exact match went from {} % to {} % on {questions}: {} points, 95 % interval {}",
        percent(row.base),
        percent(row.tuned),
        points(row.difference),
        points_interval(row.difference_interval)
    );
    if difference.is_distinguishable() {
        let direction = if row.difference > 0.0 { "better" } else { "worse" };
        format!("The tuned model is {direction} than the base model: {change}, which leaves out zero.")
    } else {
        format!("The difference cannot be told from zero: {change}, which holds zero.")
    }
}

/// What a reader must know before believing the numbers.
pub(super) fn caveats(runs: &[Run]) -> Vec<String> {
    let mut caveats = Vec::new();
    for run in runs {
        if run.is_random_model() {
            caveats.push(format!(
                "{}: the model {} has random weights; its scores mean nothing and only show that the chain runs",
                run.name,
                run.model_name()
            ));
        }
        if run.status.state != RunState::Completed {
            caveats.push(format!(
                "{}: training {}; the scores are of an unfinished run",
                run.name,
                run.status.ending()
            ));
        }
    }
    for run in runs {
        if let Some(damage) = run.damaged_metrics() {
            caveats.push(format!(
                "{}: metrics.jsonl is not whole: {damage}; the losses shown are not the run's",
                run.name
            ));
        }
    }
    if runs.iter().any(|run| run.questions != runs[0].questions) {
        caveats.push("the runs did not answer the same questions; their scores cannot be compared".to_owned());
    }
    if runs.iter().any(|run| run.base.predictions != runs[0].base.predictions) {
        caveats.push("the runs do not share one base model's answers; compare differences with care".to_owned());
    }
    caveats
}
