//! What fine-tuning trains: low-rank adapters on frozen linear layers, and their files.

mod attach;
mod dropout;
mod find;
mod gradient;
mod layer;
pub mod peft;

pub use attach::{attach, flatten, parameters};
pub use dropout::{Dropout, InputDropout};
pub use find::{checkpoint_folder, checkpoint_steps, find};
pub use gradient::{AdapterGradient, LayerGradient};
pub use layer::AdapterLayer;
