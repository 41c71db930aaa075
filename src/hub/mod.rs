//! Corpora from the Hugging Face Hub: pinned to a commit, resumed, checked by hash, kept in the Hub's own cache. Data sets
//! on their way there ([`publish`]) and back ([`pull`]).
//!
//! The crate `hf-hub` says what a revision is; the bytes come over our own requests, because its downloads begin anew after
//! a cut, are not compared with their hashes, and do not wait as long as the Hub asks for. Nothing here prints, and nothing
//! reads the environment: [`Access`] says everything, and an [`Observer`] is told how it goes.

mod access;
mod cache;
mod content;
mod download;
mod fetch;
mod http;
mod kind;
mod observer;
mod partial;
mod place;
mod plan;
mod pull;
mod push;
mod repository;
mod retry;
mod select;
mod sources_lock;
mod trouble;

pub use access::{Access, Token};
pub use fetch::{Fetched, fetch};
pub use kind::Kind;
pub use observer::Observer;
pub use plan::{FileState, Plan, PlannedFile, Request};
pub use pull::{PullRequest, Pulled, pull};
pub use push::{Content, Destination, Outgoing, Published, publish};
pub use sources_lock::{PinnedFile, PinnedSource, SOURCES_LOCK, SourcesLock};

/// How the program calls itself to servers.
const USER_AGENT: &str = concat!("medinjection/", env!("CARGO_PKG_VERSION"));
