//! `medinjection sources`: lists the corpora that can be read.

use std::fmt::Write;

use super::{Outcome, Terminal};
use crate::source::{SOURCES, SourceInfo};

/// List the corpora that `build` can read, with their licences and files.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs the command.
///
/// # Errors
/// An error of the operating system while printing.
pub(super) fn run(_: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let sources: Vec<&SourceInfo> = SOURCES.iter().map(|source| source.info()).collect();
    let mut text = String::new();
    for source in &sources {
        writeln!(text, "{}", source.name)?;
        writeln!(text, "  origin   {}\n  licence  {}\n  home     {}", source.origin, source.license, source.homepage)?;
        if !source.hub_repository.is_empty() {
            writeln!(text, "  hub      {}", source.hub_repository)?;
        }
        writeln!(text, "  files    {}\n  cite     {}", source.file_patterns.join(", "), source.citation)?;
    }
    terminal.result(&text, &sources)?;
    Ok(Outcome::Done)
}
