//! Logits of the three families against transformers' (`tests/parity/models.py`).

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails its test")]

use std::path::{Path, PathBuf};

use medinjection_launcher::model::{CausalLm, KvCache, PackedBatch, TensorFile};
use tch::{Device, Kind, Tensor};

const TOLERANCE: f64 = 1e-4;

struct Reference {
    model: CausalLm,
    sequences: Vec<Vec<i64>>,
    logits: Vec<Tensor>,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/parity/models").join(name)
}

fn reference(name: &str) -> Reference {
    let folder = folder(name);
    let text = std::fs::read_to_string(folder.join("logits.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let sequences: Vec<Vec<i64>> = serde_json::from_value(json["input_ids"].clone()).unwrap();
    let mut file = TensorFile::open(&folder.join("logits.safetensors")).unwrap();
    let model = CausalLm::load(&folder, Device::Cpu, Kind::Float).unwrap();
    let vocab = model.config().vocab_size;
    let shape = |ids: &Vec<i64>| [i64::try_from(ids.len()).unwrap(), vocab];
    let logits = sequences
        .iter()
        .enumerate()
        .map(|(index, ids)| file.read(&format!("logits.{index}"), &shape(ids)).unwrap())
        .collect();
    Reference { model, sequences, logits }
}

fn difference(found: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(found.size(), expected.size());
    (found - expected).abs().max().double_value(&[])
}

fn logits(model: &CausalLm, sequences: &[&[i64]]) -> Tensor {
    let batch = PackedBatch::new(sequences, Device::Cpu);
    model.logits(&model.hidden(&batch, None))
}

#[test]
fn logits_are_those_of_transformers_packed_and_alone() {
    for name in ["qwen3", "qwen2", "llama"] {
        let Reference { model, sequences, logits: expected } = reference(name);
        let all: Vec<&[i64]> = sequences.iter().map(Vec::as_slice).collect();
        let packed = difference(&logits(&model, &all), &Tensor::cat(&expected, 0));
        let alone = all.iter().zip(&expected).map(|(ids, expected)| difference(&logits(&model, &[ids]), expected));
        let alone = alone.fold(0.0, f64::max);
        println!("{name}: largest difference {packed:.1e} packed, {alone:.1e} alone");
        assert!(packed < TOLERANCE && alone < TOLERANCE, "{name}: {packed} packed, {alone} alone");
    }
}

#[test]
fn a_cache_gives_the_same_logits_step_by_step() {
    for name in ["qwen3", "qwen2", "llama"] {
        let Reference { model, sequences, logits: expected } = reference(name);
        let mut cache = KvCache::new(model.num_layers(), sequences.len());
        let beginnings: Vec<&[i64]> = sequences.iter().map(|ids| &ids[..5]).collect();
        let mut worst: f64 = 0.0;
        let _no_grad = tch::no_grad_guard();
        let first = model.logits(&model.hidden(&PackedBatch::new(&beginnings, Device::Cpu), Some(&mut cache)));
        for (index, expected) in expected.iter().enumerate() {
            let start = i64::try_from(index).unwrap() * 5;
            worst = worst.max(difference(&first.narrow(0, start, 5), &expected.narrow(0, 0, 5)));
        }
        // A sequence that is over leaves the cache, as it does in decoding.
        let mut alive: Vec<usize> = (0..sequences.len()).collect();
        for position in 5..sequences.iter().map(Vec::len).max().unwrap() {
            let kept: Vec<usize> = (0..alive.len()).filter(|&place| position < sequences[alive[place]].len()).collect();
            cache.keep(&kept);
            alive = kept.iter().map(|&place| alive[place]).collect();
            let next: Vec<&[i64]> = alive.iter().map(|&row| &sequences[row][position..=position]).collect();
            let batch = PackedBatch::continuing(&next, cache.lengths(), Device::Cpu);
            let step = model.logits(&model.hidden(&batch, Some(&mut cache)));
            for (place, &row) in alive.iter().enumerate() {
                let place = i64::try_from(place).unwrap();
                worst = worst.max(difference(&step.get(place), &expected[row].get(i64::try_from(position).unwrap())));
            }
        }
        println!("{name}: largest difference {worst:.1e} with a cache");
        assert!(worst < TOLERANCE, "{name}: {worst}");
    }
}

#[test]
fn a_folder_that_is_damaged_is_refused_by_name() {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder("qwen3")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let load = || CausalLm::load(copy.path(), Device::Cpu, Kind::Float).map(|_| ()).unwrap_err().to_string();
    let config = copy.path().join("config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("\"intermediate_size\": 48", "\"intermediate_size\": 40")).unwrap();
    assert!(load().contains("gate_proj.weight: expected shape [40, 32], found [48, 32]"), "{}", load());
    std::fs::write(&config, text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1")).unwrap();
    assert!(load().contains("model.layers.1.") && load().contains("has no place"), "{}", load());
    std::fs::write(&config, text.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3")).unwrap();
    assert!(load().contains("expected a tensor model.layers.2."), "{}", load());
    std::fs::write(&config, text).unwrap();
    let weights = copy.path().join("model.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    assert!(load().contains("model.safetensors: truncated"), "{}", load());
    std::fs::remove_file(&weights).unwrap();
    assert!(load().contains("expected model.safetensors or model.safetensors.index.json"), "{}", load());
}
