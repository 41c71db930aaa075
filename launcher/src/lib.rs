//! Fine-tuning and evaluation of causal language models on libtorch, over MPI.
//!
//! Each line below may use the lines under it, never those above:
//!
//! | modules | what they do |
//! |---|---|
//! | `main` | arguments, terminal, exit codes |
//! | [`json_schema`] | JSON Schemas of the files of a run |
//! | [`train`], [`predict`] | the loops |
//! | [`data`], [`decode`], [`checkpoint`], [`merge`], [`plan`], [`doctor`], [`observe`] | batches, constrained decoding, runs that go on, weights with an adapter folded in, what a run will cost, what a machine lacks, TensorBoard |
//! | [`model`], [`adapter`], [`comm`], [`import`] | causal models, DoRA and LoRA, ranks, GGUF |
//! | [`config`], [`chat`] | checked configuration; template, tokens and masks |
//! | [`device`], [`kernels`] | where tensors live; the elementwise work of a block |
//! | [`ffi`] | all that is unsafe |
//! | [`error`], [`guard`], [`random`], [`signals`] | failures; panics as failures; counter-based random numbers; what asks a program to end |

pub mod adapter;
pub mod chat;
pub mod checkpoint;
pub mod comm;
pub mod config;
pub mod data;
pub mod decode;
pub mod device;
pub mod doctor;
pub mod error;
pub mod ffi;
pub mod guard;
pub mod import;
pub mod json_schema;
pub mod kernels;
pub mod merge;
pub mod model;
pub mod observe;
pub mod plan;
pub mod predict;
pub mod random;
pub mod signals;
pub mod train;

pub use error::{Error, Result};
