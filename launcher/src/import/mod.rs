//! A GGUF file as a model folder that transformers and this launcher read.
//!
//! Weights become f32, so that nothing is lost beyond what the quantisation lost. Whatever would be computed or split
//! into tokens otherwise than by llama.cpp is refused: unknown architectures, metadata keys, tensors, pre-tokenizers.

mod architecture;
mod gguf;
mod tensors;
mod tokenizer;

use std::collections::BTreeMap;
use std::path::Path;

use medinjection_fr::provenance::{Lineage, WEIGHT_INDEX, sha256_file, write_atomic};
use serde_json::Value;

use architecture::Architecture;
use gguf::Gguf;

use crate::model::{must_make_folder, save_weights, write_folder};
use crate::{Error, Result};

/// Whether an import had to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// The folder was made.
    Made,
    /// The folder was there, made from the same file.
    UpToDate,
}

/// Turns the GGUF file `source` into the model folder `out`, whole or not at all.
///
/// # Errors
/// [`Error::Format`] if the file is truncated or hostile, or holds something that is not known here; [`Error::Library`]
/// if a file cannot be read or written; what [`must_make_folder`] refuses.
pub fn import_gguf(source: &Path, out: &Path, force: bool) -> Result<Imported> {
    let gguf = Gguf::open(source)?;
    let inputs = BTreeMap::from([("gguf".to_owned(), sha256_file(source)?)]);
    let lineage = Lineage::new("import-gguf", Value::Object(serde_json::Map::new()), inputs);
    if !must_make_folder(&lineage, (out, weights_name(out)), &[source], force)? {
        return Ok(Imported::UpToDate);
    }
    let architecture = Architecture::of(&gguf)?;
    let vocabulary = tokenizer::Vocabulary::of(&gguf)?;
    let tensors = tensors::plan(&gguf, &architecture)?;
    let tied = !tensors.iter().any(|tensor| tensor.layout.name == "lm_head.weight");
    let files = [
        ("config.json", json_text(&architecture.config(&vocabulary, tied))),
        ("generation_config.json", json_text(&vocabulary.generation_config())),
        ("tokenizer.json", vocabulary.tokenizer()?),
        ("tokenizer_config.json", json_text(&vocabulary.tokenizer_config(architecture.max_positions))),
    ];
    write_folder(out, |folder| {
        for (name, text) in &files {
            write_atomic(&folder.join(name), text.as_bytes())?;
        }
        let layouts: Vec<_> = tensors.iter().map(|tensor| tensor.layout.clone()).collect();
        let mut next = tensors.iter();
        save_weights(folder, &layouts, |layout| {
            let tensor = next.by_ref().find(|tensor| tensor.layout == *layout);
            let tensor = tensor.ok_or_else(|| Error::format(source, format!("{}: not planned", layout.name)))?;
            tensor.read(&gguf)
        })?;
        lineage.write(&folder.join(weights_name(folder)))?;
        Ok(())
    })?;
    Ok(Imported::Made)
}

/// The lineage stands beside the weights, or beside their index where they are in shards.
fn weights_name(folder: &Path) -> &'static str {
    if folder.join(WEIGHT_INDEX).exists() { WEIGHT_INDEX } else { "model.safetensors" }
}

fn json_text(value: &Value) -> String {
    format!("{value:#}\n")
}
