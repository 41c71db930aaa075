//! The weights of a model folder: `model.safetensors`, or shards listed by `model.safetensors.index.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use medinjection_fr::provenance::{WEIGHT_INDEX, write_json};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::tensor_file::{TensorFile, TensorLayout, write_tensor_file};
use crate::{Error, Result};

const SINGLE: &str = "model.safetensors";
/// transformers cuts there by default.
const MAX_SHARD_BYTES: u64 = 5_000_000_000;

/// Reads the weights of a model folder one after the other, and knows which were not asked for.
#[derive(Debug)]
pub struct Weights {
    directory: PathBuf,
    files: Vec<TensorFile>,
    /// Index into `files`, by name of the tensor; a tensor that was taken is gone.
    left: BTreeMap<String, usize>,
    device: Device,
    kind: Kind,
}

/// `model.safetensors.index.json`
#[derive(Debug, Serialize, Deserialize)]
struct ShardIndex {
    #[serde(default)]
    metadata: serde_json::Map<String, serde_json::Value>,
    weight_map: BTreeMap<String, String>,
}

impl Weights {
    /// Opens every file of the weights in `directory`; tensors will be converted to `kind` and put on `device`.
    ///
    /// # Errors
    /// [`Error::Library`] if a file is not there, [`Error::Format`] if one is truncated, or holds other tensors than the index says.
    pub fn open(directory: &Path, device: Device, kind: Kind) -> Result<Self> {
        let index = directory.join(WEIGHT_INDEX);
        let mut files = Vec::new();
        let mut left = BTreeMap::new();
        for path in weight_files(directory)? {
            let file = TensorFile::open(&path)?;
            for name in file.names() {
                if left.insert(name.to_owned(), files.len()).is_some() {
                    return Err(Error::format(&path, format!("{name}: found in another shard too")));
                }
            }
            files.push(file);
        }
        if !directory.join(SINGLE).exists() {
            let listed = read_index(&index)?.weight_map;
            let absent = listed.keys().find(|name| !left.contains_key(*name));
            let unlisted = left.keys().find(|name| !listed.contains_key(*name));
            if let Some(name) = absent.or(unlisted) {
                return Err(Error::format(
                    &index,
                    format!("{name}: expected both here and in a shard, found in one only"),
                ));
            }
        }
        Ok(Self { directory: directory.to_path_buf(), files, left, device, kind })
    }

    /// Takes one tensor; it can be taken once.
    ///
    /// # Errors
    /// [`Error::Format`] if there is no such tensor, [`Error::Shape`] if its shape is not `shape`.
    pub fn take(&mut self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let Some(file) = self.left.remove(name) else {
            return Err(Error::format(&self.directory, format!("expected a tensor {name} in the weights, found none")));
        };
        let tensor = self.files[file].read(name, shape)?;
        Ok(tensor.f_to_device(self.device)?.f_to_kind(self.kind)?)
    }

    /// Leaves a tensor aside, if it is there.
    pub fn ignore(&mut self, name: &str) {
        self.left.remove(name);
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`Error::Format`] if a tensor has not been taken: the model would not be what the folder holds.
    pub fn finish(self) -> Result<()> {
        match self.left.first_key_value() {
            None => Ok(()),
            Some((name, file)) => {
                let count = self.left.len();
                let message =
                    format!("tensor {name} has no place in the model that config.json describes ({count} such)");
                Err(Error::format(self.files[*file].path(), message))
            }
        }
    }
}

/// The files that hold the weights of the model folder `directory`, in alphabetical order.
///
/// # Errors
/// [`Error::Format`] if there are none, or the index is damaged or names a file outside the folder.
pub fn weight_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let (single, index) = (directory.join(SINGLE), directory.join(WEIGHT_INDEX));
    if single.exists() {
        return Ok(vec![single]);
    }
    if !index.exists() {
        return Err(Error::format(directory, format!("expected {SINGLE} or {WEIGHT_INDEX}, found neither")));
    }
    let names: BTreeSet<String> = read_index(&index)?.weight_map.into_values().collect();
    if let Some(name) = names.iter().find(|name| Path::new(name).file_name().is_none_or(|file| file != name.as_str())) {
        return Err(Error::format(&index, format!("expected names of files in the folder, found {name}")));
    }
    Ok(names.iter().map(|name| directory.join(name)).collect())
}

/// Whether a file of this name holds weights, or says where they are.
pub(super) fn is_weight_file(name: &str) -> bool {
    let is_shard = name.starts_with("model-") && name.ends_with(".safetensors");
    name == SINGLE || name == WEIGHT_INDEX || is_shard
}

fn read_index(path: &Path) -> Result<ShardIndex> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    serde_json::from_str(&text).map_err(|error| Error::format(path, error))
}

/// Writes the weights of a model into the folder `directory`, as one file, or as shards of at most 5 GB with their index.
///
/// `tensor` is asked for each entry of `layout` in turn, so that memory holds one at a time. Each file is whole or absent; the
/// folder is made whole by [`write_folder`](super::write_folder).
///
/// # Errors
/// What `tensor` returns, and what [`write_tensor_file`] refuses.
pub fn save_weights(
    directory: &Path,
    layout: &[TensorLayout],
    tensor: impl FnMut(&TensorLayout) -> Result<Tensor>,
) -> Result<()> {
    save_shards(directory, layout, tensor, MAX_SHARD_BYTES)
}

fn save_shards(
    directory: &Path,
    layout: &[TensorLayout],
    mut tensor: impl FnMut(&TensorLayout) -> Result<Tensor>,
    max_shard_bytes: u64,
) -> Result<()> {
    let shards = cut(layout, max_shard_bytes);
    if let [whole] = shards.as_slice() {
        return write_tensor_file(&directory.join(SINGLE), whole, &mut tensor);
    }
    let mut weight_map = BTreeMap::new();
    for (index, shard) in shards.iter().enumerate() {
        let name = format!("model-{:05}-of-{:05}.safetensors", index + 1, shards.len());
        write_tensor_file(&directory.join(&name), shard, &mut tensor)?;
        weight_map.extend(shard.iter().map(|entry| (entry.name.clone(), name.clone())));
    }
    let total: u64 = layout.iter().map(TensorLayout::num_bytes).sum();
    let metadata = serde_json::Map::from_iter([("total_size".to_owned(), total.into())]);
    Ok(write_json(&directory.join(WEIGHT_INDEX), &ShardIndex { metadata, weight_map })?)
}

/// Consecutive runs of at most `max_shard_bytes`, or of one tensor where that alone is larger; at least one run.
fn cut(layout: &[TensorLayout], max_shard_bytes: u64) -> Vec<&[TensorLayout]> {
    let (mut shards, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (index, entry) in layout.iter().enumerate() {
        if start < index && max_shard_bytes < bytes + entry.num_bytes() {
            shards.push(&layout[start..index]);
            (start, bytes) = (index, 0);
        }
        bytes += entry.num_bytes();
    }
    shards.push(&layout[start..]);
    shards
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Vec<TensorLayout> {
        let entry = |name: &str| TensorLayout { name: name.into(), kind: Kind::Float, shape: vec![2, 2] };
        vec![entry("a"), entry("b"), entry("c")]
    }

    fn save(directory: &Path, max_shard_bytes: u64) {
        let value = |entry: &TensorLayout| {
            let number = f64::from(entry.name.as_bytes()[0]);
            Ok(Tensor::full([2, 2], number, (Kind::Float, Device::Cpu)))
        };
        save_shards(directory, &layout(), value, max_shard_bytes).unwrap();
    }

    #[test]
    fn shards_and_a_single_file_hold_the_same() {
        for (max_shard_bytes, num_files) in [(1000, 1), (32, 2), (1, 3)] {
            let directory = tempfile::tempdir().unwrap();
            save(directory.path(), max_shard_bytes);
            assert_eq!(weight_files(directory.path()).unwrap().len(), num_files);
            let mut weights = Weights::open(directory.path(), Device::Cpu, Kind::BFloat16).unwrap();
            for name in ["b", "a", "c"] {
                let tensor = weights.take(name, &[2, 2]).unwrap();
                assert_eq!(tensor.kind(), Kind::BFloat16);
                assert!((tensor.double_value(&[1, 1]) - f64::from(name.as_bytes()[0])).abs() < 1e-9);
            }
            weights.finish().unwrap();
        }
    }

    #[test]
    fn a_tensor_that_is_left_over_or_absent_is_named() {
        let directory = tempfile::tempdir().unwrap();
        save(directory.path(), 32);
        let mut weights = Weights::open(directory.path(), Device::Cpu, Kind::Float).unwrap();
        assert!(weights.take("z", &[1]).unwrap_err().to_string().contains("expected a tensor z"));
        assert_eq!(weights.take("a", &[2, 2]).unwrap().size(), [2, 2]);
        weights.ignore("c");
        assert!(weights.finish().unwrap_err().to_string().contains("tensor b has no place"));
    }

    #[test]
    fn shards_that_differ_from_their_index_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        save(directory.path(), 1);
        let open = || Weights::open(directory.path(), Device::Cpu, Kind::Float).map(|_| ()).unwrap_err().to_string();
        let index = directory.path().join(WEIGHT_INDEX);
        let text = std::fs::read_to_string(&index).unwrap();
        std::fs::write(&index, text.replace("\"a\"", "\"other\"")).unwrap();
        assert!(open().contains("found in one only"));
        std::fs::write(&index, text.replace("model-00001", "../model-00001")).unwrap();
        assert!(open().contains("expected names of files in the folder"));
        std::fs::write(&index, &text[..10]).unwrap();
        assert!(open().contains(WEIGHT_INDEX));
        std::fs::write(&index, text).unwrap();
        std::fs::remove_file(directory.path().join("model-00002-of-00003.safetensors")).unwrap();
        assert!(open().contains("model-00002-of-00003.safetensors"));
    }
}
