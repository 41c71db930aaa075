//! The loss curve.

use super::scale::Scale;
use crate::report::format::{concat, count};

/// More points than this are drawn without a dot each.
const MAX_DOTS: usize = 60;

/// Loss by optimizer step, of the training rows and, where there was any, of evaluations. Empty without training rows.
pub(in crate::report) fn loss(training: &[(u64, f64)], evaluations: &[(u64, f64)]) -> String {
    let (Some((first_step, first)), Some((last_step, last))) = (training.first(), training.last()) else {
        return String::new();
    };
    let all = || training.iter().chain(evaluations).map(|(_, loss)| *loss);
    let vertical = Scale::around(all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max), 5);
    let horizontal = Horizontal { first: *first_step, last: *last_step };
    let grid = vertical.ticks().into_iter().map(|(value, _)| {
        let y = 100.0 - vertical.place(value);
        format!("<line class=\"grid\" x1=\"0\" x2=\"100\" y1=\"{y:.2}\" y2=\"{y:.2}\"/>")
    });
    let words = vertical
        .ticks()
        .into_iter()
        .map(|(value, label)| format!("<span style=\"bottom:{:.2}%\">{label}</span>", vertical.place(value)));
    let mut drawing = concat(grid);
    drawing.push_str(&curve("tuned", training, &horizontal, &vertical));
    drawing.push_str(&curve("translated", evaluations, &horizontal, &vertical));
    let summary = format!(
        "Training loss from {first:.3} at step {first_step} to {last:.3} at step {last_step} ({}).",
        count(training.len() as u64, "logged step", "logged steps")
    );
    let legend = if evaluations.is_empty() {
        ""
    } else {
        "<ul class=\"legend\"><li><i class=\"tuned\"></i>training</li><li><i class=\"translated\"></i>validation</li></ul>"
    };
    format!(
        "<figure>{legend}<div class=\"plot\"><div class=\"left\" aria-hidden=\"true\">{}</div>\
         <svg viewBox=\"0 0 100 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{summary}\">{drawing}</svg>{}\
         <div class=\"title\" aria-hidden=\"true\">optimizer step</div></div><figcaption>{summary} Mean negative log-likelihood \
         per target token, in nats.</figcaption></figure>",
        concat(words),
        horizontal.axis()
    )
}

/// Steps from the first logged one to the last.
struct Horizontal {
    first: u64,
    last: u64,
}

impl Horizontal {
    #[expect(clippy::cast_precision_loss, reason = "a place in a drawing")]
    fn place(&self, step: u64) -> f64 {
        let length = self.last.saturating_sub(self.first).max(1) as f64;
        100.0 * step.saturating_sub(self.first) as f64 / length
    }

    fn axis(&self) -> String {
        let length = self.last.saturating_sub(self.first);
        let num_gaps = length.clamp(1, 7);
        let mut steps: Vec<u64> = (0..=num_gaps).map(|gap| self.first + length * gap / num_gaps).collect();
        steps.dedup();
        let last = steps.len() - 1;
        let words = steps.iter().enumerate().map(|(index, step)| {
            let class = if index == last && index > 0 {
                " class=\"last\""
            } else if index == 0 {
                " class=\"first\""
            } else {
                ""
            };
            format!("<span{class} style=\"left:{:.2}%\">{step}</span>", self.place(*step))
        });
        format!("<div class=\"axis\" aria-hidden=\"true\">{}</div>", concat(words))
    }
}

fn curve(class: &str, points: &[(u64, f64)], horizontal: &Horizontal, vertical: &Scale) -> String {
    let places: Vec<(f64, f64)> =
        points.iter().map(|(step, loss)| (horizontal.place(*step), 100.0 - vertical.place(*loss))).collect();
    let line: Vec<String> = places.iter().map(|(x, y)| format!("{x:.2},{y:.2}")).collect();
    let dot = |(x, y): &(f64, f64)| {
        format!("<line class=\"point\" x1=\"{x:.2}\" x2=\"{x:.2}\" y1=\"{y:.2}\" y2=\"{y:.2}\"/>")
    };
    let dots = if places.len() <= MAX_DOTS { concat(places.iter().map(dot)) } else { String::new() };
    format!("<g class=\"{class}\"><polyline class=\"curve\" points=\"{}\"/>{dots}</g>", line.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_step_is_no_drawing_and_one_step_is_a_dot() {
        assert_eq!(loss(&[], &[]), "");
        let drawing = loss(&[(1, 2.5)], &[]);
        assert!(drawing.contains("class=\"point\" x1=\"0.00\"") && !drawing.contains("NaN"), "{drawing}");
    }
}
