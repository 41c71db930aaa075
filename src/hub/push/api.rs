//! The Hub's interface for writing, over plain HTTP: repositories, trees, large files, commits, tags.
//!
//! # Source
//! <https://huggingface.co/docs/hub/api>, and <https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md> for large files.

use reqwest::blocking::{Body, Client, RequestBuilder, Response};
use reqwest::header::{ACCEPT, CONTENT_TYPE, LINK};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::USER_AGENT;
use super::super::access::Access;
use super::super::cache::is_commit;
use super::super::http::is_same_server;
use super::super::kind::Kind;
use super::super::trouble::Trouble;

/// The branch that is written to.
pub(in crate::hub) const BRANCH: &str = "main";
const LFS_JSON: &str = "application/vnd.git-lfs+json";
/// A connection slower than this is given up.
const MIN_BYTES_PER_SECOND: u64 = 16 * 1024;

/// One repository, and how it is spoken to.
#[derive(Debug)]
pub(in crate::hub) struct Api<'a> {
    client: Client,
    access: &'a Access,
    kind: Kind,
    repository: &'a str,
}

/// A file of a commit.
#[derive(Debug, Deserialize)]
pub(super) struct TreeEntry {
    #[serde(rename = "type")]
    kind: String,
    pub(super) path: String,
    oid: String,
    lfs: Option<LargeEntry>,
}

#[derive(Debug, Deserialize)]
struct LargeEntry {
    oid: String,
}

impl TreeEntry {
    /// What the content is known by: SHA-256 of a large file, git's name of another one.
    pub(super) fn digits(&self) -> &str {
        self.lfs.as_ref().map_or(&self.oid, |large| &large.oid)
    }
}

/// Where one large file goes; no action means that the Hub has it.
#[derive(Debug, Deserialize)]
pub(super) struct LargeObject {
    pub(super) oid: String,
    #[serde(default)]
    actions: Option<Actions>,
    error: Option<LargeError>,
}

#[derive(Debug, Deserialize)]
struct Actions {
    upload: Option<Action>,
    verify: Option<Action>,
}

#[derive(Debug, Deserialize)]
struct Action {
    href: String,
    #[serde(default)]
    header: std::collections::BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
struct LargeError {
    code: u16,
    message: String,
}

#[derive(Deserialize)]
struct Batch {
    objects: Vec<LargeObject>,
}

#[derive(Deserialize)]
struct Info {
    sha: Option<String>,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

impl<'a> Api<'a> {
    /// The repository `repository`, there or not.
    pub(in crate::hub) fn new(access: &'a Access, kind: Kind, repository: &'a str) -> Result<Self, Trouble> {
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(access.timeout)
            .timeout(access.timeout)
            .build()?;
        Ok(Self { client, access, kind, repository })
    }

    /// Makes the repository; `false` if it was there.
    pub(super) fn create(&self, is_private: bool) -> Result<bool, Trouble> {
        let (organization, name) = self.repository.split_once('/').unwrap_or_default();
        let body =
            json!({"type": self.kind.singular(), "name": name, "organization": organization, "private": is_private});
        let request = self.request(Method::POST, self.access.address(["api", "repos", "create"]));
        match with_json(request, &body).send()? {
            found if found.status().as_u16() == 409 => Ok(false),
            found => checked(found).map(|_| true),
        }
    }

    /// Asks who wants to read for their name, and lets the owner decide.
    pub(super) fn gate(&self) -> Result<(), Trouble> {
        let request = self.request(Method::PUT, self.api(["settings"]));
        checked(with_json(request, &json!({"gated": "manual"})).send()?).map(|_| ())
    }

    /// The commit that `revision` is at, and the paths of its files.
    pub(in crate::hub) fn info(&self, revision: &str) -> Result<(String, Vec<String>), Trouble> {
        let found: Info = parsed(checked(self.request(Method::GET, self.api(["revision", revision])).send()?)?)?;
        match found.sha.filter(|commit| is_commit(commit)) {
            Some(commit) => Ok((commit, found.siblings.into_iter().map(|file| file.rfilename).collect())),
            None => Err(Trouble::Unexpected("expected a commit of 40 hexadecimal digits, found none".to_owned())),
        }
    }

    /// The files of a commit, page after page.
    pub(super) fn tree(&self, commit: &str) -> Result<Vec<TreeEntry>, Trouble> {
        let mut address = self.api(["tree", commit]);
        address.query_pairs_mut().append_pair("recursive", "true");
        let mut entries: Vec<TreeEntry> = Vec::new();
        loop {
            let response = checked(self.request(Method::GET, address.clone()).send()?)?;
            let next = response.headers().get(LINK).and_then(|link| next_page(link.to_str().ok()?));
            let page: Vec<TreeEntry> = parsed(response)?;
            entries.extend(page.into_iter().filter(|entry| entry.kind == "file"));
            match next.and_then(|next| address.join(&next).ok()) {
                Some(next) if is_same_server(&next, &self.access.endpoint) && next != address => address = next,
                Some(_) => return Err(Trouble::Unexpected("expected a next page of the same server".to_owned())),
                None => return Ok(entries),
            }
        }
    }

    /// Which of the files (path, size, first bytes in base 64) are large ones in this repository.
    pub(super) fn large_paths(&self, files: &[Value]) -> Result<Vec<String>, Trouble> {
        let request = self.request(Method::POST, self.api(["preupload", BRANCH]));
        let found: Value = parsed(checked(with_json(request, &json!({ "files": files })).send()?)?)?;
        let entries = found["files"].as_array().into_iter().flatten();
        let large = entries.filter(|entry| entry["uploadMode"] == "lfs");
        Ok(large.filter_map(|entry| entry["path"].as_str().map(str::to_owned)).collect())
    }

    /// Where the large files (SHA-256, size) go.
    pub(super) fn large_objects(&self, objects: &[(&str, u64)]) -> Result<Vec<LargeObject>, Trouble> {
        let mut segments: Vec<&str> = self.kind.page_prefix().into_iter().collect();
        let (owner, name) = self.repository.split_once('/').unwrap_or_default();
        let git = format!("{name}.git");
        segments.extend([owner, &git, "info", "lfs", "objects", "batch"]);
        let objects: Vec<Value> = objects.iter().map(|(oid, size)| json!({"oid": oid, "size": size})).collect();
        let body = json!({"operation": "upload", "transfers": ["basic"], "objects": objects, "hash_algo": "sha256",
            "ref": {"name": format!("refs/heads/{BRANCH}")}});
        let request = self.request(Method::POST, self.access.address(segments)).header(ACCEPT, LFS_JSON);
        let body = request.header(CONTENT_TYPE, LFS_JSON).body(body.to_string());
        Ok(parsed::<Batch>(checked(body.send()?)?)?.objects)
    }

    /// Sends the bytes of a large file to where they go; `false` if the Hub has them.
    pub(super) fn send_large(
        &self,
        object: &LargeObject,
        num_bytes: u64,
        body: impl FnOnce() -> crate::Result<Body>,
    ) -> Result<bool, Trouble> {
        if let Some(LargeError { code, message }) = &object.error {
            return Err(Trouble::Unexpected(format!("large file {}: {code}: {message}", object.oid)));
        }
        let Some(Actions { upload: Some(upload), verify }) = &object.actions else { return Ok(false) };
        let patience = self.access.timeout + std::time::Duration::from_secs(num_bytes / MIN_BYTES_PER_SECOND);
        // The address itself is the permission, so the token stays here.
        let mut request = self.client.put(self.action_address(upload)?).timeout(patience);
        for (name, value) in upload.header.iter().filter_map(|(name, value)| Some((name, value.as_str()?))) {
            request = request.header(name, value);
        }
        checked(request.body(body()?).send()?)?;
        if let Some(verify) = verify {
            let address = self.action_address(verify)?;
            let request = if is_same_server(&address, &self.access.endpoint) {
                self.request(Method::POST, address)
            } else {
                self.client.post(address)
            };
            let body = json!({"oid": object.oid, "size": num_bytes});
            checked(request.header(CONTENT_TYPE, LFS_JSON).body(body.to_string()).send()?)?;
        }
        Ok(true)
    }

    /// Makes one commit of `lines` on top of the parent that they name, and gives its name.
    pub(super) fn commit(&self, lines: String) -> Result<String, Trouble> {
        let num_bytes = lines.len() as u64;
        let patience = self.access.timeout + std::time::Duration::from_secs(num_bytes / MIN_BYTES_PER_SECOND);
        let request = self.request(Method::POST, self.api(["commit", BRANCH])).timeout(patience);
        let response = checked(request.header(CONTENT_TYPE, "application/x-ndjson").body(lines).send()?)?;
        let found: Value = parsed(response)?;
        let commit = found["commitOid"].as_str().filter(|commit| is_commit(commit));
        commit.map(str::to_owned).ok_or_else(|| Trouble::Unexpected("expected the name of the commit".to_owned()))
    }

    /// Names `commit`; `false` if the name is taken.
    pub(super) fn tag(&self, commit: &str, tag: &str) -> Result<bool, Trouble> {
        let request = self.request(Method::POST, self.api(["tag", commit]));
        match with_json(request, &json!({ "tag": tag })).send()? {
            found if found.status().as_u16() == 409 => Ok(false),
            found => checked(found).map(|_| true),
        }
    }

    fn api<const N: usize>(&self, rest: [&str; N]) -> Url {
        self.access.address(["api", self.kind.plural()].into_iter().chain(self.repository.split('/')).chain(rest))
    }

    fn action_address(&self, action: &Action) -> Result<Url, Trouble> {
        let address = self.access.endpoint.join(&action.href);
        address.map_err(|_| Trouble::Unexpected("expected an address for a large file, found none".to_owned()))
    }

    fn request(&self, method: Method, address: Url) -> RequestBuilder {
        let builder = self.client.request(method, address);
        match &self.access.token {
            Some(token) => builder.bearer_auth(token.secret()),
            None => builder,
        }
    }
}

fn with_json(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request.header(CONTENT_TYPE, "application/json").body(body.to_string())
}

fn checked(response: Response) -> Result<Response, Trouble> {
    let status = response.status();
    if status.is_success() { Ok(response) } else { Err(Trouble::from_status(status.as_u16(), response.headers())) }
}

fn parsed<T: DeserializeOwned>(response: Response) -> Result<T, Trouble> {
    let bytes = response.bytes()?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Trouble::Unexpected(format!("an answer that is not understood: {error}")))
}

/// The address in `<ADDRESS>; rel="next"`.
fn next_page(link: &str) -> Option<String> {
    let next = link.split(',').find(|link| link.contains("rel=\"next\""))?;
    Some(next.split_once('<')?.1.split_once('>')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_page_is_found_among_links() {
        let link = "<http://h/a?cursor=1>; rel=\"prev\", <http://h/a?cursor=2>; rel=\"next\"";
        assert_eq!(next_page(link).as_deref(), Some("http://h/a?cursor=2"));
        assert_eq!(next_page("<http://h/a>; rel=\"last\""), None);
    }
}
