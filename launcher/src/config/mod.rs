//! Checked configuration: the file's shape, then the program's.

mod adapter;

pub use adapter::{AdapterConfig, DropoutScope, Method, TARGET_MODULES};
