//! A run directory as training, `predict` and `score` leave it, made by hand.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::{Value, json};

/// Exit code, stdout and stderr of the command.
pub(super) fn medinjection(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("medinjection").unwrap().args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// 40 single-answer and 20 multi-answer questions; `right` says which are answered with the gold labels.
pub(super) fn predictions(right: impl Fn(u32) -> bool) -> String {
    let choices: Vec<Value> = ["A", "B", "C", "D", "E"]
        .iter()
        .map(|label| json!({ "label": label, "text": format!("réponse <{label}> & \"suite\"") }))
        .collect();
    let mut text = String::new();
    for index in 0..60 {
        let (task, gold) = if index < 40 { ("mcqu", vec!["B"]) } else { ("mcq", vec!["A", "C"]) };
        let answer = if right(index) { gold.clone() } else { vec!["A"] };
        let row = json!({
            "id": format!("q{index}"), "task": task, "source": "frenchmedmcqa", "origin": "native", "choices": choices,
            "answer_labels": gold, "reference": gold.join(", "), "prediction": answer.join(", "), "parsed": answer,
        });
        writeln!(text, "{row}").unwrap();
    }
    text
}

/// A run directory `name`, its files of predictions scored by the command itself.
pub(super) fn run(root: &Path, name: &str, model: &str, state: &str) -> PathBuf {
    let directory = root.join(name);
    std::fs::create_dir_all(directory.join("predictions")).unwrap();
    let write = |file: &str, text: &str| std::fs::write(directory.join(file), text).unwrap();
    write("config.toml", &format!("[model]\npath = \"models/{model}\"\n[adapter]\nmethod = \"dora\"\nrank = 16\n"));
    write("status.json", &json!({ "state": state, "step": 8, "reason": "" }).to_string());
    let share = |origin: &str, source: &str, task: &str, num_records: u64| json!({ "origin": origin, "source": source, "task": task, "num_records": num_records });
    let train = [share("native", "<script>alert(1)</script>", "mcq", 48), share("translated", "mmlu_fr", "mcqu", 48)];
    let mixture = json!({
        "tool_version": "0.1.0", "preset": "native_translated", "field": "origin",
        "ratios": { "native": 0.5, "translated": 0.5 }, "size": 96, "validation_size": 5, "seed": 42,
        "include_open": false, "allow_repetition": 1, "scale_to_available": false, "allow_leaks": false,
        "dataset": "0".repeat(64), "train": { "num_records": 96, "composition": train },
        "validation": { "num_records": 5, "composition": [share("translated", "mmlu_fr", "mcqu", 5)] },
        "notes": ["native has no validation split"], "files": {},
    });
    write("mixture.json", &mixture.to_string());
    let metrics: Vec<String> = (1..=8_u32)
        .map(|step| {
            json!({ "step": step, "epoch": f64::from(step) / 8.0, "loss": 1.2 + 1.0 / f64::from(step),
                    "learning_rate": 1e-4, "grad_norm": 0.7, "tokens": 2400, "tokens_per_second": 310.5,
                    "elapsed_seconds": 11.5 * f64::from(step), "peak_memory_bytes": 1_500_000_000_u64 })
            .to_string()
        })
        .collect();
    write("metrics.jsonl", &metrics.join("\n"));
    write("predictions/base.jsonl", &predictions(|index| index % 3 == 0));
    write("predictions/tuned.jsonl", &predictions(|index| index % 3 == 0 || index % 4 == 0));
    for which in ["base", "tuned"] {
        let file = |path: String| directory.join(path).to_str().unwrap().to_owned();
        let (input, out) = (file(format!("predictions/{which}.jsonl")), file(format!("scores/{which}.json")));
        assert_eq!(medinjection(&["score", "--predictions", &input, "--out", &out]).0, 0);
    }
    directory
}
