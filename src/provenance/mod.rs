//! Whole files, hashes and lineage: how an output says what it was made from.

mod atomic;
mod lineage;

pub use atomic::{AtomicFile, write_atomic};
pub use lineage::{Freshness, Lineage, sha256_file};

/// Version of this tool, as written into every output.
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");
