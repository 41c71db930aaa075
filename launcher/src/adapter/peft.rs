//! Adapters on disk, in PEFT's format.
//!
//! Read are adapters of one shape for all layers, on any of the seven projections. What else PEFT can put into its
//! configuration (other methods, patterns of ranks, trained biases or whole layers) is refused by name.

use std::collections::BTreeSet;
use std::path::Path;

use medinjection_fr::provenance::write_json;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tch::{Device, Kind, Tensor};

use super::AdapterLayer;
use super::attach::{named_targets, parameters};
use crate::config::{AdapterConfig, DropoutScope, Method, TargetModules};
use crate::model::{CausalLm, TensorFile, TensorLayout, write_folder, write_tensor_file};
use crate::{Error, Result};

/// The file of the adapter's shape.
pub const CONFIG_FILE: &str = "adapter_config.json";
/// The file of its numbers.
pub const WEIGHTS_FILE: &str = "adapter_model.safetensors";

/// Keys that must be absent, null, false or empty: each changes what the adapter computes in a way that is not built.
const REFUSED_KEYS: [&str; 18] = [
    "rank_pattern",
    "alpha_pattern",
    "modules_to_save",
    "layers_to_transform",
    "layers_pattern",
    "layer_replication",
    "exclude_modules",
    "target_parameters",
    "trainable_token_indices",
    "alora_invocation_tokens",
    "fan_in_fan_out",
    "lora_bias",
    "use_qalora",
    "use_bdlora",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
    "velora_config",
];

/// Reads the shape of the adapter in the folder `directory`.
///
/// # Errors
/// [`Error::Library`] if the file cannot be read, [`Error::Format`] if it is not PEFT's or asks for what is not built.
pub fn load_config(directory: &Path) -> Result<AdapterConfig> {
    let path = directory.join(CONFIG_FILE);
    let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
    let map: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|error| Error::format(&path, error))?;
    parse_config(&map).and_then(|config| config.checked("")).map_err(|error| Error::format(&path, error))
}

/// Reads the adapter in the folder `directory` and puts it on `model`.
///
/// # Errors
/// What [`load_config`] refuses; [`Error::Format`] if a tensor is missing, has no place or the file is damaged;
/// [`Error::Shape`] if one has another shape than its place asks for.
pub fn load(directory: &Path, model: &mut CausalLm) -> Result<AdapterConfig> {
    let config = load_config(directory)?;
    let mut file = TensorFile::open(&directory.join(WEIGHTS_FILE))?;
    let mut read = BTreeSet::new();
    let device = model.device();
    for (module_index, name, linear) in named_targets(model, &config) {
        let (outputs, inputs) = linear.weight.size2()?;
        let rank = i64::from(config.rank);
        let mut take = |part: &str, shape: &[i64]| take(&mut file, &mut read, (&name, part), shape, device);
        linear.adapter = Some(AdapterLayer {
            lora_a: take("lora_A.weight", &[rank, inputs])?,
            lora_b: take("lora_B.weight", &[outputs, rank])?,
            magnitude: (config.method == Method::Dora)
                .then(|| take("lora_magnitude_vector", &[outputs]))
                .transpose()?,
            scaling: config.scaling(),
            module_index,
        });
    }
    let extra = file.names().find(|name| !read.contains(*name));
    match extra {
        None => model.refresh().map(|()| config),
        Some(name) => {
            let message = format!("tensor {name} has no place in the model under the shape that {CONFIG_FILE} gives");
            Err(Error::format(file.path(), message))
        }
    }
}

/// Writes the adapter of `model` into the folder `directory`, whole or not at all; what was there is replaced.
///
/// `base_model` is the name of the model that it belongs to.
///
/// # Errors
/// [`Error::Library`] if the folder cannot be written, [`Error::Torch`] if the numbers cannot be read back.
pub fn save(directory: &Path, model: &CausalLm, config: &AdapterConfig, base_model: &str) -> Result<()> {
    let mut parameters = parameters(model);
    parameters.sort_by(|left, right| left.0.cmp(&right.0));
    let layout: Vec<_> =
        parameters.iter().map(|(name, tensor)| TensorLayout::of(name.as_str(), &tensor.detach())).collect();
    write_folder(directory, |folder| {
        let mut values = parameters.iter().map(|(_, tensor)| tensor.detach());
        write_tensor_file(&folder.join(WEIGHTS_FILE), &layout, |entry| {
            values.next().ok_or_else(|| Error::format(directory, format!("{}: no such parameter", entry.name)))
        })?;
        Ok(write_json(&folder.join(CONFIG_FILE), &config_file(config, base_model))?)
    })
}

fn take(
    file: &mut TensorFile,
    read: &mut BTreeSet<String>,
    (module, part): (&str, &str),
    shape: &[i64],
    device: Device,
) -> Result<Tensor> {
    let name = format!("base_model.model.{module}.{part}");
    let tensor = file.read(&name, shape)?.f_to_kind(Kind::Float)?.f_to_device(device)?;
    read.insert(name);
    Ok(tensor)
}

fn parse_config(map: &Map<String, Value>) -> Result<AdapterConfig> {
    match map.get("peft_type").and_then(Value::as_str) {
        Some("LORA") => {}
        _ => return Err(expected(map, "peft_type", "\"LORA\"")),
    }
    if let Some(key) = REFUSED_KEYS.into_iter().find(|key| map.get(*key).is_some_and(is_set)) {
        return Err(expected(map, key, "nothing, since that is not supported"));
    }
    if map.get("bias").is_some_and(|bias| bias != "none") {
        return Err(expected(map, "bias", "\"none\""));
    }
    let method = match (flag(map, "use_dora")?, flag(map, "use_rslora")?) {
        (true, false) => Method::Dora,
        (false, false) => Method::Lora,
        (false, true) => Method::Rslora,
        (true, true) => return Err(expected(map, "use_rslora", "false where use_dora is true")),
    };
    Ok(AdapterConfig {
        method,
        rank: read(map, "r", "a whole number")?,
        alpha: read(map, "lora_alpha", "a number")?,
        dropout: map.get("lora_dropout").map_or(Ok(0.0), |_| read(map, "lora_dropout", "a number"))?,
        dropout_scope: DropoutScope::Peft,
        target_modules: read::<TargetModules>(map, "target_modules", "a list of names, or \"all-linear\"")?.0,
    })
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        _ => true,
    }
}

fn flag(map: &Map<String, Value>, key: &str) -> Result<bool> {
    map.get(key).map_or(Ok(false), |_| read(map, key, "true or false"))
}

fn read<T: DeserializeOwned>(map: &Map<String, Value>, key: &str, what: &str) -> Result<T> {
    let value = map.get(key).cloned().unwrap_or(Value::Null);
    serde_json::from_value(value).map_err(|_| expected(map, key, what))
}

fn expected(map: &Map<String, Value>, key: &str, what: &str) -> Error {
    let found = map.get(key).map_or_else(|| "no such key".to_owned(), Value::to_string);
    Error::config(key, format!("expected {what}, found {found}"))
}

fn config_file(config: &AdapterConfig, base_model: &str) -> Value {
    // PEFT declares a whole number; a fraction is kept as one.
    #[expect(clippy::cast_possible_truncation, reason = "taken only where nothing is cut off")]
    let whole = config.alpha as i64;
    #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "asks whether nothing was cut off")]
    let alpha = if whole as f64 == config.alpha { json!(whole) } else { json!(config.alpha) };
    json!({
        "base_model_name_or_path": base_model,
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
        "init_lora_weights": true,
        "lora_alpha": alpha,
        "lora_dropout": config.dropout,
        "modules_to_save": null,
        "peft_type": "LORA",
        "r": config.rank,
        "target_modules": config.target_modules,
        "task_type": "CAUSAL_LM",
        "use_dora": config.method == Method::Dora,
        "use_rslora": config.method == Method::Rslora,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(change: impl Fn(&mut Map<String, Value>)) -> Result<AdapterConfig> {
        let config = AdapterConfig { rank: 4, alpha: 8.0, ..AdapterConfig::default() };
        let Value::Object(mut map) = config_file(&config, "tiny") else { panic!("an object") };
        change(&mut map);
        parse_config(&map)
    }

    #[test]
    fn what_is_written_reads_back() {
        let config = parsed(|_| ()).unwrap();
        assert_eq!((config.method, config.rank, config.target_modules.len()), (Method::Dora, 4, 7));
        assert!((config.alpha - 8.0).abs() < 1e-12);
    }

    #[test]
    fn all_linear_layers_are_all_projections() {
        let config = parsed(|map| drop(map.insert("target_modules".into(), json!("all-linear")))).unwrap();
        assert_eq!(config.target_modules.len(), 7);
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        let refused = [
            ("rank_pattern", json!({"q_proj": 8})),
            ("modules_to_save", json!(["lm_head"])),
            ("bias", json!("all")),
            ("target_modules", json!("all-layers")),
            ("use_rslora", json!(true)),
            ("peft_type", json!("IA3")),
            ("r", json!(-1)),
            ("use_dora", json!("yes")),
        ];
        for (key, value) in refused {
            let message = parsed(|map| drop(map.insert(key.into(), value.clone()))).unwrap_err().to_string();
            assert!(message.contains(&format!("{key}: expected")), "{message}");
        }
        let message = parsed(|map| drop(map.remove("r"))).unwrap_err().to_string();
        assert!(message.contains("found no such key"), "{message}");
    }
}
