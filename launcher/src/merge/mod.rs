//! A model with its adapter folded in, for tools that know no adapters.

use std::collections::BTreeMap;
use std::path::Path;

use medinjection_fr::provenance::{Lineage, MODEL_FILES, OLDER_MODEL_FILES, WEIGHT_INDEX, fingerprint};
use tch::{Device, Kind, Tensor};

use crate::adapter::peft;
use crate::model::{
    CausalLm, TensorFile, TensorLayout, model_fingerprint, must_make_folder, save_weights, weight_files, write_folder,
};
use crate::{Error, Result};

/// Writes the folder `out`: the model of `model` with the adapter in the folder `adapter` folded into its weights.
///
/// Weights keep their type; files other than weights are copied. `false` where `out` was there, made from the same
/// inputs.
///
/// # Errors
/// What model, adapter and [`must_make_folder`] refuse; [`Error::Library`] if `out` cannot be written.
pub fn merge(model: &Path, adapter: &Path, out: &Path, force: bool) -> Result<bool> {
    let adapter_files = [adapter.join(peft::CONFIG_FILE), adapter.join(peft::WEIGHTS_FILE)];
    let inputs = BTreeMap::from([
        ("model".to_owned(), model_fingerprint(model)?),
        ("adapter".to_owned(), fingerprint(&adapter_files)?),
    ]);
    let lineage = Lineage::new("merge", serde_json::json!({}), inputs);
    if !must_make_folder(&lineage, (out, "config.json"), &[model, adapter], force)? {
        return Ok(false);
    }
    let merged = merged_weights(model, adapter)?;
    let (layout, mut sources) = layout(model)?;
    write_folder(out, |folder| {
        save_weights(folder, &layout, |entry| match merged.get(&entry.name) {
            Some(weight) => Ok(weight.f_to_kind(entry.kind)?),
            None => sources.read(entry),
        })?;
        // The new weights have an index of their own.
        for name in MODEL_FILES.into_iter().chain(OLDER_MODEL_FILES).filter(|name| *name != WEIGHT_INDEX) {
            let (from, to) = (model.join(name), folder.join(name));
            if from.exists() {
                std::fs::copy(&from, &to).map_err(Error::io(&from))?;
            }
        }
        Ok(lineage.write(&folder.join("config.json"))?)
    })?;
    Ok(true)
}

/// The weights that the adapter changes, in f32, by their names.
fn merged_weights(model: &Path, adapter: &Path) -> Result<BTreeMap<String, Tensor>> {
    let mut model = CausalLm::load(model, Device::Cpu, Kind::Float)?;
    peft::load(adapter, &mut model)?;
    let merge = |(name, linear): (String, &crate::model::Linear)| {
        let layer = linear.adapter.as_ref()?;
        Some((format!("{name}.weight"), layer.merged_weight(&linear.weight)))
    };
    Ok(model.linears().filter_map(merge).collect())
}

/// The weight files of a model folder, and which of them holds what.
struct Sources {
    files: Vec<TensorFile>,
    places: BTreeMap<String, usize>,
}

impl Sources {
    fn read(&mut self, entry: &TensorLayout) -> Result<Tensor> {
        let place = self.places.get(&entry.name).copied().unwrap_or_default();
        self.files[place].read(&entry.name, &entry.shape)
    }
}

/// Every tensor of a model folder in its own type, in alphabetical order of shard and name.
fn layout(model: &Path) -> Result<(Vec<TensorLayout>, Sources)> {
    let (mut layout, mut sources) = (Vec::new(), Sources { files: Vec::new(), places: BTreeMap::new() });
    for path in weight_files(model)? {
        let mut file = TensorFile::open(&path)?;
        let names: Vec<String> = file.names().map(str::to_owned).collect();
        for name in names {
            let shape = file.shape(&name).unwrap_or_default();
            layout.push(TensorLayout::of(name.as_str(), &file.read(&name, &shape)?));
            sources.places.insert(name, sources.files.len());
        }
        sources.files.push(file);
    }
    Ok((layout, sources))
}
