//! `medinjection publish`: puts a data set, an adapter or a model on the Hugging Face Hub.

use std::fmt::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::hub_environment::access;
use super::hub_watcher::Watcher;
use super::{Outcome, Terminal, publish_model};
use crate::build::{Consent, PUBLISHED_PREFIXES, Publication};
use crate::hub::{Destination, Kind, Outgoing, Published, publish};
use crate::record::Reason;

/// Put a data set, an adapter or a model on the Hugging Face Hub, in one commit.
///
/// Honours `HF_ENDPOINT`, `HF_TOKEN` and the token file that `hf auth login` writes. Large files go through the Hub's Git LFS
/// interface; transfers through Xet are not used.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Dataset(DatasetArgs),
    Adapter(publish_model::AdapterArgs),
    Model(publish_model::ModelArgs),
}

/// Where to, and as what.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// The repository, which is made where it is missing.
    #[arg(long, value_name = "OWNER/NAME")]
    pub(super) repo: String,
    /// Make the repository one that everybody can see.
    #[arg(long, conflicts_with = "private")]
    pub(super) public: bool,
    /// Make the repository one that only its owner can see; so it is where nothing is said.
    #[arg(long)]
    private: bool,
    /// Who wants to read must ask its owner.
    #[arg(long)]
    pub(super) gated: bool,
    /// A name for this version.
    #[arg(long, value_name = "TAG")]
    pub(super) tag: Option<String>,
}

/// Publish a data set: its records, card, Croissant file and manifest; never what was rejected.
#[derive(Debug, clap::Args)]
struct DatasetArgs {
    /// The data set.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    target: Target,
    /// Publish English originals and seed documents too.
    #[arg(long)]
    with_originals: bool,
    /// Publish sources whose licence does not say that they may be passed on.
    #[arg(long)]
    allow_restricted: bool,
    /// Publish in spite of findings of this kind: `personal_data`.
    #[arg(long, value_name = "FINDING", value_parser = waivable)]
    waive: Vec<Reason>,
    /// Only say what would be published; needs neither network nor token.
    #[arg(long)]
    dry_run: bool,
}

/// What would be published.
#[derive(Serialize)]
pub(super) struct Planned<'a> {
    pub(super) repository: &'a str,
    pub(super) files: &'a [Outgoing],
    pub(super) num_bytes: u64,
    pub(super) card: &'a str,
}

fn waivable(text: &str) -> Result<Reason, String> {
    match text.parse() {
        Ok(Reason::PersonalData) => Ok(Reason::PersonalData),
        _ => Err(format!("expected {}, the one finding that stops a publication", Reason::PersonalData.as_str())),
    }
}

/// Runs the command.
///
/// # Errors
/// If the data set is not whole or may not be published, or the Hub does not take it.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let args = match &args.what {
        What::Dataset(args) => args,
        What::Adapter(args) => return publish_model::run_adapter(args, terminal),
        What::Model(args) => return publish_model::run_model(args, terminal),
    };
    let consent =
        Consent { with_originals: args.with_originals, allow_restricted: args.allow_restricted, waived: &args.waive };
    let publication = Publication::new(&args.directory, &args.target.repo, &consent)?;
    if args.dry_run {
        let Publication { files, card, .. } = &publication;
        let planned = Planned { repository: &args.target.repo, files, num_bytes: publication.num_bytes(), card };
        terminal.result(&planned_text(&planned)?, &planned)?;
        return Ok(Outcome::Done);
    }
    let access = access(|name| std::env::var(name).ok())?;
    let destination = Destination {
        kind: Kind::Dataset,
        repository: &args.target.repo,
        is_private: !args.target.public,
        is_gated: args.target.gated,
        tag: args.target.tag.as_deref(),
        summary: "Publish the data set with medinjection",
        owned_prefixes: &PUBLISHED_PREFIXES,
    };
    let published = publish(&destination, &publication.files, &access, &mut Watcher::new(terminal))?;
    terminal.result(&published_text(&published)?, &published)?;
    Ok(Outcome::Done)
}

/// The files with their sizes, and the card.
pub(super) fn planned_text(planned: &Planned<'_>) -> Result<String, std::fmt::Error> {
    let Planned { repository, files, num_bytes, card } = planned;
    let mut text = format!("{repository}: {} files, {num_bytes} bytes would be published\n", files.len());
    for file in *files {
        writeln!(text, "{:>15}  {}", file.num_bytes, file.path)?;
    }
    write!(text, "\nREADME.md:\n{card}")?;
    Ok(text)
}

fn published_text(published: &Published) -> Result<String, std::fmt::Error> {
    let Published { repository, address, commit, sent, unchanged, deleted, .. } = published;
    let mut text = String::new();
    for (verb, paths) in [("sent", sent), ("unchanged", unchanged), ("deleted", deleted)] {
        paths.iter().try_for_each(|path| writeln!(text, "{verb:<10} {path}"))?;
    }
    writeln!(text, "{address} at commit {commit}")?;
    writeln!(text, "load_dataset(\"{repository}\", revision=\"{commit}\")")?;
    Ok(text)
}
