//! Whole files, hashes and lineage: how an output says what it was made from. Lines of the files that are read.

mod atomic;
mod dataset;
mod layout;
mod lineage;
mod lines;
mod manifest;
mod model_folder;
mod output;

pub use atomic::{AtomicFile, TEMPORARY_PREFIX, write_atomic, write_json};
pub use dataset::{Dataset, REJECTED};
pub use layout::Layout;
pub(crate) use lineage::differences;
pub use lineage::{Freshness, Lineage, fingerprint, sha256_file};
pub use lines::{Lines, MAX_LINE_BYTES};
pub use manifest::{FileEntry, MANIFEST, Manifest, RecordCount, SourceEntry, StepCounts};
pub use model_folder::{MODEL_FILES, OLDER_MODEL_FILES, WEIGHT_INDEX};
pub use output::{check_output_file, is_same};

/// Version of this tool, as written into every output.
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");
