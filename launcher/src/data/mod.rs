//! Rows as tokens, and their order.

mod order;
mod rows;

pub use order::{epoch_batches, spread};
pub use rows::{Dataset, num_targets, tokenize};
