//! Reports: what training was worth, as one HTML page and as a table in the terminal.
//!
//! A report reads finished runs and computes nothing that is not in them, except the paired differences between base
//! and tuned model. The page holds its own style and drawings and asks the network for nothing.

mod charts;
mod files;
mod format;
mod html;
#[cfg(feature = "hub")]
mod model_card;
#[cfg(feature = "hub")]
mod model_publication;
mod results;
mod run;
mod sections;
mod study;
mod text;

pub use html::html;
#[cfg(feature = "hub")]
pub(crate) use model_publication::ModelManifest;
#[cfg(feature = "hub")]
pub use model_publication::{ModelPublication, ModelStatement};
pub use run::{MetricsLine, Run, RunOverview, RunState, RunStatus};
pub use text::{scores_table, table};
