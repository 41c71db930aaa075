//! The model card of an adapter: what it belongs to, how it was trained, and where its losses ended.
//!
//! Everything comes from the run's configuration and metrics, but no time and no path, so that a run that was made again, or went on after an
//! end, has the same card. The licence is the user's to say.

use std::fmt::Write;
use std::path::Path;

use medinjection_fr::provenance::write_atomic;
use serde_json::Value;

use crate::adapter::peft;
use crate::config::{Method, TrainConfig};
use crate::{Error, Result};

/// The file of the card, beside [`peft::WEIGHTS_FILE`].
pub const CARD_FILE: &str = "README.md";

/// Writes the card of the run of `config` into `folder`; the losses are the last ones of the file `metrics`, and `ending` says how the run
/// ended.
///
/// # Errors
/// [`Error::Library`] if a file cannot be read or written, [`Error::Format`] if `metrics` holds a line that is not JSON.
pub fn write_card(
    folder: &Path,
    config: &TrainConfig,
    (base_model, ending): (&str, &str),
    metrics: &Path,
) -> Result<()> {
    let text = std::fs::read_to_string(metrics).map_err(Error::io(metrics))?;
    let lines: Vec<Value> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .map_err(|error| Error::format(metrics, error))?;
    Ok(write_atomic(&folder.join(CARD_FILE), card(config, base_model, ending, &lines).as_bytes())?)
}

fn card(config: &TrainConfig, base_model: &str, ending: &str, metrics: &[Value]) -> String {
    let method = match config.adapter.shape.method {
        Method::Dora => "DoRA",
        Method::Lora => "LoRA",
        Method::Rslora => "rsLoRA",
    };
    // A JSON text is a YAML text.
    let mut card = format!(
        "---\nbase_model: {}\nlibrary_name: peft\npipeline_tag: text-generation\nlanguage:\n- fr\ntags:\n- {}\n- lora\n- sft\n- medical\n- biology\n---\n\n",
        Value::from(base_model),
        method.to_lowercase(),
    )
    .replace("- lora\n- lora\n", "- lora\n");
    let _ = write!(
        card,
        "# {method} adapter of {base_model} for French biomedical questions\n\nMade by MedInjection-FR. It is in PEFT's format \
         (`{}`, `{}`).\n\nA licence is for whoever publishes it to choose, in keeping with those of the base model and of the training rows: add \
         `license:` to the head of this file.\n\n## Training\n\n| setting | value |\n|---|---|\n",
        peft::CONFIG_FILE,
        peft::WEIGHTS_FILE
    );
    for (setting, value) in settings(config) {
        let _ = writeln!(card, "| {setting} | {value} |");
    }
    let _ = write!(card, "\n## End\n\nThe run ended because {ending}.\n\n| step | measure | value |\n|---|---|---|\n");
    for measure in ["loss", "eval_loss", "eval_exact_match"] {
        let last = metrics.iter().rev().find_map(|line| Some((&line["step"], line[measure].as_f64()?)));
        if let Some((step, value)) = last {
            let _ = writeln!(card, "| {step} | {measure} | {value:.4} |");
        }
    }
    card
}

/// The settings that decide on the adapter, by their keys.
fn settings(config: &TrainConfig) -> Vec<(String, String)> {
    const KEYS: [(&str, &[&str]); 4] = [
        ("data", &["order", "loss_on", "max_tokens"]),
        ("adapter", &["method", "rank", "alpha", "dropout", "dropout_scope", "target_modules"]),
        ("optim", &["learning_rate", "schedule", "warmup_ratio", "weight_decay", "max_grad_norm"]),
        (
            "train",
            &[
                "epochs",
                "max_steps",
                "global_batch_size",
                "precision",
                "seed",
                "load_best_at_end",
                "early_stopping_patience",
            ],
        ),
    ];
    let resolved = serde_json::to_value(config).unwrap_or_default();
    let value = |section: &str, key: &str| match &resolved[section][key] {
        Value::Null => None,
        Value::String(word) => Some((format!("`{section}.{key}`"), word.clone())),
        Value::Array(names) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            Some((format!("`{section}.{key}`"), names.join(", ")))
        }
        other => Some((format!("`{section}.{key}`"), other.to_string())),
    };
    KEYS.iter().flat_map(|(section, keys)| keys.iter().filter_map(|key| value(section, key))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_card_names_the_model_the_settings_and_the_last_losses_but_no_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sft.toml");
        std::fs::write(&file, "model.path = \"/m/x\"\ndata.train = \"/t.jsonl\"\noutput.dir = \"/run\"\n").unwrap();
        let config = TrainConfig::load(&file, &["adapter.method=lora".to_owned()]).unwrap();
        let metrics = [
            json!({"step": 1, "loss": 2.5}),
            json!({"step": 2, "eval_loss": 1.5, "eval_exact_match": 0.25}),
            json!({"step": 4, "loss": 0.5}),
        ];
        let card = card(&config, "org/\"name\"", "all steps are made", &metrics);
        for expected in [
            "---\nbase_model: \"org/\\\"name\\\"\"\nlibrary_name: peft\n",
            "language:\n- fr\ntags:\n- lora\n- sft\n",
            "| `adapter.target_modules` | down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj |\n",
            "| `optim.schedule` | cosine |\n",
            "| 4 | loss | 0.5000 |\n| 2 | eval_loss | 1.5000 |\n| 2 | eval_exact_match | 0.2500 |\n",
            "The run ended because all steps are made.",
        ] {
            assert!(card.contains(expected), "{expected:?} in {card}");
        }
        assert!(!card.contains("/m/x") && !card.contains("/run") && !card.contains("license: "), "{card}");
    }
}
