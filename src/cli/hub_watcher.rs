//! How a transfer from or to the Hub is shown.

use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use super::Terminal;
use crate::hub::Observer;

/// Shows how a transfer goes: a bar where stderr is a terminal, else a line where there is something to say.
pub(super) struct Watcher<'a> {
    terminal: &'a Terminal,
    bar: ProgressBar,
}

impl<'a> Watcher<'a> {
    /// Nothing is shown yet.
    pub(super) fn new(terminal: &'a Terminal) -> Self {
        Self { terminal, bar: ProgressBar::hidden() }
    }

    fn say(&self, message: &str) {
        self.bar.suspend(|| self.terminal.note(message));
    }
}

impl Observer for Watcher<'_> {
    fn begins(&mut self, source: &str, num_files: usize, num_bytes: u64) {
        if num_files == 0 {
            return self.say(&format!("{source}: up to date"));
        }
        self.say(&format!("{source}: {num_files} files, {}", HumanBytes(num_bytes)));
        let form = "{prefix} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}";
        let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar = ProgressBar::new(num_bytes).with_style(style).with_prefix(source.to_owned());
    }

    fn arrived(&mut self, file: &str, num_bytes: u64) {
        self.bar.set_message(file.to_owned());
        self.bar.inc(num_bytes);
    }

    fn lost(&mut self, _: &str, num_bytes: u64) {
        self.bar.dec(num_bytes);
    }

    fn waiting(&mut self, place: &str, delay: Duration, cause: &str) {
        self.say(&format!("{place}: {cause}; next attempt in {:.1} s", delay.as_secs_f64()));
    }

    fn ends(&mut self, _: &str) {
        self.bar.finish_and_clear();
    }

    fn note(&mut self, message: &str) {
        self.say(message);
    }
}
