//! `medinjection publish adapter`: puts a trained adapter on the Hugging Face Hub.

use std::fmt::Write;
use std::path::PathBuf;

use super::hub_environment::access;
use super::hub_watcher::Watcher;
use super::publish::{Planned, Target, planned_text};
use super::{Outcome, Terminal};
use crate::hub::{Destination, Kind, publish};
use crate::report::{AdapterPublication, AdapterStatement};

/// Publish the adapter of a run that was evaluated: its two files in PEFT's format, a model card and a manifest.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    target: Target,
    /// The model that it is an adapter of, by its name on the Hub.
    #[arg(long, value_name = "OWNER/NAME")]
    base_model: String,
    /// Licence of the adapter, which the base model and the training data have to allow.
    #[arg(long, value_name = "SPDX")]
    license: String,
    /// Only say what would be published; needs neither network nor token.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// If the run is not whole or was not evaluated, or the Hub does not take it.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let statement =
        AdapterStatement { repository: &args.target.repo, base_model: &args.base_model, license: &args.license };
    let publication = AdapterPublication::new(&args.run, &statement)?;
    let AdapterPublication { files, card } = &publication;
    if args.dry_run {
        let planned = Planned { repository: &args.target.repo, files, num_bytes: publication.num_bytes(), card };
        terminal.result(&planned_text(&planned)?, &planned)?;
        return Ok(Outcome::Done);
    }
    let access = access(|name| std::env::var(name).ok())?;
    let destination = Destination {
        kind: Kind::Model,
        repository: &args.target.repo,
        is_private: !args.target.public,
        is_gated: args.target.gated,
        tag: args.target.tag.as_deref(),
        summary: "Publish the adapter with medinjection",
        owned_prefixes: &[],
    };
    let published = publish(&destination, files, &access, &mut Watcher::new(terminal))?;
    let mut text = String::new();
    for (verb, paths) in [("sent", &published.sent), ("unchanged", &published.unchanged)] {
        paths.iter().try_for_each(|path| writeln!(text, "{verb:<10} {path}"))?;
    }
    writeln!(text, "{} at commit {}", published.address, published.commit)?;
    writeln!(text, "PeftModel.from_pretrained(base, \"{}\", revision=\"{}\")", args.target.repo, published.commit)?;
    terminal.result(&text, &published)?;
    Ok(Outcome::Done)
}
