//! `medinjection sources`: lists the corpora that can be read.

use std::fmt::Write;

use serde::Serialize;

use super::{Outcome, Terminal};
use crate::source::{Redistribution, SourceInfo, sources};

/// List the corpora that `build` can read, with their licences and files.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// What is known of a source and what its licence means.
#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    info: SourceInfo,
    redistribution: Redistribution,
}

/// Runs the command.
///
/// # Errors
/// An error of the operating system while printing.
pub(super) fn run(_: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let listed = |info: &SourceInfo| Listed { info: info.clone(), redistribution: info.redistribution() };
    let sources: Vec<Listed> = sources().iter().map(|source| listed(source.info())).collect();
    let mut text = String::new();
    for Listed { info, redistribution } in &sources {
        writeln!(text, "{}", info.name)?;
        let optional =
            |name: &str, value: &str| if value.is_empty() { String::new() } else { format!("  {name:<8} {value}\n") };
        write!(text, "  gives    {}\n  licence  {} ({})\n", info.kind, info.license, redistribution.consequence())?;
        text.push_str(&optional("home", &info.homepage));
        text.push_str(&optional("hub", &info.hub_repository));
        text.push_str(&optional("obtain", &info.access));
        writeln!(text, "  files    {}\n  cite     {}", info.file_patterns.join(", "), info.citation)?;
    }
    terminal.result(&text, &sources)?;
    Ok(Outcome::Done)
}
