//! Build, check, mix, evaluate and publish French biomedical instruction data.
//!
//! The code follows the data. Each line below may use the lines under it, never those above:
//!
//! | modules | what they do |
//! |---|---|
//! | `cli` | arguments, terminal, exit codes |
//! | [`json_schema`] | JSON Schemas of the files that are written |
//! | [`build`] | read → check → de-duplicate → split → write |
//! | [`validate`], [`dedup`], [`mixture`], [`render`], [`inspect`], [`metrics`], [`report`], `hub` | one step each |
//! | [`source`], [`sample`], [`language`] | where records come from, what language a field is in |
//! | [`provenance`], [`columnar`] | manifest and lineage; the only home of Arrow and parquet types |
//! | [`record`] | the data model |
//! | [`error`], [`text`] | failures; normalisation and folding of text |

pub mod build;
#[cfg(feature = "cli")]
pub mod cli;
pub mod columnar;
pub mod dedup;
pub mod error;
#[cfg(feature = "hub")]
pub mod hub;
pub mod inspect;
pub mod json_schema;
pub mod language;
pub mod metrics;
pub mod mixture;
pub mod provenance;
pub mod record;
pub mod render;
pub mod report;
pub mod sample;
pub mod source;
pub mod text;
pub mod validate;

pub use error::{Error, Result};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Compiles those of the page on the library.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
struct LibraryPage;
