//! What fine-tuning trains: low-rank adapters on frozen linear layers, and their files.

mod dropout;
mod layer;

pub use dropout::Dropout;
pub use layer::AdapterLayer;
