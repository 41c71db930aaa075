//! Where the commands write: results to stdout, messages to stderr.

use std::io::Write;

/// The terminal, or whatever stands in its place.
#[derive(Debug)]
pub struct Terminal {
    json: bool,
}

impl Terminal {
    /// A terminal whose results are JSON if `json`, text otherwise.
    #[must_use]
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether results are JSON.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a result to stdout: `value` as JSON where JSON was asked for, else `text`.
    ///
    /// # Errors
    /// An error of the operating system other than a reader that went away.
    pub fn result(&self, text: &str, value: &impl serde::Serialize) -> anyhow::Result<()> {
        let mut line = if self.json { serde_json::to_string_pretty(value)? } else { harmless(text) };
        if !line.ends_with('\n') {
            line.push('\n');
        }
        match std::io::stdout().lock().write_all(line.as_bytes()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    /// Prints a message to stderr.
    pub fn note(&self, message: &str) {
        // Nothing can be done where even stderr is gone.
        let _ = writeln!(std::io::stderr().lock(), "{}", harmless(message));
    }

    /// Prints an error with its causes to stderr.
    pub fn error(&self, error: &anyhow::Error) {
        self.note(&format!("error: {error:#}"));
    }
}

/// The text without what would command the terminal: names and identifiers in it may come from data.
fn harmless(text: &str) -> String {
    let commands = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    text.chars().map(|character| if commands(character) { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_commands_the_terminal() {
        assert_eq!(harmless("é\tid \u{1b}[2J\u{9b}31m\r\u{7f}x\n"), "é\tid  [2J 31m  x\n");
    }
}
