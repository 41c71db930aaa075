//! What a mixture is made of.

use crate::mixture::SplitSummary;
use crate::record::Origin;
use crate::report::format::{escape, grouped, percent};

/// One bar, a piece an origin, and its legend. Empty for an empty split.
pub(in crate::report) fn mixture(split: &SplitSummary) -> String {
    if split.num_records == 0 {
        return String::new();
    }
    let mut x = 0.0;
    let (mut bar, mut legend, mut words) = (Vec::new(), Vec::new(), Vec::new());
    for origin in Origin::ALL {
        let of_origin = split.composition.iter().filter(|share| share.origin == *origin);
        let num_records: u64 = of_origin.map(|share| share.num_records).sum();
        if num_records == 0 {
            continue;
        }
        let share = share(num_records, split.num_records);
        let text = format!("{origin}: {} records, {} %", grouped(num_records), percent(share));
        let width = 100.0 * share;
        bar.push(format!(
            "<rect class=\"{origin}\" x=\"{x:.3}\" y=\"0\" width=\"{width:.3}\" height=\"10\"><title>{text}</title></rect>"
        ));
        legend.push(format!("<li><i class=\"bar {origin}\"></i>{text}</li>"));
        words.push(text);
        x += width;
    }
    format!(
        "<figure><ul class=\"legend\">{legend}</ul><svg class=\"stack\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" \
         role=\"img\" aria-label=\"{}\">{bar}</svg></figure>",
        escape(&words.join("; ")),
        legend = legend.concat(),
        bar = bar.concat()
    )
}

#[expect(clippy::cast_precision_loss, reason = "a width in a drawing")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
