//! What the Hub says of a data set: the commit of a revision, and the paths of its files.
//!
//! Size and hash of a file are asked for with the file itself: the client's listings leave out the hashes of large files.

use hf_hub::{HFClientBuilder, HFClientSync, split_id};

use super::USER_AGENT;
use super::access::Access;
use super::cache::is_commit;
use super::trouble::Trouble;

/// A commit and the paths of its files.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) commit: String,
    pub(super) paths: Vec<String>,
}

/// The commit that `revision` of the data set `repository` is at, and its files.
pub(super) fn listing(access: &Access, repository: &str, revision: &str) -> Result<Listing, Trouble> {
    let (owner, name) = split_id(repository);
    let info = client(access)?.dataset(owner, name).info().revision(revision).send()?;
    let (Some(commit), Some(files)) = (info.sha, info.siblings) else {
        return Err(Trouble::Unexpected("expected a commit and a list of files, found none".to_owned()));
    };
    if !is_commit(&commit) {
        return Err(Trouble::Unexpected(format!("expected a commit of 40 hexadecimal digits, found {commit:?}")));
    }
    Ok(Listing { commit, paths: files.into_iter().map(|file| file.rfilename).collect() })
}

fn client(access: &Access) -> Result<HFClientSync, Trouble> {
    let client = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(access.timeout)
        .read_timeout(access.timeout)
        .build()?;
    // Given no token, the client would look for one in the environment; given one that no header can hold, it sends none.
    let token = access.token.as_ref().map_or("\n", |token| token.secret());
    let builder = HFClientBuilder::new().client(client).user_agent(USER_AGENT).endpoint(access.endpoint_text());
    Ok(builder.token(token).cache_dir(&access.cache).retry_max_attempts(0).build_sync()?)
}
