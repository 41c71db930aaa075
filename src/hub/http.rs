//! One file over HTTP, from any of its bytes on. Redirects are followed here, so that the token stays with the endpoint.
//!
//! Files in Xet storage come this way too: the Hub redirects a plain request for one to a server that puts it together.

use reqwest::blocking::{Client, Response};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, LOCATION, RANGE};
use reqwest::{Method, Url};

use super::USER_AGENT;
use super::access::Access;
use super::content::ContentId;
use super::kind::Kind;
use super::trouble::Trouble;

/// Redirects that are followed; the Hub needs one, and one more for a repository with a new name.
const MAX_REDIRECTS: usize = 5;

/// A file as the Hub describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RemoteFile {
    /// Path in the repository.
    pub(super) path: String,
    /// Its size.
    pub(super) num_bytes: u64,
    /// What its content is known by.
    pub(super) id: ContentId,
}

/// The bytes, and whether they begin where it was asked for or at the file's beginning.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) response: Response,
    pub(super) is_from_first_byte: bool,
}

/// The files of one commit of one repository.
#[derive(Debug)]
pub(super) struct Http<'a> {
    client: Client,
    access: &'a Access,
    kind: Kind,
    repository: &'a str,
    commit: &'a str,
}

impl<'a> Http<'a> {
    /// The files of `commit` of `repository`.
    pub(super) fn new(access: &'a Access, kind: Kind, repository: &'a str, commit: &'a str) -> Result<Self, Trouble> {
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(access.timeout)
            .timeout(access.timeout)
            .build()?;
        Ok(Self { client, access, kind, repository, commit })
    }

    /// Asks for size and content of the file at `path`, without its bytes.
    ///
    /// # Errors
    /// [`Trouble::Unexpected`] if the Hub does not say them; else what the request ran into.
    pub(super) fn describe(&self, path: &str) -> Result<RemoteFile, Trouble> {
        let mut address = self.address(path);
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(Method::HEAD, &address, 0)?;
            let (status, headers) = (response.status(), response.headers());
            if !status.is_success() && !status.is_redirection() {
                return Err(Trouble::from_status(status.as_u16(), headers));
            }
            self.check_commit(headers)?;
            let next = location(&address, headers).filter(|next| status.is_redirection() && self.is_endpoint(next));
            match (identity(headers), next) {
                (Some((id, Some(num_bytes))), _) => return Ok(RemoteFile { path: path.to_owned(), num_bytes, id }),
                (_, Some(next)) => address = next,
                _ => break,
            }
        }
        Err(Trouble::Unexpected("expected the file's size and hash in the answer's headers, found none".to_owned()))
    }

    /// Asks for the bytes of `file` from `first_byte` on.
    ///
    /// # Errors
    /// [`Trouble::Unexpected`] if the Hub now has another content under the same commit; else what the request ran into.
    pub(super) fn get(&self, file: &RemoteFile, first_byte: u64) -> Result<Body, Trouble> {
        let mut address = self.address(&file.path);
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(Method::GET, &address, first_byte)?;
            let (status, headers) = (response.status(), response.headers());
            if !status.is_success() && !status.is_redirection() {
                return Err(Trouble::from_status(status.as_u16(), headers));
            }
            if self.is_endpoint(&address) {
                self.check_commit(headers)?;
                check_identity(headers, file)?;
            }
            if status.is_success() {
                let begins = first_of_range(headers).filter(|_| status.as_u16() == 206);
                if begins.is_some_and(|begins| begins != first_byte) {
                    return Err(Trouble::Unexpected(format!(
                        "expected the bytes from {first_byte} on, found other ones"
                    )));
                }
                return Ok(Body { response, is_from_first_byte: begins.is_some() });
            }
            address = location(&address, headers)
                .ok_or_else(|| Trouble::Unexpected(format!("expected an address with status {status}, found none")))?;
        }
        Err(Trouble::Unexpected(format!("expected at most {MAX_REDIRECTS} redirects, found one more")))
    }

    fn address(&self, path: &str) -> Url {
        let repository = self.repository.split('/');
        let path = path.split('/');
        self.access
            .address(self.kind.page_prefix().into_iter().chain(repository).chain(["resolve", self.commit]).chain(path))
    }

    fn send(&self, method: Method, address: &Url, first_byte: u64) -> Result<Response, Trouble> {
        // Length and hash are those of the bytes as they are stored.
        let mut builder = self.client.request(method, address.clone()).header(ACCEPT_ENCODING, "identity");
        if first_byte > 0 {
            builder = builder.header(RANGE, format!("bytes={first_byte}-"));
        }
        if let Some(token) = self.access.token.as_ref().filter(|_| self.is_endpoint(address)) {
            builder = builder.bearer_auth(token.secret());
        }
        Ok(builder.send()?)
    }

    fn is_endpoint(&self, address: &Url) -> bool {
        is_same_server(address, &self.access.endpoint)
    }

    fn check_commit(&self, headers: &HeaderMap) -> Result<(), Trouble> {
        match header(headers, "x-repo-commit") {
            Some(found) if found != self.commit => {
                Err(Trouble::Unexpected(format!("expected commit {}, found {found}", self.commit)))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn is_same_server(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

fn location(address: &Url, headers: &HeaderMap) -> Option<Url> {
    address.join(header(headers, LOCATION.as_str())?).ok()
}

/// Content and size as the headers of the Hub say them. Where bytes are elsewhere, `X-Linked-*` speak of them.
fn identity(headers: &HeaderMap) -> Option<(ContentId, Option<u64>)> {
    let size = |name: &str| header(headers, name).and_then(|size| size.parse::<u64>().ok());
    match header(headers, "x-linked-etag") {
        Some(etag) => Some((ContentId::parse(etag)?, size("x-linked-size"))),
        None => Some((ContentId::parse(header(headers, ETAG.as_str())?)?, size(CONTENT_LENGTH.as_str()))),
    }
}

/// Compares what the Hub says of the content with what it said of it before; a mirror's own kind of tag says nothing.
fn check_identity(headers: &HeaderMap, file: &RemoteFile) -> Result<(), Trouble> {
    match identity(headers) {
        Some((found, _)) if found != file.id => Err(Trouble::Unexpected(format!(
            "expected the content {}, found {}: the file was changed under the same commit",
            file.id.digits(),
            found.digits()
        ))),
        _ => Ok(()),
    }
}

/// The first byte of `Content-Range: bytes FIRST-LAST/ALL`.
fn first_of_range(headers: &HeaderMap) -> Option<u64> {
    header(headers, CONTENT_RANGE.as_str())?.trim().strip_prefix("bytes")?.trim_start().split('-').next()?.parse().ok()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn another_port_or_scheme_is_another_server() {
        let url = |text: &str| Url::parse(text).unwrap();
        let hub = url("https://hub.example");
        assert!(is_same_server(&hub, &url("https://hub.example:443/x")));
        for other in
            ["https://hub.example:444", "http://hub.example", "https://hub.example.org", "https://cdn.hub.example"]
        {
            assert!(!is_same_server(&hub, &url(other)), "{other}");
        }
    }

    #[test]
    fn another_content_under_the_same_commit_is_seen() {
        let file = RemoteFile { path: "x".to_owned(), num_bytes: 5, id: ContentId::Sha256("a".repeat(64)) };
        let check = |pairs: &[(&'static str, &str)]| check_identity(&headers(pairs), &file);
        assert!(check(&[("etag", "\"0\""), ("x-linked-etag", &format!("\"{}\"", "a".repeat(64)))]).is_ok());
        assert!(check(&[("etag", &"b".repeat(64))]).is_err());
        assert!(check(&[("etag", "\"5-abc\"")]).is_ok());
    }

    #[test]
    fn a_linked_size_is_that_of_the_bytes_elsewhere() {
        let etag = "a".repeat(64);
        let pairs = [("x-linked-etag", etag.as_str()), ("x-linked-size", "7"), ("etag", "0"), ("content-length", "3")];
        assert_eq!(identity(&headers(&pairs)), Some((ContentId::Sha256(etag.clone()), Some(7))));
        let pairs = [("etag", etag.as_str()), ("content-length", "3")];
        assert_eq!(identity(&headers(&pairs)), Some((ContentId::Sha256(etag.clone()), Some(3))));
    }

    #[test]
    fn a_range_says_where_it_begins() {
        assert_eq!(first_of_range(&headers(&[("content-range", "bytes 7-9/10")])), Some(7));
        assert_eq!(first_of_range(&headers(&[("content-range", "bytes */10")])), None);
        assert_eq!(first_of_range(&headers(&[])), None);
    }
}
