//! Axes: from values to places, and the round numbers to write beside them.

use crate::report::format::concat;

/// A stretch of numbers that begins and ends on a tick.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    /// The scale around `low` to `high`, with about `num_ticks` ticks at 1, 2 or 5 times a power of ten.
    pub(super) fn around(low: f64, high: f64, num_ticks: u32) -> Self {
        let spread = if high > low { high - low } else { low.abs().max(1.0) };
        let rough = spread / f64::from(num_ticks);
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(10.0 * power);
        let low = (low / step + 1e-9).floor() * step;
        let high = (high / step - 1e-9).ceil() * step;
        Self { low, high: if high > low { high } else { low + step }, step }
    }

    /// Place of `value`, in percent of the stretch.
    pub(super) fn place(&self, value: f64) -> f64 {
        100.0 * (value - self.low) / (self.high - self.low)
    }

    /// The ticks, ascending, with as many decimals as tell them apart.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let mut ticks = Vec::new();
        for index in 0_u32.. {
            let value = self.low + f64::from(index) * self.step;
            if value > self.high + self.step / 2.0 {
                break;
            }
            ticks.push((value, self.label(value)));
        }
        ticks
    }

    fn label(&self, value: f64) -> String {
        let decimals = (0..6).find(|decimals| {
            let scaled = self.step * 10_f64.powi(*decimals);
            (scaled - scaled.round()).abs() < 1e-6
        });
        let places = usize::try_from(decimals.unwrap_or(6)).unwrap_or(6);
        let text = format!("{value:.places$}");
        if text.trim_start_matches('-').chars().all(|digit| matches!(digit, '0' | '.')) {
            return text.trim_start_matches('-').to_owned();
        }
        text.replace('-', "−")
    }

    /// The words under a horizontal axis.
    pub(super) fn axis(&self, unit: &str) -> String {
        let ticks = self.ticks();
        let last = ticks.len() - 1;
        let words = ticks.iter().enumerate().map(|(index, (value, label))| {
            let class = match index {
                0 => " class=\"first\"",
                index if index == last => " class=\"last\"",
                _ => "",
            };
            format!("<span{class} style=\"left:{:.2}%\">{label}{unit}</span>", self.place(*value))
        });
        format!("<div class=\"axis\" aria-hidden=\"true\">{}</div>", concat(words))
    }

    /// Vertical lines at the ticks, in a drawing of 100 by 100.
    pub(super) fn vertical_grid(&self) -> String {
        let line = |(value, _): (f64, String)| {
            let x = self.place(value);
            format!("<line class=\"grid\" x1=\"{x:.2}\" x2=\"{x:.2}\" y1=\"0\" y2=\"100\"/>")
        };
        concat(self.ticks().into_iter().map(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_the_values() {
        let labels = |low, high| -> Vec<String> {
            Scale::around(low, high, 5).ticks().into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(0.0, 53.0), ["0", "20", "40", "60"]);
        assert_eq!(labels(1.43, 2.21), ["1.4", "1.6", "1.8", "2.0", "2.2", "2.4"]);
        assert_eq!(labels(-0.4, 0.4), ["−0.4", "−0.2", "0.0", "0.2", "0.4"]);
        assert_eq!(labels(0.0, 0.0), ["0.0", "0.2"]);
    }

    proptest::proptest! {
        #[test]
        fn every_value_has_its_place(low in -1e6_f64..1e6, spread in 0.0_f64..1e6) {
            let scale = Scale::around(low, low + spread, 5);
            for value in [low, low + spread] {
                let place = scale.place(value);
                proptest::prop_assert!((-1e-3..=100.001).contains(&place), "{place}");
            }
            proptest::prop_assert!(scale.ticks().len() <= 12);
        }
    }
}
