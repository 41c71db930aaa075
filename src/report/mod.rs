//! Reports: what training was worth, as one HTML page and as a table in the terminal.
//!
//! A report reads finished runs and computes nothing that is not in them, except the paired differences between base
//! and tuned model. The page holds its own style and drawings and asks the network for nothing.

#[cfg(feature = "hub")]
mod adapter;
mod charts;
mod files;
mod format;
mod html;
mod results;
mod run;
mod sections;
mod study;
mod text;

#[cfg(feature = "hub")]
pub use adapter::{AdapterPublication, AdapterStatement};
pub use html::html;
pub use run::{MetricsLine, Run, RunOverview, RunState, RunStatus};
pub use text::{scores_table, table};
