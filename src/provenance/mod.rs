//! Whole files, hashes and lineage: how an output says what it was made from.

mod atomic;
mod dataset;
mod lineage;
mod manifest;

pub use atomic::{AtomicFile, write_atomic};
pub use dataset::{Dataset, REJECTED};
pub use lineage::{Freshness, Lineage, sha256_file};
pub use manifest::{FileEntry, MANIFEST, Manifest, RecordCount, SourceEntry, StepCounts};

/// Version of this tool, as written into every output.
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");
