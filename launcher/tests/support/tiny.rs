//! A tiny model folder for tests: the parity fixtures' random Qwen3 with a tokenizer of bytes and a `ChatML` template.

use std::path::Path;

use serde_json::{Map, Value, json};

const TEMPLATE: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}\
    {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// Writes the folder; `normalizer` is what the tokenizer does to a text before it cuts it into bytes.
pub(crate) fn write_model(folder: &Path, normalizer: &Value) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/parity/models/qwen3");
    std::fs::create_dir_all(folder).unwrap();
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(fixture.join(name), folder.join(name)).unwrap();
    }
    let mut vocabulary: Map<String, Value> = Map::new();
    for (id, symbol) in byte_symbols().into_iter().enumerate() {
        vocabulary.insert(symbol.to_string(), id.into());
    }
    let special = |(offset, content): (usize, &str)| {
        json!({"id": 256 + offset, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    };
    let specials: Vec<Value> =
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>"].into_iter().enumerate().map(special).collect();
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": specials, "normalizer": normalizer,
        "pre_tokenizer": bytes, "post_processor": null, "decoder": bytes,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocabulary, "merges": []}
    });
    let config = json!({"eos_token": "<|im_end|>", "chat_template": TEMPLATE});
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    std::fs::write(folder.join("tokenizer_config.json"), config.to_string()).unwrap();
}

/// The character that byte-level tokenizers write for each byte: itself where it can be printed, otherwise one from U+0100 on.
fn byte_symbols() -> Vec<char> {
    let printable = |byte: u32| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let mut next = 0x100..;
    (0..256_u32)
        .map(|byte| if printable(byte) { byte } else { next.next().unwrap() })
        .map(|code| char::from_u32(code).unwrap())
        .collect()
}
