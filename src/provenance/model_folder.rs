//! Names of the files of a model folder in transformers' layout, beside its weights.

/// Which file holds which weight, where there are several.
pub const WEIGHT_INDEX: &str = "model.safetensors.index.json";

/// What changes what a model reads or answers.
pub const MODEL_FILES: [&str; 7] = [
    "config.json",
    "generation_config.json",
    WEIGHT_INDEX,
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
];

/// What only older tools read.
pub const OLDER_MODEL_FILES: [&str; 2] = ["vocab.json", "merges.txt"];
