//! `medinjection publish adapter`: puts a trained adapter on the Hugging Face Hub.

use std::fmt::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::hub_environment::access;
use super::hub_watcher::Watcher;
use super::{Outcome, Terminal};
use crate::hub::{Destination, Kind, Outgoing, publish};
use crate::report::{AdapterPublication, AdapterStatement};

/// Publish the adapter of a run that was evaluated: its two files in PEFT's format, a model card and a manifest.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The repository, which is made where it is missing.
    #[arg(long, value_name = "OWNER/NAME")]
    repo: String,
    /// The model that it is an adapter of, by its name on the Hub.
    #[arg(long, value_name = "OWNER/NAME")]
    base_model: String,
    /// Licence of the adapter, which the base model and the training data have to allow.
    #[arg(long, value_name = "SPDX")]
    license: String,
    /// Make the repository one that everybody can see.
    #[arg(long, conflicts_with = "private")]
    public: bool,
    /// Make the repository one that only its owner can see; so it is where nothing is said.
    #[arg(long)]
    private: bool,
    /// Who wants to read must ask its owner.
    #[arg(long)]
    gated: bool,
    /// A name for this version.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Only say what would be published; needs neither network nor token.
    #[arg(long)]
    dry_run: bool,
}

/// What would be published.
#[derive(Serialize)]
struct Planned<'a> {
    repository: &'a str,
    files: &'a [Outgoing],
    num_bytes: u64,
    card: &'a str,
}

/// Runs the command.
///
/// # Errors
/// If the run is not whole or was not evaluated, or the Hub does not take it.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let statement = AdapterStatement { repository: &args.repo, base_model: &args.base_model, license: &args.license };
    let publication = AdapterPublication::new(&args.run, &statement)?;
    let AdapterPublication { files, card } = &publication;
    if args.dry_run {
        let planned = Planned { repository: &args.repo, files, num_bytes: publication.num_bytes(), card };
        terminal.result(&planned_text(&planned)?, &planned)?;
        return Ok(Outcome::Done);
    }
    let access = access(|name| std::env::var(name).ok())?;
    let destination = Destination {
        kind: Kind::Model,
        repository: &args.repo,
        is_private: !args.public,
        is_gated: args.gated,
        tag: args.tag.as_deref(),
        summary: "Publish the adapter with medinjection",
        owned_prefixes: &[],
    };
    let published = publish(&destination, files, &access, &mut Watcher::new(terminal))?;
    let mut text = String::new();
    for (verb, paths) in [("sent", &published.sent), ("unchanged", &published.unchanged)] {
        paths.iter().try_for_each(|path| writeln!(text, "{verb:<10} {path}"))?;
    }
    writeln!(text, "{} at commit {}", published.address, published.commit)?;
    writeln!(text, "PeftModel.from_pretrained(base, \"{}\", revision=\"{}\")", args.repo, published.commit)?;
    terminal.result(&text, &published)?;
    Ok(Outcome::Done)
}

fn planned_text(planned: &Planned<'_>) -> Result<String, std::fmt::Error> {
    let Planned { repository, files, num_bytes, card } = planned;
    let mut text = format!("{repository}: {} files, {num_bytes} bytes would be published\n", files.len());
    for file in *files {
        writeln!(text, "{:>15}  {}", file.num_bytes, file.path)?;
    }
    write!(text, "\nREADME.md:\n{card}")?;
    Ok(text)
}
