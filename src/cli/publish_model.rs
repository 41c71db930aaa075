//! `medinjection publish adapter` and `publish model`: put what a run has made on the Hugging Face Hub.

use std::path::PathBuf;

use super::publish::{Shipment, Target, send};
use super::{Outcome, Terminal};
use crate::hub::Kind;
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
    let ModelPublication { files, card } = ModelPublication::adapter(&args.run, &args.how.statement())?;
    let shipment = Shipment {
        kind: Kind::Model,
        files: &files,
        card: &card,
        summary: "Publish the adapter with medinjection",
        loading: "PeftModel.from_pretrained(base, ",
        owned_prefixes: &[],
    };
    send(&shipment, &args.how.target, args.how.dry_run, terminal)
}

/// Runs `publish model`.
///
/// # Errors
/// As for [`run_adapter`], and if the model was not made of the run.
pub(super) fn run_model(args: &ModelArgs, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let ModelPublication { files, card } = ModelPublication::merged(&args.folder, &args.run, &args.how.statement())?;
    let shipment = Shipment {
        kind: Kind::Model,
        files: &files,
        card: &card,
        summary: "Publish the model with medinjection",
        loading: "AutoModelForCausalLM.from_pretrained(",
        // The parts of an earlier model's weights go.
        owned_prefixes: &["model"],
    };
    send(&shipment, &args.how.target, args.how.dry_run, terminal)
}
