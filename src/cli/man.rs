//! `man`, of both programs: manual pages, one of the program and one of each of its commands.

use std::path::PathBuf;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::{Arguments, Outcome, Terminal};
use crate::provenance::{check_output_file, write_atomic};
use crate::{Error, Result};

/// A date that is empty and yet holds its place: without the marks, what follows it would move there.
const NO_DATE: &str = "\"\"";

/// Write the manual pages of this program: its own, and one of each command.
///
/// They hold no date, so that the same version writes the same bytes. `man -l DIR/PAGE.1` shows one; in `~/.local/share/man/man1`
/// they are found by name.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory for the pages, created where it is missing. A file in it that has the name of a page is replaced, others stay.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Args {
    /// Writes the pages of `program`, each whole; gives their paths, sorted.
    ///
    /// # Errors
    /// [`Error::Format`] if something that is no file has the name of a page, [`Error::Io`] if a page cannot be written.
    pub fn write(&self, program: Command) -> Result<Vec<PathBuf>> {
        let mut program = program.disable_help_subcommand(true);
        // Gives the commands the names of their pages.
        program.build();
        let source = format!("{} {}", program.get_name(), program.get_version().unwrap_or_default());
        let mut pages = Vec::new();
        let mut waiting = vec![&program];
        while let Some(command) = waiting.pop() {
            waiting.extend(command.get_subcommands());
            let man = Man::new(command.clone()).date(NO_DATE).source(&source).manual("MedInjection-FR");
            let path = self.out.join(man.get_filename());
            check_output_file(&path, &[])?;
            let mut page = Vec::new();
            man.render(&mut page).map_err(Error::io(&path))?;
            pages.push((path, page));
        }
        pages.sort();
        for (path, page) in &pages {
            write_atomic(path, page)?;
        }
        Ok(pages.into_iter().map(|(path, _)| path).collect())
    }
}

/// Runs the command.
///
/// # Errors
/// If a page cannot be written.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let pages = args.write(Arguments::command())?;
    let lines: Vec<String> = pages.iter().map(|page| page.display().to_string()).collect();
    terminal.result(&lines.join("\n"), &lines)?;
    Ok(Outcome::Done)
}
