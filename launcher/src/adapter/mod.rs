//! What fine-tuning trains: low-rank adapters on frozen linear layers, and their files.

mod attach;
mod dropout;
mod layer;
pub mod peft;

pub use attach::{attach, parameters};
pub use dropout::Dropout;
pub use layer::AdapterLayer;
