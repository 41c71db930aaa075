//! Publishes files: one commit with all of them or none, on top of the commit that was looked at, with only what changed.
//!
//! Large files go through the Hub's Git LFS interface and everything else inside the commit, over plain HTTP: the crate
//! `hf-hub` sends large files through Xet alone, which no server but the Hub speaks. Xet transfers are not used here.

mod api;
mod outgoing;
mod refusal;

use serde::Serialize;
use serde_json::{Value, json};

use self::api::TreeEntry;
pub(super) use self::api::{Api, BRANCH};
use self::outgoing::base64;
pub use self::outgoing::{Content, Outgoing};
use self::refusal::refused;
use super::access::Access;
use super::kind::{Kind, check_name};
use super::observer::Observer;
use super::retry::with_patience;
use super::trouble::Trouble;
use crate::{Error, Result};

/// Where files are published, and how.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// What the repository holds.
    pub kind: Kind,
    /// Its name, `OWNER/NAME`.
    pub repository: &'a str,
    /// Whether a repository that has to be made is private; one that is there stays as it is.
    pub is_private: bool,
    /// Whether who wants to read must ask.
    pub is_gated: bool,
    /// A name for the commit.
    pub tag: Option<&'a str>,
    /// What the commit says of itself.
    pub summary: &'a str,
    /// Files of the repository that begin with one of these and are not published again are deleted.
    pub owned_prefixes: &'a [&'a str],
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Published {
    /// The repository.
    pub repository: String,
    /// The address of its page.
    pub address: String,
    /// The commit that holds the files.
    pub commit: String,
    /// Whether the repository was made.
    pub is_new: bool,
    /// Paths that were sent.
    pub sent: Vec<String>,
    /// Paths that the Hub had already.
    pub unchanged: Vec<String>,
    /// Paths that were deleted.
    pub deleted: Vec<String>,
}

/// Publishes `files`.
///
/// # Errors
/// [`Error::Config`] if the repository's name is none; [`Error::Hub`] if the Hub refuses or the connection breaks, in which
/// case the repository stays at a whole version; [`Error::Format`] if a file is not the one that was looked at before.
pub fn publish(
    destination: &Destination<'_>,
    files: &[Outgoing],
    access: &Access,
    observer: &mut dyn Observer,
) -> Result<Published> {
    check_name("--repo", destination.repository)?;
    if access.token.is_none() {
        let message =
            "expected a token with write scope in HF_TOKEN or in the Hub's token file (hf auth login), found none";
        return Err(Error::Hub { place: destination.repository.to_owned(), message: message.to_owned() });
    }
    if access.offline {
        let message = "HF_HUB_OFFLINE is set; publishing needs the network (--dry-run does not)".to_owned();
        return Err(Error::Hub { place: destination.repository.to_owned(), message });
    }
    let api = Api::new(access, destination.kind, destination.repository)
        .map_err(|trouble| refused(trouble, "connection", destination, access))?;
    Publisher { destination, api, access, observer }.publish(files)
}

/// Publishes to one repository.
struct Publisher<'a> {
    destination: &'a Destination<'a>,
    api: Api<'a>,
    access: &'a Access,
    observer: &'a mut dyn Observer,
}

impl<'a> Publisher<'a> {
    fn publish(&mut self, files: &[Outgoing]) -> Result<Published> {
        let Destination { repository, is_private, is_gated, .. } = *self.destination;
        let is_new = self.ask("repository", |api| api.create(is_private))?;
        if !is_new {
            self.observer.note(&format!("{repository}: it is there already, and stays as visible as it is"));
        }
        if is_gated {
            self.ask("settings", Api::gate)?;
        }
        let (head, _) = self.ask("head", |api| api.info(BRANCH))?;
        let tree = self.ask("list of files", |api| api.tree(&head))?;
        let (mut wanted, mut unchanged) = (Vec::new(), Vec::new());
        for file in files {
            let there = tree.iter().find(|entry| entry.path == file.path);
            let hashes = file.checked_hashes()?;
            if there.is_some_and(|entry| hashes.include(entry.digits())) {
                unchanged.push(file.path.clone());
            } else {
                wanted.push(file);
            }
        }
        let deleted = self.deleted(&tree, files);
        let commit =
            if wanted.is_empty() && deleted.is_empty() { head } else { self.commit(&head, &wanted, &deleted)? };
        self.tag(&commit)?;
        let prefix = self.destination.kind.page_prefix();
        let address = self.access.address(prefix.into_iter().chain(repository.split('/'))).to_string();
        let sent = wanted.iter().map(|file| file.path.clone()).collect();
        Ok(Published { repository: repository.to_owned(), address, commit, is_new, sent, unchanged, deleted })
    }

    /// Files of an earlier version that a reader would take for some of this one.
    fn deleted(&self, tree: &[TreeEntry], files: &[Outgoing]) -> Vec<String> {
        let is_owned = |path: &str| self.destination.owned_prefixes.iter().any(|prefix| path.starts_with(prefix));
        let is_stale = |path: &str| is_owned(path) && !files.iter().any(|file| file.path == path);
        tree.iter().filter(|entry| is_stale(&entry.path)).map(|entry| entry.path.clone()).collect()
    }

    fn commit(&mut self, head: &str, wanted: &[&Outgoing], deleted: &[String]) -> Result<String> {
        self.observer.begins(self.destination.repository, wanted.len(), wanted.iter().map(|file| file.num_bytes).sum());
        let commit = self.send(head, wanted, deleted);
        self.observer.ends(self.destination.repository);
        commit
    }

    fn send(&mut self, head: &str, wanted: &[&Outgoing], deleted: &[String]) -> Result<String> {
        let large = self.large_files(wanted)?;
        let mut lines = vec![json!({"key": "header", "value": {
            "summary": self.destination.summary, "description": "", "parentCommit": head}})];
        for file in wanted {
            // What was sent is what the manifest says, even where somebody writes to the directory meanwhile.
            if large.contains(&file.path) {
                file.checked_hashes()?;
                lines.push(json!({"key": "lfsFile", "value": {
                    "path": file.path, "algo": "sha256", "oid": file.sha256, "size": file.num_bytes}}));
            } else {
                let content = base64(&file.checked_bytes()?);
                self.observer.arrived(&file.path, file.num_bytes);
                lines.push(json!({"key": "file", "value": {
                    "path": file.path, "content": content, "encoding": "base64"}}));
            }
        }
        lines.extend(deleted.iter().map(|path| json!({"key": "deletedFile", "value": { "path": path }})));
        let lines: String = lines.iter().flat_map(|line| [line.to_string(), "\n".to_owned()]).collect();
        // Asked once: an answer that was lost may have been the one that says yes.
        let made = self.api.commit(lines);
        made.map_err(|trouble| refused(trouble, "commit", self.destination, self.access))
    }

    /// Sends the large files, and gives their paths.
    fn large_files(&mut self, wanted: &[&Outgoing]) -> Result<Vec<String>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let described: Vec<Value> = wanted.iter().map(|file| file.description()).collect::<Result<_>>()?;
        let large = self.ask("kinds of files", |api| api.large_paths(&described))?;
        let files: Vec<&Outgoing> = wanted.iter().copied().filter(|file| large.contains(&file.path)).collect();
        if files.is_empty() {
            return Ok(large);
        }
        let objects: Vec<(&str, u64)> = files.iter().map(|file| (file.sha256.as_str(), file.num_bytes)).collect();
        let objects = self.ask("places for large files", |api| api.large_objects(&objects))?;
        for file in files {
            let Some(object) = objects.iter().find(|object| object.oid == file.sha256) else {
                let trouble = Trouble::Unexpected("expected a place for this large file, found none".to_owned());
                return Err(refused(trouble, &file.path, self.destination, self.access));
            };
            self.ask(&file.path, |api| api.send_large(object, file.num_bytes, || file.body()))?;
            self.observer.arrived(&file.path, file.num_bytes);
        }
        Ok(large)
    }

    fn tag(&mut self, commit: &str) -> Result<()> {
        let Some(tag) = self.destination.tag else { return Ok(()) };
        if self.ask("tag", |api| api.tag(commit, tag))? || self.ask("tag", |api| api.info(tag))?.0 == commit {
            return Ok(());
        }
        let message = format!(
            "expected a name that is free, found the tag {tag:?} at another commit; the files are published, choose another --tag"
        );
        Err(Error::Hub { place: self.destination.repository.to_owned(), message })
    }

    /// Asks until there is an answer, or no use in asking.
    fn ask<T>(&mut self, what: &str, mut ask: impl FnMut(&Api<'a>) -> Result<T, Trouble>) -> Result<T> {
        let place = format!("{}, {what}", self.destination.repository);
        let answer = with_patience(self.access, &place, self.observer, || ask(&self.api));
        answer.map_err(|trouble| refused(trouble, what, self.destination, self.access))
    }
}
