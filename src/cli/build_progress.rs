//! How a build goes, on stderr: a bar a step where stderr is a terminal, a line at times where it is not.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

use super::Terminal;
use crate::build::{ExpectedRows, Observer, Step};

/// Between two lines where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(30);

/// Watches a build.
pub(super) struct Progress<'a> {
    terminal: &'a Terminal,
    is_shown: bool,
    current: Mutex<Option<Current>>,
}

/// The step that goes on.
struct Current {
    step: Step,
    expected: Option<ExpectedRows>,
    num_rows: u64,
    since: Instant,
    last_line: Instant,
    /// Hidden where stderr is no terminal.
    bar: ProgressBar,
}

impl<'a> Progress<'a> {
    /// Nothing is shown if `is_shown` is false.
    pub(super) const fn new(terminal: &'a Terminal, is_shown: bool) -> Self {
        Self { terminal, is_shown, current: Mutex::new(None) }
    }

    /// Ends the step that goes on; on a terminal a line of it stays.
    pub(super) fn end(&self) {
        let Some(current) = self.lock().take() else { return };
        let is_terminal = !current.bar.is_hidden();
        current.bar.finish_and_clear();
        if is_terminal {
            self.terminal.note(&current.ended());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(current) = self.lock().take() {
            current.bar.finish_and_clear();
        }
    }
}

impl Observer for Progress<'_> {
    fn begin(&self, step: Step, expected: Option<ExpectedRows>) {
        self.end();
        if self.is_shown {
            let now = Instant::now();
            let bar = bar(step, expected);
            *self.lock() = Some(Current { step, expected, num_rows: 0, since: now, last_line: now, bar });
        }
    }

    fn advance(&self, num_rows: u64) {
        let mut current = self.lock();
        let Some(current) = current.as_mut() else { return };
        current.num_rows += num_rows;
        // What was estimated can be surpassed.
        if current.bar.length().is_some_and(|length| length < current.num_rows) {
            current.bar.set_length(current.num_rows);
        }
        current.bar.set_position(current.num_rows);
        if current.bar.is_hidden() && current.last_line.elapsed() >= BETWEEN_LINES {
            current.last_line = Instant::now();
            self.terminal.note(&current.going_on());
        }
    }

    fn resumed(&self, step: Step) {
        if self.is_shown {
            self.terminal.note(&format!("{}: done by an earlier build that was interrupted", step.as_str()));
        }
    }
}

impl Current {
    fn ended(&self) -> String {
        let elapsed = self.since.elapsed();
        let name = self.step.as_str();
        if self.num_rows == 0 {
            return format!("{name}: {}", duration(elapsed));
        }
        let (rows, rate) = (HumanCount(self.num_rows), rate(self.num_rows, elapsed));
        format!("{name}: {rows} rows in {}, {rate}", duration(elapsed))
    }

    fn going_on(&self) -> String {
        let elapsed = self.since.elapsed();
        let mut line = format!("{}: {}", self.step.as_str(), HumanCount(self.num_rows));
        if let Some(expected) = self.expected.filter(|expected| expected.num_rows > self.num_rows) {
            // Writing to a string cannot fail.
            let remaining = elapsed.mul_f64(share(expected.num_rows - self.num_rows, self.num_rows));
            let about = if expected.is_estimate { "about " } else { "" };
            let total = HumanCount(expected.num_rows);
            let _ =
                write!(line, " of {about}{total} rows, {}, {} left", rate(self.num_rows, elapsed), duration(remaining));
        } else {
            let _ = write!(line, " rows, {}", rate(self.num_rows, elapsed));
        }
        line
    }
}

fn bar(step: Step, expected: Option<ExpectedRows>) -> ProgressBar {
    let Some(ExpectedRows { num_rows, is_estimate }) = expected else {
        let bar = ProgressBar::new_spinner().with_style(style("{prefix:26}{spinner} {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        return bar.with_prefix(step.as_str());
    };
    let of = if is_estimate { "of about" } else { "of" };
    let form = format!("{{prefix:26}}{{bar:24}} {{human_pos}} {of} {{human_len}} rows, {{rate}}, {{left}} left");
    let style = style(&form)
        .with_key("rate", |state: &ProgressState, text: &mut dyn Write| {
            let _ = text.write_str(&rate(state.pos(), state.elapsed()));
        })
        .with_key("left", |state: &ProgressState, text: &mut dyn Write| {
            let _ = text.write_str(&duration(state.eta()));
        });
    ProgressBar::new(num_rows).with_style(style.progress_chars("=> ")).with_prefix(step.as_str())
}

fn style(form: &str) -> ProgressStyle {
    ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn rate(num_rows: u64, elapsed: Duration) -> String {
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    format!("{} rows/s", HumanCount(num_rows.saturating_mul(1000) / milliseconds))
}

/// `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^53")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_from_what_is_done() {
        let since = Instant::now().checked_sub(Duration::from_secs(50)).unwrap();
        let expected = Some(ExpectedRows { num_rows: 4_000, is_estimate: true });
        let bar = ProgressBar::hidden();
        let current = Current { step: Step::Check, expected, num_rows: 1_000, since, last_line: since, bar };
        assert_eq!(current.going_on(), "read and check: 1,000 of about 4,000 rows, 20 rows/s, 2 min 30 s left");
        assert_eq!(current.ended(), "read and check: 1,000 rows in 50 s, 20 rows/s");
    }

    #[test]
    fn durations_have_their_unit() {
        for (seconds, text) in [(0, "0.0 s"), (59, "59 s"), (61, "1 min 1 s"), (7_500, "2 h 5 min")] {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }
}
