//! Five optimizer steps against PEFT, PyTorch and transformers: losses, gradients, and the adapter after them.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixtures fails")]

use std::path::{Path, PathBuf};

use medinjection_launcher::adapter::{AdapterGradient, flatten, parameters, peft};
use medinjection_launcher::chat::TokenizedRow;
use medinjection_launcher::config::{OptimSection, Schedule};
use medinjection_launcher::merge::merge;
use medinjection_launcher::model::{CausalLm, KeptActivations, PackedBatch};
use medinjection_launcher::train::{AdamW, Backward, clip, learning_rate};
use serde_json::Value;
use tch::{Device, Kind, Tensor};

const TOLERANCE: f64 = 1e-4;
const GRADIENT_TOLERANCE: f64 = 1e-5;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/parity")
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixtures().join("train").join(name)).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn rows() -> Vec<TokenizedRow> {
    let row = |row: &Value| TokenizedRow {
        input_ids: row["input_ids"].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect(),
        loss_mask: row["loss_mask"].as_array().unwrap().iter().map(|mask| mask == 1).collect(),
    };
    json("rows.json").as_array().unwrap().iter().map(row).collect()
}

fn base() -> CausalLm {
    CausalLm::load(&fixtures().join("models/qwen3"), Device::Cpu, Kind::Float).unwrap()
}

fn with_adapter(folder: &Path) -> CausalLm {
    let mut model = base();
    peft::load(folder, &mut model).unwrap();
    model
}

/// What five steps leave.
struct Trajectory {
    losses: Vec<f64>,
    norms: Vec<f64>,
    first_gradient: Vec<(String, Tensor)>,
    model: CausalLm,
}

fn trained(initial: &str, kept: KeptActivations, micro_batch: usize) -> Trajectory {
    let mut model = with_adapter(&fixtures().join("train").join(initial));
    let mut optimizer = AdamW::new(flatten(&mut model).unwrap(), 0.0).unwrap();
    let mut gradient = AdapterGradient::zeros(&model).unwrap();
    let schedule = Schedule::Cosine;
    let optim =
        OptimSection { learning_rate: 1e-3, weight_decay: 0.0, warmup_ratio: 0.05, schedule, max_grad_norm: 1.0 };
    let (mut losses, mut norms, mut first_gradient) = (Vec::new(), Vec::new(), Vec::new());
    for (step, batch) in (0..).zip(rows().chunks(4)) {
        let batch: Vec<&TokenizedRow> = batch.iter().collect();
        let num_targets = batch.iter().map(|row| row.loss_mask.iter().filter(|mask| **mask).count()).sum();
        let backward = Backward { model: &model, num_targets, kept };
        let loss: f64 = batch.chunks(micro_batch).map(|rows| backward.run(rows, None, &mut gradient)).sum();
        if step == 0 {
            first_gradient = by_name(&model, &gradient);
        }
        let mut flat = gradient.flat().copy();
        gradient.reset();
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        losses.push(loss / num_targets as f64);
        norms.push(clip(&mut flat, optim.max_grad_norm));
        optimizer.step(&flat, learning_rate(&optim, step, 5));
        model.refresh().unwrap();
    }
    Trajectory { losses, norms, first_gradient, model }
}

/// The parts of `gradient` with the names of their parameters.
fn by_name(model: &CausalLm, gradient: &AdapterGradient) -> Vec<(String, Tensor)> {
    let mut start = 0;
    let part = |(name, parameter): (String, Tensor)| {
        let length = i64::try_from(parameter.numel()).unwrap();
        let part = gradient.flat().narrow(0, start, length).view_as(&parameter).copy();
        start += length;
        (name, part)
    };
    parameters(model).into_iter().map(part).collect()
}

fn largest(differences: impl IntoIterator<Item = f64>) -> f64 {
    differences.into_iter().fold(0.0, f64::max)
}

fn difference(left: &Tensor, right: &Tensor) -> f64 {
    (left - right).abs().max().double_value(&[])
}

/// Difference of losses, of gradient norms, and of adapters, from the stored ones of `method`.
fn distance(trajectory: &Trajectory, method: &str, final_adapter: &str) -> (f64, f64, f64) {
    let stored = &json("trajectory.json")[method];
    let apart = |found: &[f64], stored: &Value| largest(found.iter().zip(numbers(stored)).map(|(a, b)| (a - b).abs()));
    let expected = parameters(&with_adapter(&fixtures().join("train").join(final_adapter)));
    let found = parameters(&trajectory.model);
    let of_adapter = expected.iter().filter_map(|(name, expected)| {
        let (_, found) = found.iter().find(|(other, _)| other == name)?;
        Some(difference(found, expected))
    });
    let (losses, norms) = (&trajectory.losses, &trajectory.norms);
    (apart(losses, &stored["loss"]), apart(norms, &stored["grad_norm"]), largest(of_adapter))
}

#[test]
fn losses_gradients_and_adapter_are_those_of_peft() {
    for (method, prefix) in [("dora", ""), ("lora", "lora_")] {
        for (kept, micro_batch) in [
            (KeptActivations::All, 4),
            (KeptActivations::Last(0), 4),
            (KeptActivations::Last(1), 2),
            (KeptActivations::All, 1),
        ] {
            let trajectory = trained(&format!("{prefix}initial_adapter"), kept, micro_batch);
            let (loss, norm, adapter) = distance(&trajectory, method, &format!("{prefix}final_adapter"));
            let stored = fixtures().join(format!("train/{prefix}gradients.safetensors"));
            let stored = Tensor::read_safetensors(stored).unwrap();
            assert_eq!(stored.len(), trajectory.first_gradient.len());
            let gradient = largest(stored.iter().map(|(name, expected)| {
                let (_, found) = trajectory.first_gradient.iter().find(|(other, _)| other == name).unwrap();
                difference(found, expected)
            }));
            eprintln!(
                "{method}, kept {kept:?}, micro-batch {micro_batch}: largest differences \
                loss {loss:.1e}, norm {norm:.1e}, first gradient {gradient:.1e}, adapter {adapter:.1e}"
            );
            assert!(loss < TOLERANCE && norm < TOLERANCE && adapter < TOLERANCE);
            assert!(gradient < GRADIENT_TOLERANCE);
        }
    }
}

#[test]
fn plain_lora_lies_outside_the_tolerance_of_dora() {
    let lora = trained("lora_initial_adapter", KeptActivations::All, 4);
    let (loss, _, adapter) = distance(&lora, "dora", "final_adapter");
    eprintln!("LoRA against DoRA: loss {loss:.1e}, adapter {adapter:.1e}");
    assert!(loss > 10.0 * TOLERANCE && adapter > 10.0 * TOLERANCE);
}

#[test]
fn what_is_kept_changes_no_bit() {
    let all = trained("initial_adapter", KeptActivations::All, 2);
    for number in [0, 1] {
        let some = trained("initial_adapter", KeptActivations::Last(number), 2);
        assert!(all.losses == some.losses && all.norms == some.norms, "{number} kept");
        assert_eq!(parameters(&all.model), parameters(&some.model), "{number} kept");
    }
}

fn logits(model: &CausalLm) -> Tensor {
    let ids: Vec<i64> =
        json("trajectory.json")["logits_input_ids"].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect();
    model.logits(&model.hidden(&PackedBatch::new(&[&ids], Device::Cpu), None))
}

#[test]
fn adapters_of_peft_are_read_written_and_merged_without_changing_the_logits() {
    let stored = Tensor::read_safetensors(fixtures().join("train/logits.safetensors")).unwrap();
    let stored = |name: &str| stored.iter().find(|(other, _)| other == name).unwrap().1.shallow_clone();
    let directory = tempfile::tempdir().unwrap();
    let base_difference = difference(&logits(&base()), &stored("base"));
    assert!(base_difference < TOLERANCE, "base: {base_difference}");
    for name in ["initial", "final"] {
        let folder = fixtures().join(format!("train/{name}_adapter"));
        let mut model = base();
        let config = peft::load(&folder, &mut model).unwrap();
        let (read, written, merged) =
            (logits(&model), directory.path().join(name), directory.path().join(format!("{name}_merged")));
        peft::save(&written, &model, &config, "tiny").unwrap();
        assert!(merge(&fixtures().join("models/qwen3"), &written, &merged, false).unwrap());
        assert!(!merge(&fixtures().join("models/qwen3"), &written, &merged, false).unwrap());
        let merged = CausalLm::load(&merged, Device::Cpu, Kind::Float).unwrap();
        for (way, found) in [("read", read), ("written", logits(&with_adapter(&written))), ("merged", logits(&merged))]
        {
            let difference = difference(&found, &stored(name));
            eprintln!("{name} adapter, {way}: largest difference of logits {difference:.1e}");
            assert!(difference < TOLERANCE);
        }
        assert!(difference(&stored(name), &stored("base")) > 100.0 * TOLERANCE);
    }
}

/// `saved_logits.json` is what PEFT computes with the files in `saved_adapter` (`check_adapter.py --write`).
#[test]
fn peft_computes_the_same_logits_with_an_adapter_saved_here() {
    let (train, directory) = (fixtures().join("train"), tempfile::tempdir().unwrap());
    let mut model = base();
    let config = peft::load(&train.join("final_adapter"), &mut model).unwrap();
    peft::save(&directory.path().join("saved"), &model, &config, "models/qwen3").unwrap();
    for name in [peft::CONFIG_FILE, peft::WEIGHTS_FILE] {
        let bytes = |folder: &Path| std::fs::read(folder.join(name)).unwrap();
        assert!(bytes(&train.join("saved_adapter")) == bytes(&directory.path().join("saved")), "{name} has changed");
    }
    let stored = json("saved_logits.json");
    assert_eq!(stored["input_ids"], json("trajectory.json")["logits_input_ids"]);
    let found = logits(&model);
    let rows = stored["logits"].as_array().unwrap();
    assert_eq!(i64::try_from(rows.len()).unwrap(), found.size()[0]);
    let expected: Vec<f64> = rows.iter().flat_map(numbers).collect();
    let expected = Tensor::from_slice(&expected).view_as(&found);
    let difference = difference(&found.to_kind(Kind::Double), &expected);
    eprintln!("saved here, read by PEFT: largest difference of logits {difference:.1e}");
    assert!(difference < TOLERANCE);
}

#[test]
fn a_damaged_adapter_names_its_file_and_tensor() {
    let source = fixtures().join("train/initial_adapter");
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    let (config, weights) = (folder.join(peft::CONFIG_FILE), folder.join(peft::WEIGHTS_FILE));
    let load = || peft::load(folder, &mut base()).unwrap_err().to_string();
    let restore = || {
        std::fs::copy(source.join(peft::CONFIG_FILE), &config).unwrap();
        std::fs::copy(source.join(peft::WEIGHTS_FILE), &weights).unwrap();
    };
    restore();
    let bytes = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &bytes[..bytes.len() - 9]).unwrap();
    assert!(load().contains("adapter_model.safetensors: truncated"), "{}", load());
    restore();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("\"r\": 4", "\"r\": 5")).unwrap();
    assert!(load().contains("lora_A.weight: expected shape [5, 32], found [4, 32]"), "{}", load());
    std::fs::write(&config, text.replace("    \"v_proj\"\n", "").replace("\"up_proj\",", "\"up_proj\"")).unwrap();
    assert!(load().contains("v_proj.lora_A.weight has no place"), "{}", load());
    std::fs::write(&config, text.replace("\"use_dora\": true", "\"use_dora\": false")).unwrap();
    assert!(load().contains("lora_magnitude_vector has no place"), "{}", load());
    restore();
    let renamed = String::from_utf8_lossy(&bytes).contains("lora_A.weight");
    assert!(renamed);
    let swapped: Vec<u8> = replace(&bytes, b"layers.0.mlp.up_proj.lora_A", b"layers.0.mlp.up_proj.lora_X");
    std::fs::write(&weights, swapped).unwrap();
    assert!(load().contains("up_proj.lora_A.weight, found none"), "{}", load());
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}
