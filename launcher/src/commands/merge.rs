//! `merge`: a model with its adapter folded in.

use std::path::PathBuf;

use clap::Args;
use medinjection_launcher::Result;
use medinjection_launcher::adapter::find;
use medinjection_launcher::merge::merge;

use super::{model_folder, note};

/// Fold an adapter into its model, for tools that know no adapters.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Model folder, as transformers writes it, or org/name or org/name@revision in the Hugging Face cache
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// A run, or an adapter folder in PEFT's format
    #[arg(long, value_name = "DIR")]
    adapter: PathBuf,
    /// Folder of the merged model: new, empty, or one that holds nothing but a model
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace a model that was made from something else
    #[arg(long)]
    force: bool,
    /// Take the adapter of a run that is not completed
    #[arg(long)]
    allow_unfinished: bool,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let adapter = find(&arguments.adapter, arguments.allow_unfinished)?;
    let made = merge(&model_folder(&arguments.model)?, &adapter, &arguments.out, arguments.force)?;
    let out = arguments.out.display();
    note(&if made { format!("{out}: merged") } else { format!("{out}: up to date") });
    Ok(())
}
