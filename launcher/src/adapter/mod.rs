//! What fine-tuning trains: low-rank adapters on frozen linear layers, and their files.

mod attach;
mod dropout;
mod find;
mod layer;
pub mod peft;

pub use attach::{attach, parameters};
pub use dropout::Dropout;
pub use find::{checkpoint_folder, checkpoint_steps, find};
pub use layer::AdapterLayer;
