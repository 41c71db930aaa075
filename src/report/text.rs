//! Tables for the terminal.

use super::format::{percent, points};
use super::results::{Row, caveats, rows, verdict};
use super::run::Run;
use crate::metrics::{Interval, OpenScores, Scores};

/// The scores of one file of predictions: a row a source and task, and the aggregate.
#[must_use]
pub fn scores_table(scores: &Scores) -> String {
    let mut lines =
        vec![["source", "task", "questions", "chance", "exact match", "jaccard", "unparsed"].map(String::from)];
    for set in &scores.sets {
        lines.push([
            set.source.clone(),
            set.task.to_string(),
            set.num_records.to_string(),
            set.chance_exact_match.map(percent).unwrap_or_default(),
            bracketed(percent, set.exact_match, set.exact_match_interval),
            bracketed(percent, set.jaccard, set.jaccard_interval),
            set.num_unparsed.to_string(),
        ]);
    }
    if let Some(aggregate) = &scores.aggregate {
        lines.push([
            "aggregate".to_owned(),
            String::new(),
            aggregate.num_records.to_string(),
            aggregate.chance_exact_match.map(percent).unwrap_or_default(),
            bracketed(percent, aggregate.exact_match, aggregate.exact_match_interval),
            String::new(),
            String::new(),
        ]);
    }
    let mut text = aligned(&lines, 2);
    text.push_str("in percent, with 95 % bootstrap intervals\n");
    if scores.open.num_records > 0 {
        let (number, found) = (scores.open.num_records.to_string(), open_scores(&scores.open));
        text.push_str(&["open questions: ", &number, ", ", &found, "\n"].concat());
    }
    text
}

/// BLEU and chrF of open questions, and how many have no reference.
pub(super) fn open_scores(open: &OpenScores) -> String {
    let (Some(bleu), Some(chrf)) = (open.bleu, open.chrf) else { return "not scored: none has a reference".to_owned() };
    let without = open.num_records - open.num_with_reference;
    let rest = if without == 0 { String::new() } else { format!(" ({without} without reference)") };
    format!("BLEU {bleu:.1}, chrF {chrf:.1} against their references{rest}")
}

/// Base against tuned: a row a source and task for one run, a row a run for several.
#[must_use]
pub fn table(runs: &[Run]) -> String {
    let several = runs.len() > 1;
    let first = if several { ["run", "mixture"] } else { ["source", "task"] };
    let head = [first[0], first[1], "questions", "chance", "base", "tuned", "difference"].map(String::from);
    let mut lines = vec![head];
    for run in runs {
        let rows = rows(run);
        if several {
            lines.extend(rows.last().map(|row| line([run.name.clone(), run.mixture_name()], row)));
        } else {
            lines.extend(rows.iter().map(|row| {
                line([row.source.clone(), row.task.map_or("", crate::record::Task::as_str).to_owned()], row)
            }));
        }
    }
    let mut text = aligned(&lines, 2);
    text.push_str("exact match in percent, with 95 % bootstrap intervals; difference in points, paired by question\n");
    for run in runs {
        let name = if several { format!("{}: ", run.name) } else { String::new() };
        text.push_str(&[name.as_str(), &verdict(run), "\n"].concat());
    }
    for caveat in caveats(runs) {
        text.push_str(&["warning: ", &caveat, "\n"].concat());
    }
    text
}

fn line([first, second]: [String; 2], row: &Row) -> [String; 7] {
    [
        first,
        second,
        row.num_records.to_string(),
        row.chance.map(percent).unwrap_or_default(),
        bracketed(percent, row.base, row.base_interval),
        bracketed(percent, row.tuned, row.tuned_interval),
        bracketed(points, row.difference, row.difference_interval),
    ]
}

fn bracketed(number: fn(f64) -> String, value: f64, [low, high]: Interval) -> String {
    format!("{:>5} [{}, {}]", number(value), number(low), number(high))
}

/// Columns of equal width; from column `num_left` on, numbers: the head and the cells end at the same place.
fn aligned<const N: usize>(lines: &[[String; N]], num_left: usize) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for (column, cell) in line.iter().enumerate() {
            let padding = " ".repeat(widths[column] - cell.chars().count());
            let is_left = column < num_left || cell.ends_with(']') || (line == &lines[0] && width(column) > 12);
            let (before, after) = if is_left { ("", padding.as_str()) } else { (padding.as_str(), "") };
            row.push_str(&[before, cell, after, "  "].concat());
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_letters() {
        let lines = [["a", "n"], ["é−", "100"]].map(|line| line.map(String::from));
        assert_eq!(aligned(&lines, 1), "a     n\né−  100\n");
    }
}
