//! `import-gguf` on tiny files that hold every type of numbers (`tests/parity/gguf`), and on damaged ones.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixtures fails")]

mod support;

use std::path::{Path, PathBuf};

use candle_core::Device;
use candle_core::quantized::gguf_file::{self, Content, Value};
use medinjection_fr::render::Message;
use medinjection_launcher::chat::Chat;
use medinjection_launcher::import::{Imported, import_gguf};
use medinjection_launcher::model::CausalLm;
use proptest::prelude::*;
use safetensors::SafeTensors;

use support::{fixture, json};

fn import(name: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("model");
    assert_eq!(import_gguf(&fixture(&format!("gguf/{name}.gguf")), &out, false).unwrap(), Imported::Made);
    (directory, out)
}

fn floats(bytes: &[u8]) -> Vec<f64> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    assert_eq!(rest, b"");
    numbers.iter().map(|number| f64::from(f32::from_le_bytes(*number))).collect()
}

#[test]
fn every_type_of_numbers_is_read_as_the_gguf_package_reads_it() {
    for name in ["llama", "qwen2"] {
        let (_directory, out) = import(name);
        let bytes = std::fs::read(out.join("model.safetensors")).unwrap();
        let found = SafeTensors::deserialize(&bytes).unwrap();
        let expected = json(&format!("gguf/{name}.json"));
        let expected = expected["tensors"].as_object().unwrap();
        assert_eq!(found.names().len(), expected.len());
        for (tensor, summary) in expected {
            let view = found.tensor(tensor).unwrap();
            assert_eq!(serde_json::to_value(view.shape()).unwrap(), summary["shape"], "{tensor}");
            let values = floats(view.data());
            let size: f64 = values.iter().map(|value| value.abs()).sum::<f64>();
            let step = 2.0 / f64::from(u32::try_from(values.len() - 1).unwrap());
            let ramp: f64 = (0..).zip(&values).map(|(index, value)| value * (f64::from(index) * step - 1.0)).sum();
            let close = |found: f64, key: &str| (found - summary[key].as_f64().unwrap()).abs() <= 1e-6 * size;
            assert!(close(values.iter().sum(), "sum") && close(ramp, "ramp"), "{tensor}");
            for (index, value) in
                summary["indices"].as_array().unwrap().iter().zip(summary["values"].as_array().unwrap())
            {
                let found = values[usize::try_from(index.as_u64().unwrap()).unwrap()];
                assert!((found - value.as_f64().unwrap()).abs() <= 1e-6 * found.abs().max(1e-3), "{tensor} {index}");
            }
        }
    }
}

#[test]
fn the_folder_is_a_model_with_a_tokenizer_and_a_template() {
    for name in ["llama", "qwen2"] {
        let (_directory, out) = import(name);
        let model = CausalLm::load(&out, tch::Device::Cpu, tch::Kind::Float).unwrap();
        let chat = Chat::load(&out).unwrap();
        assert_eq!(usize::try_from(model.config().vocab_size).unwrap(), chat.tokenizer().vocabulary_size());
        assert_eq!(model.config().tie_word_embeddings, name == "llama");
        assert_eq!(chat.end_of_turn(), chat.tokenizer().token_id("<|im_end|>").unwrap());
        let prompt = chat.prompt(&[Message::user("la liaison 12")]).unwrap();
        assert_eq!(prompt, "<|im_start|>user\nla liaison 12<|im_end|>\n<|im_start|>assistant\n");
        let ids = chat.tokenizer().encode("la liaison 12").unwrap();
        assert_eq!(chat.tokenizer().decode(&ids).unwrap(), "la liaison 12");
        // l a | Ġl i a i s on | Ġ 1 2, where only the merges of the file join letters.
        assert_eq!(ids.len(), 2 + 6 + 3);
    }
}

#[test]
fn an_import_is_done_once_and_never_silently_replaced() {
    let (directory, out) = import("llama");
    let (llama, qwen2) = (fixture("gguf/llama.gguf"), fixture("gguf/qwen2.gguf"));
    let first = std::fs::read(out.join("model.safetensors")).unwrap();
    assert_eq!(import_gguf(&llama, &out, false).unwrap(), Imported::UpToDate);
    let message = import_gguf(&qwen2, &out, false).unwrap_err().to_string();
    assert!(message.contains("another gguf") && message.contains("--force"), "{message}");
    assert_eq!(std::fs::read(out.join("model.safetensors")).unwrap(), first);
    assert_eq!(import_gguf(&qwen2, &out, true).unwrap(), Imported::Made);
    let again = directory.path().join("again");
    import_gguf(&llama, &again, false).unwrap();
    assert_eq!(std::fs::read(again.join("model.safetensors")).unwrap(), first);
    let foreign = directory.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.tex"), "").unwrap();
    for force in [false, true] {
        let message = import_gguf(&llama, &foreign, force).unwrap_err().to_string();
        assert!(message.contains("nothing but a model, found thesis.tex"), "{message}");
    }
}

/// The message of the import of a damaged file; nothing is left of it.
fn refusal(bytes: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("damaged.gguf");
    std::fs::write(&source, bytes).unwrap();
    let message = import_gguf(&source, &directory.path().join("model"), false).unwrap_err().to_string();
    assert!(message.contains("damaged.gguf"), "{message}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "something was left behind: {message}");
    message
}

#[test]
fn a_truncated_file_is_refused_wherever_it_ends() {
    let whole = std::fs::read(fixture("gguf/llama.gguf")).unwrap();
    for length in (0..whole.len()).step_by(1009).chain([1, 3, 4, 8, 23, whole.len() - 1]) {
        let message = refusal(&whole[..length]);
        assert!(message.contains("truncated") || message.contains("not a GGUF file"), "{length}: {message}");
    }
    assert!(refusal(b"PK\x03\x04 something else").contains("not a GGUF file"));
}

#[test]
fn sizes_that_the_file_cannot_hold_are_refused() {
    let header =
        |tensors: u64, keys: u64| [&b"GGUF\x03\0\0\0"[..], &tensors.to_le_bytes(), &keys.to_le_bytes()].concat();
    for counts in [(u64::MAX, 0), (0, u64::MAX), (1 << 40, 1 << 40), (0, 0)] {
        refusal(&header(counts.0, counts.1));
    }
    let key = |name: &[u8], kind: u32| [&(name.len() as u64).to_le_bytes()[..], name, &kind.to_le_bytes()].concat();
    let text = [header(0, 1), key(b"general.architecture", 8), u64::MAX.to_le_bytes().to_vec()].concat();
    assert!(refusal(&text).contains("length"));
    let alignment = [header(0, 1), key(b"general.alignment", 4), 0_u32.to_le_bytes().to_vec()].concat();
    assert!(refusal(&alignment).contains("general.alignment"));
    let tensor = |dims: [u64; 2]| {
        let dims: Vec<u8> = dims.iter().flat_map(|size| size.to_le_bytes()).collect();
        let rest = [&[0_u8; 4][..], &[0; 8], &[0; 64]].concat();
        [header(1, 0), key(b"token_embd.weight", 2), dims, rest].concat()
    };
    for dims in [[1 << 32, 1 << 32], [u64::MAX, 2], [0, 5], [1 << 20, 1 << 20]] {
        assert!(refusal(&tensor(dims)).contains("token_embd.weight"));
    }
}

/// The fixture with its metadata changed.
fn changed(name: &str, change: impl Fn(&mut Vec<(String, Value)>)) -> Vec<u8> {
    let mut file = std::fs::File::open(fixture(&format!("gguf/{name}.gguf"))).unwrap();
    let content = Content::read(&mut file).unwrap();
    let mut metadata: Vec<(String, Value)> = content.metadata.clone().into_iter().collect();
    metadata.sort_by(|(a, _), (b, _)| a.cmp(b));
    change(&mut metadata);
    let mut names: Vec<&String> = content.tensor_infos.keys().collect();
    names.sort();
    let tensors: Vec<_> =
        names.iter().map(|name| (name.as_str(), content.tensor(&mut file, name, &Device::Cpu).unwrap())).collect();
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (*name, tensor)).collect();
    let mut bytes = std::io::Cursor::new(Vec::new());
    gguf_file::write(&mut bytes, &metadata, &tensors).unwrap();
    bytes.into_inner()
}

#[test]
fn a_missing_metadata_key_is_named() {
    for key in [
        "general.architecture",
        "llama.block_count",
        "llama.context_length",
        "llama.embedding_length",
        "llama.feed_forward_length",
        "llama.attention.head_count",
        "llama.attention.layer_norm_rms_epsilon",
        "tokenizer.ggml.model",
        "tokenizer.ggml.pre",
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.token_type",
        "tokenizer.ggml.merges",
    ] {
        let message = refusal(&changed("llama", |metadata| metadata.retain(|(name, _)| name != key)));
        assert!(message.contains(&format!("{key}: expected this metadata key")), "{key}: {message}");
    }
}

#[test]
fn what_would_be_computed_otherwise_is_refused_by_name() {
    let text = |value: &str| Value::String(value.to_owned());
    let list = |values: &[&str]| Value::Array(values.iter().map(|value| text(value)).collect());
    for (key, value) in [
        ("general.architecture", text("gemma3")),
        ("llama.rope.scaling.type", text("yarn")),
        ("llama.rope.scaling.factor", Value::F32(8.0)),
        ("llama.attention.sliding_window", Value::U32(512)),
        ("llama.expert_count", Value::U32(8)),
        ("llama.rope.dimension_count", Value::U32(8)),
        ("llama.vocab_size", Value::U32(7)),
        ("llama.attention.head_count", Value::U32(0)),
        ("llama.attention.head_count", text("two")),
        ("llama.attention.head_count_kv", Value::U32(3)),
        ("llama.embedding_length", Value::I32(-256)),
        ("llama.block_count", Value::U32(1 << 30)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(f32::NAN)),
        ("tokenizer.ggml.model", text("llama")),
        ("tokenizer.ggml.pre", text("deepseek-coder")),
        ("tokenizer.ggml.pre", text("default")),
        ("tokenizer.ggml.merges", list(&["nospace"])),
        ("tokenizer.ggml.merges", list(&["on nowhere"])),
        ("tokenizer.ggml.token_type", Value::Array(vec![Value::I32(1)])),
        ("tokenizer.ggml.tokens", list(&["a", "a"])),
        ("tokenizer.ggml.tokens", Value::U32(3)),
        ("tokenizer.ggml.eos_token_id", Value::U32(1 << 20)),
        ("tokenizer.chat_template", Value::U32(3)),
    ] {
        let message = refusal(&changed("llama", |metadata| {
            metadata.retain(|(name, _)| name != key);
            metadata.push((key.to_owned(), value.clone()));
        }));
        let named = if key.ends_with("block_count") { "block_count" } else { key };
        assert!(message.contains(named), "{key} {value:?}: {message}");
    }
}

#[test]
fn a_tensor_of_another_name_or_shape_is_named() {
    let replace = |from: &[u8], to: &[u8]| {
        let mut bytes = std::fs::read(fixture("gguf/llama.gguf")).unwrap();
        let start = bytes.windows(from.len()).rposition(|window| window == from).unwrap();
        bytes[start..start + to.len()].copy_from_slice(to);
        bytes
    };
    assert!(
        refusal(&replace(b"output_norm.weight", b"output_harm.weight"))
            .contains("output_harm.weight: this tensor has no place")
    );
    assert!(refusal(&replace(b"blk.0.ffn_up.weight", b"blk.9.ffn_up.weight")).contains("blk.9.ffn_up.weight"));
    let message = refusal(&changed("llama", |metadata| {
        for (key, value) in metadata.iter_mut() {
            if key == "llama.feed_forward_length" {
                *value = Value::U32(64);
            }
        }
    }));
    assert!(message.contains("expected shape [64, 256], found [32, 256]"), "{message}");
}

fn import_bytes(bytes: &[u8], directory: &Path) -> bool {
    let (source, out) = (directory.join("flipped.gguf"), directory.join("model"));
    std::fs::write(&source, bytes).unwrap();
    let imported = import_gguf(&source, &out, false).is_ok();
    assert_eq!(imported, out.exists(), "an import is whole or absent");
    imported
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_header_never_panics(flips in prop::collection::vec((0_usize..9000, any::<u8>()), 1..4)) {
        let mut bytes = std::fs::read(fixture("gguf/qwen2.gguf")).unwrap();
        for (place, byte) in flips {
            bytes[place] = byte;
        }
        import_bytes(&bytes, tempfile::tempdir().unwrap().path());
    }
}
