//! Scores and differences with their intervals, a line each.

use super::scale::Scale;
use crate::metrics::Interval;
use crate::report::format::{concat, escape, percent, percent_interval, points, points_interval};
use crate::report::results::Row;

/// Exact match of base and tuned model, a line a row.
pub(in crate::report) fn forest(rows: &[Row]) -> String {
    let highest = rows.iter().flat_map(|row| [row.base_interval[1], row.tuned_interval[1]]).fold(0.2, f64::max);
    let scale = Scale::around(0.0, 100.0 * highest, 5);
    let lines = rows.iter().map(|row| {
        let chance = row.chance.map(|chance| vertical("chance", scale.place(100.0 * chance))).unwrap_or_default();
        let base = whisker(&scale, "base", 32, row.base, row.base_interval);
        let tuned = whisker(&scale, "tuned", 68, row.tuned, row.tuned_interval);
        let label = format!(
            "{}: base {} %, {}; tuned {} %, {}",
            name_text(row),
            percent(row.base),
            percent_interval(row.base_interval),
            percent(row.tuned),
            percent_interval(row.tuned_interval)
        );
        format!("{}{}", name(row), track(&label, &format!("{}{chance}{base}{tuned}", scale.vertical_grid())))
    });
    format!(
        "<figure><ul class=\"legend\"><li><i class=\"base\"></i>base</li><li><i class=\"tuned\"></i>tuned</li>\
         <li><i class=\"tick\"></i>uniform guessing</li></ul><div class=\"forest\">{}<div class=\"corner\"></div>{}</div>\
         <figcaption>Exact match in percent; the bars are 95 % bootstrap intervals over the questions.</figcaption></figure>",
        concat(lines),
        scale.axis(" %")
    )
}

/// Differences of several runs, a line a run.
pub(in crate::report) fn differences(rows: &[Row]) -> String {
    let ends = || rows.iter().flat_map(|row| row.difference_interval);
    let scale = Scale::around(100.0 * ends().fold(-0.02, f64::min), 100.0 * ends().fold(0.02, f64::max), 6);
    let lines = rows.iter().map(|row| {
        let zero = vertical("zero", scale.place(0.0));
        let mark = whisker(&scale, "tuned", 50, row.difference, row.difference_interval);
        let interval = points_interval(row.difference_interval);
        let label = format!("{}: {} points, {interval}", name_text(row), points(row.difference));
        format!("{}{}", name(row), track(&label, &format!("{}{zero}{mark}", scale.vertical_grid())))
    });
    format!(
        "<figure><div class=\"forest\">{}<div class=\"corner\"></div>{}</div><figcaption>Aggregated exact match, tuned minus \
         base, in points; the bars are 95 % paired bootstrap intervals over the questions.</figcaption></figure>",
        concat(lines),
        scale.axis("")
    )
}

fn name_text(row: &Row) -> String {
    row.task.map_or_else(|| row.source.clone(), |task| format!("{} {task}", row.source))
}

fn name(row: &Row) -> String {
    let (class, task) = match row.task {
        Some(task) => ("", format!("{task}, ")),
        None => (" total", String::new()),
    };
    format!(
        "<div class=\"name{class}\">{}<small>{task}{} questions</small></div>",
        escape(&row.source),
        row.num_records
    )
}

fn track(label: &str, drawing: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 100 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">{drawing}</svg>",
        escape(label)
    )
}

fn vertical(class: &str, x: f64) -> String {
    format!("<line class=\"{class}\" x1=\"{x:.2}\" x2=\"{x:.2}\" y1=\"0\" y2=\"100\"/>")
}

/// A dot, which is a line of no length, on its interval.
fn whisker(scale: &Scale, class: &str, y: u32, value: f64, interval: Interval) -> String {
    let [low, high] = interval.map(|end| scale.place(100.0 * end));
    let x = scale.place(100.0 * value);
    format!(
        "<g class=\"{class}\"><line class=\"interval\" x1=\"{low:.2}\" x2=\"{high:.2}\" y1=\"{y}\" y2=\"{y}\"/>\
         <line class=\"dot\" x1=\"{x:.2}\" x2=\"{x:.2}\" y1=\"{y}\" y2=\"{y}\"/></g>"
    )
}
