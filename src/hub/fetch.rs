//! Fetches one source: into the cache, then into `sources.lock`, then into its directory.
//!
//! In this order an interrupted fetch is gone on with by the next one, at the same commit, and a file in a source's
//! directory is always one that is pinned.

use std::path::Path;

use serde::Serialize;

use super::access::Access;
use super::cache::RepositoryCache;
use super::content::Hashes;
use super::download::{Downloader, cached};
use super::http::{Http, RemoteFile};
use super::kind::Kind;
use super::observer::Observer;
use super::place::place;
use super::plan::{FileState, Plan, PlannedFile, Request};
use super::sources_lock::{PinnedFile, PinnedSource, SourcesLock};
use super::trouble::Trouble;
use crate::provenance::sha256_file;
use crate::{Error, Result};

/// A source that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fetched {
    /// What was to be done.
    #[serde(flatten)]
    pub plan: Plan,
    /// Bytes that came over the network.
    pub num_bytes_transferred: u64,
}

/// Fetches one source.
///
/// # Errors
/// As for [`Plan::new`]; [`Error::Hub`] if a file cannot be had or is not what it has to be, [`Error::Io`] if it cannot be
/// written. What has arrived stays in the cache.
pub fn fetch(request: &Request<'_>, access: &Access, observer: &mut dyn Observer) -> Result<Fetched> {
    let mut plan = Plan::new(request, access, observer)?;
    let cache = RepositoryCache::new(&access.cache, Kind::Dataset, &plan.repository);
    let wanted = || plan.files.iter().filter(|file| file.state != FileState::Present);
    observer.begins(&plan.source, wanted().count(), wanted().map(|file| file.num_bytes).sum());
    let brought = bring(&mut plan, &cache, access, observer);
    observer.ends(&plan.source);
    let num_bytes_transferred = brought?;
    let lock = SourcesLock::read(request.out)?;
    let older = lock.get(&plan.source);
    let pinned = pinned(&plan);
    if plan.is_complete && older != Some(&pinned) {
        SourcesLock::pin(request.out, pinned)?;
    }
    let directory = request.out.join(&plan.source);
    for file in plan.files.iter().filter(|file| file.state != FileState::Present) {
        place(&cache.blob(&file.id), &directory.join(&file.destination))?;
    }
    if let Some(older) = older {
        remove_old(&directory, older, &plan)?;
    }
    Ok(Fetched { plan, num_bytes_transferred })
}

/// Brings what is not in its place into the cache, and fills the hashes in.
fn bring(plan: &mut Plan, cache: &RepositoryCache, access: &Access, observer: &mut dyn Observer) -> Result<u64> {
    let mut num_bytes_transferred = 0;
    for index in 0..plan.files.len() {
        let PlannedFile { path, num_bytes, id, sha256, state, .. } = plan.files[index].clone();
        if state == FileState::Present {
            continue;
        }
        let at = plan.place(&path);
        let file = RemoteFile { path, num_bytes, id };
        let found = bring_file(&file, plan, cache, access, &mut *observer);
        let (hashes, num_transferred) = found.map_err(|trouble| trouble.explain(&at, &plan.repository, access))?;
        if let Some(expected) = sha256.filter(|expected| *expected != hashes.sha256) {
            let message = format!("expected SHA-256 {expected} as in sources.lock, found {}", hashes.sha256);
            return Err(Error::Hub { place: at, message });
        }
        cache.record(&plan.revision, &plan.commit, &file.path, &file.id)?;
        plan.files[index].sha256 = Some(hashes.sha256);
        num_bytes_transferred += num_transferred;
    }
    Ok(num_bytes_transferred)
}

fn bring_file(
    file: &RemoteFile,
    plan: &Plan,
    cache: &RepositoryCache,
    access: &Access,
    observer: &mut dyn Observer,
) -> Result<(Hashes, u64), Trouble> {
    if access.offline {
        let hashes = cached(cache, &file.id)?;
        let missing = || Trouble::Unreachable("it is not in the cache, and HF_HUB_OFFLINE is set".to_owned());
        return Ok((hashes.ok_or_else(missing)?, 0));
    }
    let http = Http::new(access, Kind::Dataset, &plan.repository, &plan.commit)?;
    Downloader { access, http: &http, cache }.download(file, &plan.place(&file.path), observer)
}

fn pinned(plan: &Plan) -> PinnedSource {
    let file = |file: &PlannedFile| PinnedFile {
        path: file.path.clone(),
        destination: file.destination.clone(),
        num_bytes: file.num_bytes,
        sha256: file.sha256.clone().unwrap_or_default(),
        etag: file.id.digits().to_owned(),
    };
    PinnedSource {
        name: plan.source.clone(),
        repository: plan.repository.clone(),
        revision: plan.revision.clone(),
        commit: plan.commit.clone(),
        files: plan.files.iter().map(file).collect(),
    }
}

/// Removes files of an older commit that the newer one has not; what was changed here stays.
fn remove_old(directory: &Path, older: &PinnedSource, plan: &Plan) -> Result<()> {
    for file in &older.files {
        let path = directory.join(&file.destination);
        let is_wanted = plan.files.iter().any(|wanted| wanted.destination == file.destination);
        if !is_wanted && path.is_file() && sha256_file(&path)? == file.sha256 {
            std::fs::remove_file(&path).map_err(Error::io(&path))?;
        }
    }
    Ok(())
}
