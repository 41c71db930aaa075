//! What is to be fetched: which files of which commit, and which of them are there already.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::access::Access;
use super::cache::RepositoryCache;
use super::content::{ContentId, hash_file};
use super::http::{Http, RemoteFile};
use super::kind::Kind;
use super::observer::Observer;
use super::repository::{Listing, listing};
use super::retry::with_patience;
use super::select::{Selected, select};
use super::sources_lock::{PinnedSource, SourcesLock};
use super::trouble::Trouble;
use crate::source::SourceInfo;
use crate::{Error, Result};

/// The branch that is taken where none is named.
const DEFAULT_REVISION: &str = "main";

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The source.
    pub info: &'a SourceInfo,
    /// Repository (`owner/name`), where it is not the source's own.
    pub repository: Option<&'a str>,
    /// Branch, tag or commit; the pinned one, or the branch `main`, where it is not given.
    pub revision: Option<&'a str>,
    /// The directory in which each source has its own, and `sources.lock` lies.
    pub out: &'a Path,
    /// Whether a newer commit than the pinned one is taken.
    pub update: bool,
}

/// Where a file is before anything is downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// In the directory of the source.
    Present,
    /// In the cache.
    Cached,
    /// On the Hub only.
    Missing,
}

/// One file that a source reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedFile {
    /// Path in the repository.
    pub path: String,
    /// Path in the directory of the source.
    pub destination: String,
    /// Its size.
    pub num_bytes: u64,
    /// SHA-256 of its content, where it is pinned or there.
    pub sha256: Option<String>,
    /// Where it is.
    pub state: FileState,
    #[serde(skip)]
    pub(super) id: ContentId,
}

/// The files of a source at one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Name of the source.
    pub source: String,
    /// Repository on the Hub.
    pub repository: String,
    /// The branch, tag or commit that was asked for.
    pub revision: String,
    /// The commit that it is at.
    pub commit: String,
    /// Licence of the source.
    pub license: String,
    /// The files, in the order of their destinations.
    pub files: Vec<PlannedFile>,
    /// Whether the Hub itself has said which files there are, now or when they were pinned; the cache may lack some.
    pub is_complete: bool,
}

impl Plan {
    /// Finds out what is to be fetched; nothing is written.
    ///
    /// # Errors
    /// [`Error::Hub`] if the source is not on the Hub or the Hub does not answer; [`Error::Config`] if the repository's name
    /// is none, or something else is pinned than asked for; [`Error::Format`] if a file that is there has another content.
    pub fn new(request: &Request<'_>, access: &Access, observer: &mut dyn Observer) -> Result<Self> {
        let repository = repository(request)?;
        let lock = SourcesLock::read(request.out)?;
        let cache = RepositoryCache::new(&access.cache, Kind::Dataset, &repository);
        let planner = Planner { request, access, repository, cache };
        let pinned = lock.get(planner.name());
        let mut plan = match pinned.filter(|_| !request.update) {
            Some(pinned) => planner.pinned(pinned)?,
            None => planner.resolved(observer)?,
        };
        for file in &mut plan.files {
            planner.look(file, pinned)?;
        }
        Ok(plan)
    }

    /// Bytes of all files.
    #[must_use]
    pub fn num_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.num_bytes).sum()
    }

    /// What messages about a file begin with.
    pub(super) fn place(&self, path: &str) -> String {
        place(&self.source, &self.repository, path)
    }
}

fn place(source: &str, repository: &str, path: &str) -> String {
    format!("{source}, {repository}, {path}")
}

/// The repository of a source, or how the source can be obtained.
fn repository(request: &Request<'_>) -> Result<String> {
    let SourceInfo { name: source, license, homepage, hub_repository, file_patterns, access, .. } = request.info;
    let name = request.repository.unwrap_or(hub_repository);
    if name.is_empty() {
        let directory = request.out.join(source);
        let message = format!(
            "it cannot be downloaded. {access}{}{homepage} (licence: {license}); put its files, named like {}, into {}",
            if access.is_empty() { "" } else { " " },
            file_patterns.join(", "),
            directory.display()
        );
        return Err(Error::Hub { place: source.clone(), message });
    }
    let is_name = |part: &str| {
        let letters = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        letters && !part.is_empty() && !part.starts_with('.')
    };
    match name.split_once('/') {
        Some((owner, repository)) if is_name(owner) && is_name(repository) => Ok(name.to_owned()),
        _ => Err(Error::config("repository", format!("expected OWNER/NAME, found {name:?}"))),
    }
}

/// Makes a plan.
struct Planner<'a> {
    request: &'a Request<'a>,
    access: &'a Access,
    repository: String,
    cache: RepositoryCache,
}

impl Planner<'_> {
    fn name(&self) -> &str {
        let SourceInfo { name, .. } = self.request.info;
        name
    }

    fn pinned(&self, pinned: &PinnedSource) -> Result<Plan> {
        let agrees = |key: &str, pinned: &str, asked: &str| {
            if pinned == asked {
                return Ok(());
            }
            let message =
                format!("expected {pinned} as in sources.lock, found {asked}; --update replaces what is pinned");
            Err(Error::config(key, message))
        };
        agrees("repository", &pinned.repository, &self.repository)?;
        if let Some(revision) = self.request.revision.filter(|revision| *revision != pinned.commit) {
            agrees("revision", &pinned.revision, revision)?;
        }
        let files = pinned.files.iter().filter_map(|file| {
            Some(PlannedFile {
                path: file.path.clone(),
                destination: file.destination.clone(),
                num_bytes: file.num_bytes,
                sha256: Some(file.sha256.clone()),
                state: FileState::Missing,
                id: ContentId::parse(&file.etag)?,
            })
        });
        Ok(self.plan(&pinned.revision, &pinned.commit, files.collect(), true))
    }

    /// Asks the Hub, or the cache where there is no network.
    fn resolved(&self, observer: &mut dyn Observer) -> Result<Plan> {
        let revision = self.request.revision.unwrap_or(DEFAULT_REVISION);
        let place = place(self.name(), &self.repository, &format!("revision {revision}"));
        let offline = || Trouble::Unreachable("HF_HUB_OFFLINE is set".to_owned());
        let answer = if self.access.offline {
            Err(offline())
        } else {
            with_patience(self.access, &place, observer, || listing(self.access, &self.repository, revision))
        };
        let commit = self.cache.commit(revision);
        match (answer, commit) {
            (Ok(listing), _) => self.described(revision, &listing, observer),
            (Err(trouble @ (Trouble::Unreachable(_) | Trouble::Interrupted(_))), Some(commit)) => {
                observer
                    .note(&format!("{place}: {}; what the cache has of commit {commit} is used", trouble.summary()));
                self.cached(revision, &commit)
            }
            (Err(trouble), _) => Err(trouble.explain(&place, &self.repository, self.access)),
        }
    }

    fn described(&self, revision: &str, listing: &Listing, observer: &mut dyn Observer) -> Result<Plan> {
        let explain = |trouble: Trouble, path: &str| {
            let place = place(self.name(), &self.repository, path);
            trouble.explain(&place, &self.repository, self.access)
        };
        let http = Http::new(self.access, Kind::Dataset, &self.repository, &listing.commit);
        let http = http.map_err(|trouble| explain(trouble, revision))?;
        let mut files = Vec::new();
        for selected in self.select(&listing.paths)? {
            let place = place(self.name(), &self.repository, &selected.path);
            let file = with_patience(self.access, &place, observer, || http.describe(&selected.path));
            let file = file.map_err(|trouble| explain(trouble, &selected.path))?;
            files.push(planned(file, selected.destination));
        }
        Ok(self.plan(revision, &listing.commit, files, true))
    }

    fn cached(&self, revision: &str, commit: &str) -> Result<Plan> {
        let snapshot = self.cache.snapshot(commit);
        let mut found = BTreeMap::new();
        files_below(&snapshot, "", &mut found)?;
        let paths: Vec<String> = found.keys().cloned().collect();
        let mut files = Vec::new();
        for Selected { path, destination } in self.select(&paths)? {
            let file = &found[&path];
            let link = std::fs::read_link(file).ok();
            let name = link.as_ref().and_then(|link| link.file_name()?.to_str());
            let id = match name.and_then(ContentId::parse) {
                Some(id) => id,
                None => ContentId::Sha256(hash_file(file)?.sha256),
            };
            let num_bytes = file.metadata().map_err(Error::io(file))?.len();
            files.push(planned(RemoteFile { path, num_bytes, id }, destination));
        }
        Ok(self.plan(revision, commit, files, false))
    }

    fn select(&self, paths: &[String]) -> Result<Vec<Selected>> {
        let SourceInfo { file_patterns, .. } = self.request.info;
        select(file_patterns, paths).map_err(|message| Error::Hub {
            place: format!("{}, {}", self.name(), self.repository),
            message: format!("{message}; --repository names another one"),
        })
    }

    fn plan(&self, revision: &str, commit: &str, files: Vec<PlannedFile>, is_complete: bool) -> Plan {
        let SourceInfo { license, .. } = self.request.info;
        Plan {
            source: self.name().to_owned(),
            repository: self.repository.clone(),
            revision: revision.to_owned(),
            commit: commit.to_owned(),
            license: license.clone(),
            files,
            is_complete,
        }
    }

    /// Looks where a file is. What is in its place is only replaced where `pinned` says that it came from here.
    fn look(&self, file: &mut PlannedFile, pinned: Option<&PinnedSource>) -> Result<()> {
        let path = self.request.out.join(self.name()).join(&file.destination);
        if path.exists() {
            let hashes = hash_file(&path)?;
            let is_same =
                file.sha256.as_ref().map_or_else(|| hashes.are_of(&file.id), |sha256| *sha256 == hashes.sha256);
            if is_same {
                file.sha256 = Some(hashes.sha256);
                file.state = FileState::Present;
                return Ok(());
            }
            let older = pinned.iter().flat_map(|pinned| &pinned.files).find(|old| old.destination == file.destination);
            if older.is_none_or(|older| older.sha256 != hashes.sha256) || file.sha256.is_some() {
                let expected = file.sha256.as_deref().unwrap_or(file.id.digits());
                let message = format!(
                    "expected the content {expected}, found {}: it was changed here or is another file; remove it to fetch it again",
                    hashes.like(&file.id)
                );
                return Err(Error::format(path, message));
            }
        }
        let blob = self.cache.blob(&file.id);
        if std::fs::metadata(blob).is_ok_and(|metadata| metadata.len() == file.num_bytes) {
            file.state = FileState::Cached;
        }
        Ok(())
    }
}

fn planned(file: RemoteFile, destination: String) -> PlannedFile {
    let RemoteFile { path, num_bytes, id } = file;
    PlannedFile { path, destination, num_bytes, sha256: None, state: FileState::Missing, id }
}

/// Adds the files below `directory` to `found`, by their paths with slashes.
fn files_below(directory: &Path, prefix: &str, found: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(directory).map_err(Error::io(directory))? {
        let entry = entry.map_err(Error::io(directory))?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(Error::io(directory))?.is_dir() {
            files_below(&entry.path(), &format!("{name}/"), found)?;
        } else if entry.path().is_file() {
            found.insert(name, entry.path());
        }
    }
    Ok(())
}
