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

/// Files that go to one repository, and what is said of that.
pub(super) struct Shipment<'a> {
    pub(super) kind: Kind,
    pub(super) files: &'a [Outgoing],
    pub(super) card: &'a str,
    /// First line of the commit's message.
    pub(super) summary: &'a str,
    /// How whoever reads it begins, up to the repository's name.
    pub(super) loading: &'a str,
    /// Files of an earlier version that begin so go.
    pub(super) owned_prefixes: &'a [&'a str],
}

/// What would be published.
#[derive(Serialize)]
struct Planned<'a> {
    repository: &'a str,
    files: &'a [Outgoing],
    num_bytes: u64,
    card: &'a str,
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
    let Publication { files, card, .. } = Publication::new(&args.directory, &args.target.repo, &consent)?;
    let shipment = Shipment {
        kind: Kind::Dataset,
        files: &files,
        card: &card,
        summary: "Publish the data set with medinjection",
        loading: "load_dataset(",
        owned_prefixes: &PUBLISHED_PREFIXES,
    };
    send(&shipment, &args.target, args.dry_run, terminal)
}

/// Publishes a shipment, or says what would be published.
///
/// # Errors
/// If the Hub does not take it.
pub(super) fn send(
    shipment: &Shipment<'_>,
    target: &Target,
    is_dry: bool,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let Shipment { kind, files, card, summary, loading, owned_prefixes } = *shipment;
    if is_dry {
        let num_bytes = files.iter().map(|file| file.num_bytes).sum();
        let planned = Planned { repository: &target.repo, files, num_bytes, card };
        terminal.result(&planned_text(&planned)?, &planned)?;
        return Ok(Outcome::Done);
    }
    let access = access(|name| std::env::var(name).ok())?;
    let destination = Destination {
        kind,
        repository: &target.repo,
        is_private: !target.public,
        is_gated: target.gated,
        tag: target.tag.as_deref(),
        summary,
        owned_prefixes,
    };
    let published = publish(&destination, files, &access, &mut Watcher::new(terminal))?;
    terminal.result(&published_text(&published, loading)?, &published)?;
    Ok(Outcome::Done)
}

/// The files with their sizes, and the card.
fn planned_text(planned: &Planned<'_>) -> Result<String, std::fmt::Error> {
    let Planned { repository, files, num_bytes, card } = planned;
    let mut text = format!("{repository}: {} files, {num_bytes} bytes would be published\n", files.len());
    for file in *files {
        writeln!(text, "{:>15}  {}", file.num_bytes, file.path)?;
    }
    write!(text, "\nREADME.md:\n{card}")?;
    Ok(text)
}

fn published_text(published: &Published, loading: &str) -> Result<String, std::fmt::Error> {
    let Published { repository, address, commit, sent, unchanged, deleted, .. } = published;
    let mut text = String::new();
    for (verb, paths) in [("sent", sent), ("unchanged", unchanged), ("deleted", deleted)] {
        paths.iter().try_for_each(|path| writeln!(text, "{verb:<10} {path}"))?;
    }
    writeln!(text, "{address} at commit {commit}")?;
    writeln!(text, "{loading}\"{repository}\", revision=\"{commit}\")")?;
    Ok(text)
}
