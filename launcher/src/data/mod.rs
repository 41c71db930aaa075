//! Rows as tokens, and their order.

mod order;
mod rows;

pub use order::{epoch_batches, spread};
pub use rows::{Dataset, each_row, num_targets};
