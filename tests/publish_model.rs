//! `medinjection publish adapter`, `publish model` and `pull --adapter`, against a server on loopback that stands for the Hub.

#![cfg(all(feature = "cli", feature = "hub"))]
#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

#[path = "support/run.rs"]
mod made;
#[path = "support/schemas.rs"]
mod schemas;
#[path = "support/hub.rs"]
#[expect(dead_code, reason = "only its hashes are used here")]
mod server;
#[path = "support/hub_writes.rs"]
#[expect(dead_code, reason = "its faults are those of data sets")]
mod writes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use medinjection_fr::provenance::{Lineage, fingerprint};
use serde_json::{Value, json};
use writes::{WRITER, WritableHub};

const REPO: &str = "labo/adaptateur";
const WEIGHTS: &str = "adapter_model.safetensors";

/// A completed run with an adapter whose configuration names a folder of this machine.
fn run(root: &Path) -> PathBuf {
    let run = made::run(root, "native_translated", "smollm2", "completed");
    let adapter = run.join("adapter");
    std::fs::create_dir_all(&adapter).unwrap();
    let config =
        json!({ "peft_type": "LORA", "r": 16, "use_dora": true, "base_model_name_or_path": "/home/me/smollm2" });
    std::fs::write(adapter.join("adapter_config.json"), config.to_string()).unwrap();
    std::fs::write(adapter.join(WEIGHTS), [7_u8; 5000]).unwrap();
    run
}

/// Exit code and everything that was said.
fn medinjection(home: &Path, hub: &WritableHub, arguments: &[&str], token: &str) -> (Option<i32>, String) {
    let mut command = Command::cargo_bin("medinjection").unwrap();
    command.current_dir(home).env_clear().env("HF_ENDPOINT", &hub.address).env("HF_HOME", home.join("hf"));
    let output = command.env("HF_TOKEN", token).args(arguments).output().unwrap();
    let all = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(all).unwrap())
}

fn publish<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let always = ["publish", "adapter", "native_translated", "--repo", REPO, "--license", "Apache-2.0"];
    [&always, more].concat()
}

#[test]
fn an_adapter_is_published_with_its_card_and_pulled_back() {
    let (home, hub) = (tempfile::tempdir().unwrap(), WritableHub::start());
    let run = run(home.path());
    let base = ["--base-model", "HuggingFaceTB/SmolLM2-135M-Instruct"];
    let (code, all) = medinjection(home.path(), &hub, &publish(&[&base[..], &["--dry-run"]].concat()), "");
    for said in [
        "library_name: peft",
        "base_model: HuggingFaceTB/SmolLM2-135M-Instruct",
        "license: apache-2.0",
        "| aggregate |  | 60 |",
        "native_translated (",
        "| `adapter.rank` | `16` |",
        "at step 8.",
        "must not be deployed",
        "factual drift",
        "5 files",
        "base_model_relation: adapter",
        "## Training loss",
        "| 8 | 1.3250 |",
    ] {
        assert!(code == Some(0) && all.contains(said), "{said} in {all}");
    }
    assert!(!all.contains("/home/me") && !all.contains("<script>") && hub.seen().is_empty(), "{all}");

    let (code, all) = medinjection(home.path(), &hub, &publish(&base), WRITER);
    assert!(code == Some(0) && all.contains("PeftModel.from_pretrained(base, \"labo/adaptateur\""), "{all}");
    let (code, all) = medinjection(home.path(), &hub, &publish(&base), WRITER);
    assert!(code == Some(0) && !all.contains("sent  ") && all.contains("unchanged  adapter_model"), "{all}");

    let (code, all) = medinjection(home.path(), &hub, &["pull", REPO, "--adapter", "--out", "back"], WRITER);
    assert!(code == Some(0) && !all.contains(WRITER), "{all}");
    let read = |path: PathBuf| std::fs::read(path).unwrap();
    assert_eq!(read(home.path().join("back").join(WEIGHTS)), read(run.join("adapter").join(WEIGHTS)));
    let config: Value = serde_json::from_slice(&read(home.path().join("back/adapter_config.json"))).unwrap();
    assert_eq!((&config["base_model_name_or_path"], &config["use_dora"]), (&base[1].into(), &true.into()));
    schemas::assert_valid("model-manifest", &[&home.path().join("back/manifest.json")]);
}

/// The folder that `medinjection-launch merge` makes of the adapter of `run`, in `num_parts` files of weights.
fn merged(root: &Path, run: &Path, num_parts: u8) -> PathBuf {
    let folder = root.join("merged");
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &[u8]| std::fs::write(folder.join(name), text).unwrap();
    write("config.json", json!({ "model_type": "llama", "_name_or_path": "/home/me/smollm2" }).to_string().as_bytes());
    write("tokenizer.json", b"{}");
    write(".hidden", b"mine");
    write("notes.txt", b"mine");
    for part in 1..=num_parts {
        write(&format!("model-0000{part}-of-0000{num_parts}.safetensors"), &[part; 5000]);
    }
    let files = ["adapter_config.json", WEIGHTS].map(|name| run.join("adapter").join(name));
    let inputs = BTreeMap::from([("adapter".to_owned(), fingerprint(&files).unwrap())]);
    Lineage::new("merge", json!({}), inputs).write(&folder.join("config.json")).unwrap();
    folder
}

#[test]
fn a_merged_model_is_published_if_it_is_of_the_run_and_its_old_parts_go() {
    let (home, hub) = (tempfile::tempdir().unwrap(), WritableHub::start());
    let run = run(home.path());
    let folder = merged(home.path(), &run, 2);
    let arguments = ["publish", "model", "merged", "--run", "native_translated", "--repo", "labo/modele"];
    let arguments = [&arguments[..], &["--license", "Apache-2.0", "--base-model", "a/b"]].concat();
    let (code, all) = medinjection(home.path(), &hub, &arguments, WRITER);
    assert!(code == Some(0) && all.contains("AutoModelForCausalLM.from_pretrained(\"labo/modele\""), "{all}");
    let names = |hub: &WritableHub| hub.files("labo/modele").into_keys().collect::<Vec<_>>();
    let expected = ["README.md", "config.json", "manifest.json", "metrics.jsonl"];
    let parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "tokenizer.json"];
    let sent = names(&hub).into_iter().filter(|name| name != ".gitattributes").collect::<Vec<_>>();
    assert_eq!(sent, [&expected[..], &parts].concat());
    let files = hub.files("labo/modele");
    let text = |name: &str| String::from_utf8(files[name].0.clone()).unwrap();
    assert!(text("config.json").contains("\"_name_or_path\": \"a/b\""), "{}", text("config.json"));
    for said in ["library_name: transformers", "base_model_relation: finetune", "name: \"frenchmedmcqa\"", "folded"] {
        assert!(text("README.md").contains(said), "{said} in {}", text("README.md"));
    }

    std::fs::remove_dir_all(&folder).unwrap();
    merged(home.path(), &run, 1);
    let (code, all) = medinjection(home.path(), &hub, &arguments, WRITER);
    assert!(code == Some(0) && all.contains("deleted    model-00002-of-00002"), "{all}");
    let (code, all) = medinjection(home.path(), &hub, &["pull", "labo/modele", "--model", "--out", "back"], WRITER);
    assert!(code == Some(0) && home.path().join("back/model-00001-of-00001.safetensors").exists(), "{all}");

    std::fs::write(run.join("adapter").join(WEIGHTS), "other").unwrap();
    let (code, all) = medinjection(home.path(), &hub, &arguments, WRITER);
    assert!(code == Some(2) && all.contains("found one with another adapter; merge it again"), "{all}");
    std::fs::remove_file(folder.join("config.json.lineage.json")).unwrap();
    let (code, all) = medinjection(home.path(), &hub, &arguments, WRITER);
    assert!(code == Some(2) && all.contains("of which this is not known"), "{all}");
}

/// What is published is brought by `huggingface_hub`, whose own classes read the card.
#[test]
fn the_official_client_brings_the_same_files_and_reads_the_results() {
    let (home, hub) = (tempfile::tempdir().unwrap(), WritableHub::start());
    run(home.path());
    let (code, all) = medinjection(home.path(), &hub, &publish(&["--base-model", "a/b"]), WRITER);
    assert_eq!(code, Some(0), "{all}");
    let (code, all) = medinjection(home.path(), &hub, &["pull", REPO, "--adapter", "--out", "back"], WRITER);
    assert_eq!(code, Some(0), "{all}");
    hub.official_client("hub_models.py", &[REPO, "back"], home.path());
}

#[test]
fn a_run_that_is_not_whole_and_a_wrong_statement_are_refused() {
    let (home, hub) = (tempfile::tempdir().unwrap(), WritableHub::start());
    let run = run(home.path());
    for (base, expected) in [("/models/x", "--base-model: expected OWNER/NAME"), ("a", "--base-model: ")] {
        let (code, all) = medinjection(home.path(), &hub, &publish(&["--base-model", base, "--dry-run"]), "");
        assert!(code == Some(2) && all.contains(expected), "{all}");
    }
    let adapter = run.join("adapter");
    std::fs::rename(adapter.join(WEIGHTS), home.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(home.path().join("elsewhere"), adapter.join(WEIGHTS)).unwrap();
    let (code, all) = medinjection(home.path(), &hub, &publish(&["--base-model", "a/b"]), WRITER);
    assert!(code == Some(2) && all.contains("found a symbolic link"), "{all}");
    std::fs::remove_file(run.join("scores/tuned.json")).unwrap();
    let (code, all) = medinjection(home.path(), &hub, &publish(&["--base-model", "a/b"]), WRITER);
    assert!(code == Some(2) && all.contains("scores/tuned.json"), "{all}");
    assert!(hub.repository(REPO).is_none());
}
