//! `medinjection fetch`: brings corpora from the Hugging Face Hub.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::hub_environment::access;
use super::hub_watcher::Watcher;
use super::{Outcome, Terminal};
use crate::Result;
use crate::build::{DeclaredSource, declared_sources};
use crate::hub::{Access, Fetched, Plan, Request, fetch};
use crate::source::{Source, find};

/// Bring corpora from the Hugging Face Hub, at the commits in DIR/sources.lock where they are pinned.
///
/// Each source has its own directory, `DIR/SOURCE`. Honours `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE` and
/// `HF_HUB_DOWNLOAD_TIMEOUT`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Sources, as `medinjection sources` names them; with --config, as it names them, or all that have a repository.
    #[arg(required_unless_present = "config", value_name = "SOURCE")]
    sources: Vec<String>,
    /// Configuration of a build, whose `hub_repository` and `revision` go before those of the sources.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory for the sources and for sources.lock.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Branch, tag or commit; needs a single SOURCE.
    #[arg(long, value_name = "REVISION")]
    revision: Option<String>,
    /// Another repository for a source.
    #[arg(long = "repository", value_name = "SOURCE=OWNER/NAME")]
    repositories: Vec<String>,
    /// Take the newest commit of the branch and pin it in place of the older one.
    #[arg(long)]
    update: bool,
    /// Only say what would be downloaded.
    #[arg(long)]
    dry_run: bool,
}

/// What became of the sources.
#[derive(Serialize)]
struct Report {
    sources: Vec<Fetched>,
    failed: Vec<Failure>,
}

/// A source that could not be fetched.
#[derive(Serialize)]
struct Failure {
    source: String,
    message: String,
}

/// Runs the command.
///
/// # Errors
/// If an option or a variable is wrong, or a source could not be fetched; the other ones are fetched all the same.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let wanted = wanted(args, terminal)?;
    anyhow::ensure!(
        args.revision.is_none() || wanted.len() == 1,
        "--revision: expected a single SOURCE, found {}; a revision is one repository's own",
        wanted.len()
    );
    let access = access(|name| std::env::var(name).ok())?;
    let repositories = repositories(args, &wanted)?;
    let mut report = Report { sources: Vec::new(), failed: Vec::new() };
    let mut watcher = Watcher::new(terminal);
    for source in &wanted {
        match fetch_one(args, source, repositories.get(source.name.as_str()).copied(), &access, &mut watcher) {
            Ok(fetched) => report.sources.push(fetched),
            Err(error) => {
                terminal.note(&format!("error: {error}"));
                report.failed.push(Failure { source: source.name.clone(), message: error.to_string() });
            }
        }
    }
    let mut text = if args.dry_run { planned_table(&report.sources)? } else { table(&report.sources)? };
    for failure in &report.failed {
        writeln!(text, "{:<18} not fetched", failure.source)?;
    }
    terminal.result(&text, &report)?;
    if report.failed.is_empty() {
        return Ok(Outcome::Done);
    }
    let names: Vec<&str> = report.failed.iter().map(|failure| failure.source.as_str()).collect();
    anyhow::bail!("{} of {} sources could not be fetched: {}", names.len(), wanted.len(), names.join(", "))
}

/// A source that is to be fetched.
struct Wanted {
    name: String,
    /// How it is read; not yet looked for where no configuration says.
    source: Option<Arc<dyn Source>>,
    repository: Option<String>,
    revision: Option<String>,
}

/// The sources that are named, or those of the configuration that are on the Hub.
fn wanted(args: &Args, terminal: &Terminal) -> anyhow::Result<Vec<Wanted>> {
    let Some(config) = &args.config else {
        let named = |name: &String| Wanted { name: name.clone(), source: None, repository: None, revision: None };
        return Ok(args.sources.iter().map(named).collect());
    };
    let declared = declared_sources(config)?;
    let is_declared = |name: &String| declared.iter().any(|source| source.source.info().name == *name);
    if let Some(name) = args.sources.iter().find(|name| !is_declared(name)) {
        anyhow::bail!("{}: expected a [[source]] with the name {name:?}, found none", config.display());
    }
    let mut wanted = Vec::new();
    for DeclaredSource { source, path, hub_repository, revision, .. } in declared {
        let info = source.info();
        let is_named = args.sources.contains(&info.name);
        if !is_named && !args.sources.is_empty() {
            continue;
        }
        if !is_named && hub_repository.is_none() && info.hub_repository.is_empty() {
            terminal.note(&format!("{}: no hub_repository, left alone", info.name));
            continue;
        }
        let destination = args.out.join(&info.name);
        if std::path::absolute(&destination)? != std::path::absolute(&path)? {
            let (goes, looks) = (destination.display(), path.display());
            terminal.note(&format!("{}: goes to {goes}; the configuration looks for it in {looks}", info.name));
        }
        wanted.push(Wanted { name: info.name.clone(), source: Some(source), repository: hub_repository, revision });
    }
    Ok(wanted)
}

fn fetch_one(
    args: &Args,
    wanted: &Wanted,
    repository: Option<&str>,
    access: &Access,
    watcher: &mut Watcher<'_>,
) -> Result<Fetched> {
    let source = match &wanted.source {
        Some(source) => Arc::clone(source),
        None => find(&wanted.name)?,
    };
    let request = Request {
        info: source.info(),
        repository: repository.or(wanted.repository.as_deref()),
        revision: args.revision.as_deref().or(wanted.revision.as_deref()),
        out: &args.out,
        update: args.update,
    };
    if args.dry_run {
        return Ok(Fetched { plan: Plan::new(&request, access, watcher)?, num_bytes_transferred: 0 });
    }
    fetch(&request, access, watcher)
}

/// The repositories that were named, by source.
fn repositories<'a>(args: &'a Args, wanted: &[Wanted]) -> anyhow::Result<BTreeMap<&'a str, &'a str>> {
    let mut repositories = BTreeMap::new();
    for text in &args.repositories {
        let named = text.split_once('=').filter(|(source, _)| wanted.iter().any(|wanted| wanted.name == *source));
        let Some((source, repository)) = named else {
            anyhow::bail!("--repository: expected SOURCE=OWNER/NAME with one of the sources named, found {text:?}")
        };
        repositories.insert(source, repository);
    }
    Ok(repositories)
}

fn table(sources: &[Fetched]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(
        text,
        "{:<18} {:<36} {:<12} {:>5} {:>15} {:>15}  licence",
        "source", "repository", "commit", "files", "bytes", "transferred"
    )?;
    for Fetched { plan, num_bytes_transferred } in sources {
        writeln!(
            text,
            "{:<18} {:<36} {:<12.12} {:>5} {:>15} {num_bytes_transferred:>15}  {}",
            plan.source,
            plan.repository,
            plan.commit,
            plan.files.len(),
            plan.num_bytes(),
            plan.license
        )?;
    }
    Ok(text)
}

fn planned_table(sources: &[Fetched]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for Fetched { plan, .. } in sources {
        let (source, repository, commit) = (&plan.source, &plan.repository, &plan.commit);
        writeln!(text, "{source}: {repository} at {commit}, licence {}", plan.license)?;
        for file in &plan.files {
            let state = format!("{:?}", file.state).to_lowercase();
            writeln!(text, "  {state:<8} {:>15}  {}", file.num_bytes, file.path)?;
        }
    }
    Ok(text)
}
