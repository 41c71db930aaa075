//! `completions`, of both programs: the script with which a shell completes their commands and options.

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Outcome, Terminal};

/// Print the script with which a shell completes the commands and options of this program.
///
/// It belongs in `~/.local/share/bash-completion/completions/PROGRAM` for bash, in a folder of `$fpath` as `_PROGRAM` for zsh, in
/// `~/.config/fish/completions/PROGRAM.fish` for fish.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    shell: Shell,
}

impl Args {
    /// The script that completes `program`.
    #[must_use]
    pub fn script(&self, mut program: Command) -> String {
        let name = program.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, &name, &mut script);
        // Some of its lines for bash spell a hyphen in the program's own name as they do one in a command's (clap_complete 4.6.11), so that
        // no option of a command would be completed.
        let (wrong, right) = (name.replace('-', "__subcmd__"), name.replace('-', "__"));
        String::from_utf8_lossy(&script).replace(&wrong, &right)
    }
}

/// Runs the command.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let script = args.script(Arguments::command());
    terminal.result(&script, &script)?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_has_a_script_that_the_terminal_leaves_as_it_is() {
        for shell in Shell::value_variants() {
            let script = Args { shell: *shell }.script(Arguments::command());
            let commands = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
            assert!(script.contains("validate") && !script.contains(commands), "{shell}");
        }
    }
}
