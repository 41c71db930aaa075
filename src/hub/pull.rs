//! Brings what was published back: the files that its manifest lists, at one commit, each compared with its hash there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::access::Access;
use super::cache::RepositoryCache;
use super::download::Downloader;
use super::http::Http;
use super::kind::{Kind, check_name};
use super::observer::Observer;
use super::place::place;
use super::push::{Api, BRANCH};
use super::retry::with_patience;
use super::select::is_inside;
use super::trouble::Trouble;
use crate::provenance::{FileEntry, MANIFEST, sha256_file};
use crate::{Error, Result};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct PullRequest<'a> {
    /// What the repository holds.
    pub kind: Kind,
    /// Its name, `OWNER/NAME`.
    pub repository: &'a str,
    /// Branch, tag or commit; the branch `main` where it is not given.
    pub revision: Option<&'a str>,
    /// The directory for the files.
    pub out: &'a Path,
}

/// What was brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pulled {
    /// The repository.
    pub repository: String,
    /// The commit.
    pub commit: String,
    /// The files, by their path, the manifest left out.
    pub files: BTreeMap<String, FileEntry>,
    /// Bytes that came over the network.
    pub num_bytes_transferred: u64,
}

/// The part of a manifest that says which files there are.
#[derive(Deserialize)]
struct Listed {
    files: BTreeMap<String, FileEntry>,
}

/// Brings the files that the repository's manifest lists into a directory, the manifest last.
///
/// # Errors
/// [`Error::Config`] if the repository's name is none; [`Error::Hub`] if the Hub refuses, there is no manifest, or a file
/// is not the one that it lists; [`Error::Format`] if the directory holds something else. What has arrived is in the cache.
pub fn pull(request: &PullRequest<'_>, access: &Access, observer: &mut dyn Observer) -> Result<Pulled> {
    let PullRequest { kind, repository, revision, .. } = *request;
    check_name("REPO", repository)?;
    let revision = revision.unwrap_or(BRANCH);
    let at = format!("{repository}, revision {revision}");
    let failed = |trouble: Trouble| trouble.explain(&at, repository, access);
    if access.offline {
        return Err(failed(Trouble::Unreachable("HF_HUB_OFFLINE is set".to_owned())));
    }
    let api = Api::new(access, kind, repository).map_err(failed)?;
    let (commit, paths) = with_patience(access, &at, observer, || api.info(revision)).map_err(failed)?;
    if !paths.iter().any(|path| path == MANIFEST) {
        let message = format!(
            "expected a {MANIFEST}, found none: it was not published by `medinjection publish`; use `hf download` instead"
        );
        return Err(Error::Hub { place: at, message });
    }
    let cache = RepositoryCache::new(&access.cache, kind, repository);
    let http = Http::new(access, kind, repository, &commit).map_err(failed)?;
    let downloader = Downloader { access, http: &http, cache: &cache };
    let mut puller = Puller { request, access, downloader, observer, num_bytes: 0 };
    let files = puller.pull()?;
    let num_bytes_transferred = puller.num_bytes;
    Ok(Pulled { repository: repository.to_owned(), commit, files, num_bytes_transferred })
}

/// Brings the files of one commit.
struct Puller<'a> {
    request: &'a PullRequest<'a>,
    access: &'a Access,
    downloader: Downloader<'a>,
    observer: &'a mut dyn Observer,
    num_bytes: u64,
}

impl Puller<'_> {
    fn pull(&mut self) -> Result<BTreeMap<String, FileEntry>> {
        let (manifest, _) = self.bring(MANIFEST)?;
        let bytes = std::fs::read(&manifest).map_err(Error::io(&manifest))?;
        let listed: Listed = serde_json::from_slice(&bytes)
            .map_err(|error| self.refusal(MANIFEST, format!("expected the manifest of what was published: {error}")))?;
        let destination = self.request.out.join(MANIFEST);
        if destination.exists() && std::fs::read(&destination).map_err(Error::io(&destination))? != bytes {
            let message = "expected no other data set in the directory, found one; give another --out";
            return Err(Error::format(&destination, message));
        }
        for (path, entry) in &listed.files {
            if !is_inside(path) || path.split('/').any(|part| part.starts_with('.')) {
                let message = "expected a path inside the directory, found one that leaves it or is hidden".to_owned();
                return Err(self.refusal(path, message));
            }
            let file = self.request.out.join(path);
            if file.is_file() && sha256_file(&file)? == entry.sha256 {
                continue;
            }
            let (blob, sha256) = self.bring(path)?;
            if sha256 != entry.sha256 {
                let message = format!("expected SHA-256 {} as in its manifest, found {sha256}", entry.sha256);
                return Err(self.refusal(path, message));
            }
            place(&blob, &file)?;
        }
        place(&manifest, &destination)?;
        Ok(listed.files)
    }

    /// Brings one file into the cache, and gives where it is there and its SHA-256.
    fn bring(&mut self, path: &str) -> Result<(PathBuf, String)> {
        let at = format!("{}, {path}", self.request.repository);
        let failed = |trouble: Trouble| trouble.explain(&at, self.request.repository, self.access);
        let http = self.downloader.http;
        let file = with_patience(self.access, &at, self.observer, || http.describe(path)).map_err(failed)?;
        self.observer.begins(path, 1, file.num_bytes);
        let brought = self.downloader.download(&file, &at, self.observer);
        self.observer.ends(path);
        let (hashes, num_bytes) = brought.map_err(failed)?;
        self.num_bytes += num_bytes;
        Ok((self.downloader.cache.blob(&file.id), hashes.sha256))
    }

    fn refusal(&self, path: &str, message: String) -> Error {
        Error::Hub { place: format!("{}, {path}", self.request.repository), message }
    }
}
