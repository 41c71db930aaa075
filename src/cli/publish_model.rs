//! `medinjection publish adapter` and `publish model`: put what a run has made on the Hugging Face Hub.

use std::fmt::Write;
use std::path::PathBuf;

use super::hub_environment::access;
use super::hub_watcher::Watcher;
use super::publish::{Planned, Target, planned_text};
use super::{Outcome, Terminal};
use crate::hub::{Destination, Kind, publish};
use crate::report::{ModelPublication, ModelStatement};

/// Publish the adapter of a run that was evaluated: its two files in PEFT's format, a model card, what training logged, and a manifest.
#[derive(Debug, clap::Args)]
pub(super) struct AdapterArgs {
    /// The run.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    how: How,
}

/// Publish a model with the adapter of an evaluated run folded in, as `medinjection-launch merge` made it.
#[derive(Debug, clap::Args)]
pub(super) struct ModelArgs {
    /// The model: a folder in transformers' layout.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The run whose adapter was folded in.
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    how: How,
}

/// Where to, and what its owner says of it.
#[derive(Debug, clap::Args)]
struct How {
    #[command(flatten)]
    target: Target,
    /// The model that was fine-tuned, by its name on the Hub.
    #[arg(long, value_name = "OWNER/NAME")]
    base_model: String,
    /// Licence of what is published, which the base model and the training data have to allow.
    #[arg(long, value_name = "SPDX")]
    license: String,
    /// Only say what would be published; needs neither network nor token.
    #[arg(long)]
    dry_run: bool,
}

impl How {
    const fn statement(&self) -> ModelStatement<'_> {
        let Self { target, base_model, license, .. } = self;
        ModelStatement { repository: target.repo.as_str(), base_model: base_model.as_str(), license: license.as_str() }
    }
}

/// Runs `publish adapter`.
///
/// # Errors
/// If the run is not whole or was not evaluated, or the Hub does not take it.
pub(super) fn run_adapter(args: &AdapterArgs, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let publication = ModelPublication::adapter(&args.run, &args.how.statement())?;
    let kind = ("Publish the adapter with medinjection", "PeftModel.from_pretrained(base, ", &[][..]);
    send(&publication, &args.how, kind, terminal)
}

/// Runs `publish model`.
///
/// # Errors
/// As for [`run_adapter`], and if the model was not made of the run.
pub(super) fn run_model(args: &ModelArgs, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let publication = ModelPublication::merged(&args.folder, &args.run, &args.how.statement())?;
    // The parts of an earlier model's weights go.
    let kind = ("Publish the model with medinjection", "AutoModelForCausalLM.from_pretrained(", &["model"][..]);
    send(&publication, &args.how, kind, terminal)
}

fn send(
    publication: &ModelPublication,
    how: &How,
    (summary, loading, owned_prefixes): (&str, &str, &[&str]),
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let ModelPublication { files, card } = publication;
    let Target { repo, public, gated, tag, .. } = &how.target;
    if how.dry_run {
        let planned = Planned { repository: repo, files, num_bytes: publication.num_bytes(), card };
        terminal.result(&planned_text(&planned)?, &planned)?;
        return Ok(Outcome::Done);
    }
    let access = access(|name| std::env::var(name).ok())?;
    let destination = Destination {
        kind: Kind::Model,
        repository: repo,
        is_private: !public,
        is_gated: *gated,
        tag: tag.as_deref(),
        summary,
        owned_prefixes,
    };
    let published = publish(&destination, files, &access, &mut Watcher::new(terminal))?;
    let mut text = String::new();
    for (verb, paths) in
        [("sent", &published.sent), ("unchanged", &published.unchanged), ("deleted", &published.deleted)]
    {
        paths.iter().try_for_each(|path| writeln!(text, "{verb:<10} {path}"))?;
    }
    writeln!(text, "{} at commit {}", published.address, published.commit)?;
    writeln!(text, "{loading}\"{repo}\", revision=\"{}\")", published.commit)?;
    terminal.result(&text, &published)?;
    Ok(Outcome::Done)
}
