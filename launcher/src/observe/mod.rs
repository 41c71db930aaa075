//! What a run shows while it goes on, beside its own records: TensorBoard's event files.

mod crc32c;
mod event_file;

pub use event_file::{EventFile, Scalars};
