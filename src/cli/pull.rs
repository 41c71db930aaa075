//! `medinjection pull`: brings a published data set, adapter or model back.

use std::path::PathBuf;

use super::hub_environment::access;
use super::hub_watcher::Watcher;
use super::{Outcome, Terminal};
use crate::hub::{Kind, PullRequest, pull};

/// Bring a published data set, adapter or model from the Hugging Face Hub; every file is compared with its manifest.
///
/// Honours the variables that `fetch` honours.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The repository.
    #[arg(value_name = "OWNER/NAME")]
    repository: String,
    /// Branch, tag or commit.
    #[arg(long, value_name = "REVISION", default_value = "main")]
    revision: String,
    /// The repository is an adapter's or a model's, not a data set's.
    #[arg(long, visible_alias = "model")]
    adapter: bool,
    /// Directory for the files.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// If the Hub does not give the files, or they are not those of the manifest.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let access = access(|name| std::env::var(name).ok())?;
    let request = PullRequest {
        kind: if args.adapter { Kind::Model } else { Kind::Dataset },
        repository: &args.repository,
        revision: Some(&args.revision),
        out: &args.out,
    };
    let pulled = pull(&request, &access, &mut Watcher::new(terminal))?;
    let (num_files, commit) = (pulled.files.len() + 1, &pulled.commit);
    let text = format!("{}: {num_files} files of {} at commit {commit}\n", args.out.display(), pulled.repository);
    terminal.result(&text, &pulled)?;
    Ok(Outcome::Done)
}
