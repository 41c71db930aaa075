//! Damaged and misplaced input of every command: exit code 2, one message that names the file or key, and no output.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

#[path = "support/tiny.rs"]
mod tiny;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

const CONFIG: &str = r#"
model.path = "model"
data.train = "train.jsonl"
output.dir = "run"
adapter.rank = 2
train.epochs = 1
train.global_batch_size = 2
train.micro_batch_size = 2
"#;

/// A folder in which everything is as it should be, until a test damages something.
struct Workshop {
    folder: tempfile::TempDir,
}

impl Workshop {
    fn new() -> Self {
        let workshop = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(workshop.path("model")).unwrap();
        tiny::write_model(&workshop.path("model"), &Value::Null);
        let question = json!({ "role": "user", "content": "Lequel ?" });
        let row = json!({ "messages": [question.clone(), { "role": "assistant", "content": "A" }] });
        workshop.write("train.jsonl", format!("{row}\n{row}\n"));
        let choices = json!([{ "label": "A", "text": "oui" }, { "label": "B", "text": "non" }]);
        let row = json!({ "id": "q1", "task": "mcqu", "messages": [question], "choices": choices });
        workshop.write("test.jsonl", format!("{row}\n"));
        workshop.write("sft.toml", CONFIG);
        workshop
    }

    /// The same, with a finished run.
    fn trained() -> Self {
        let workshop = Self::new();
        let output = workshop.run(&TRAIN, &[]);
        assert!(output.status.success(), "{}", stderr(&output));
        workshop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Cuts the file `name` short by `num_bytes`.
    fn cut(&self, name: &str, num_bytes: usize) {
        let mut bytes = std::fs::read(self.path(name)).unwrap();
        bytes.truncate(bytes.len() - num_bytes);
        self.write(name, bytes);
    }

    /// Replaces text in the file `name`; a text of the same length keeps the offsets of a safetensors file.
    fn replace(&self, name: &str, from: &str, to: &str) {
        let mut bytes = std::fs::read(self.path(name)).unwrap();
        let start = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        bytes.splice(start..start + from.len(), to.bytes());
        self.write(name, bytes);
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_medinjection-launch"))
            .args(arguments)
            .envs(environment.iter().copied())
            .env("OMP_NUM_THREADS", "1")
            .env("RUST_BACKTRACE", "1")
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// Runs the command, which fails with one message that contains `named`, and leaves nothing new behind.
    fn refuse(&self, arguments: &[&str], named: &str) {
        let before = names(self.folder.path());
        let output = self.run(arguments, &[]);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(named), "{arguments:?}, {named}: {message}");
        assert_eq!(message.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{message}");
        assert!(!message.contains("panicked") && !message.contains("this program failed"), "{message}");
        assert!(!message.contains("\n   0: "), "a stack trace: {message}");
        assert_eq!(names(self.folder.path()), before, "{arguments:?} left something behind: {message}");
    }
}

const TRAIN: [&str; 5] = ["train", "--config", "sft.toml", "--device", "cpu"];
const PREDICT: [&str; 7] = ["predict", "--model", "model", "--data", "test.jsonl", "--out", "out.jsonl"];
const PREDICT_RUN: [&str; 9] =
    ["predict", "--model", "model", "--adapter", "run", "--data", "test.jsonl", "--out", "out.jsonl"];
const MERGE: [&str; 7] = ["merge", "--model", "model", "--adapter", "run", "--out", "merged"];

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_damaged_model_is_refused_by_every_command_that_reads_one() {
    for command in [&TRAIN[..], &PREDICT] {
        let refuse = |damage: &dyn Fn(&Workshop), named: &str| {
            let workshop = Workshop::new();
            damage(&workshop);
            workshop.refuse(command, named);
        };
        let remove = |workshop: &Workshop, name: &str| std::fs::remove_file(workshop.path(name)).unwrap();
        refuse(&|workshop| workshop.cut("model/model.safetensors", 10), "model.safetensors");
        refuse(&|workshop| workshop.write("model/model.safetensors", [0xff; 64]), "model.safetensors");
        refuse(&|workshop| workshop.write("model/model.safetensors", ""), "model.safetensors");
        refuse(
            &|workshop| workshop.replace("model/model.safetensors", "layers.0.mlp.up_proj", "layers.0.mlp.pu_proj"),
            "mlp.up_proj",
        );
        refuse(&|workshop| remove(workshop, "model/model.safetensors"), "model.safetensors");
        refuse(&|workshop| remove(workshop, "model/config.json"), "config.json");
        refuse(&|workshop| remove(workshop, "model/tokenizer.json"), "tokenizer.json");
        refuse(&|workshop| workshop.write("model/config.json", "{"), "config.json");
        refuse(
            &|workshop| workshop.replace("model/config.json", "Qwen3ForCausalLM", "GPT2LMHeadModel"),
            "GPT2LMHeadModel",
        );
        refuse(&|workshop| workshop.write("model/tokenizer.json", "{\"model\":{}}"), "tokenizer.json: not a tokenizer");
        refuse(&|workshop| workshop.write("model/tokenizer_config.json", "[1]"), "tokenizer_config.json");
        refuse(
            &|workshop| workshop.write("model/chat_template.jinja", "{% for %}"),
            "chat_template.jinja: chat template: ",
        );
        refuse(&|workshop| workshop.write("model/chat_template.jinja", "{{ strftime_now('%d') }}"), "strftime_now");
    }
}

#[test]
fn a_damaged_adapter_is_refused_by_predict_and_merge() {
    const WEIGHTS: &str = "run/adapter/adapter_model.safetensors";
    const FILE: &str = "run/adapter/adapter_config.json";
    let trained = Workshop::trained();
    let (weights, config) = (std::fs::read(trained.path(WEIGHTS)).unwrap(), std::fs::read(trained.path(FILE)).unwrap());
    for command in [&PREDICT_RUN[..], &MERGE] {
        let refuse = |damage: &dyn Fn(), named: &str| {
            damage();
            trained.refuse(command, named);
            trained.write(WEIGHTS, &weights);
            trained.write(FILE, &config);
        };
        refuse(&|| trained.cut(WEIGHTS, 4), "adapter_model.safetensors");
        refuse(&|| trained.replace(WEIGHTS, "q_proj.lora_A", "q_jorp.lora_A"), "q_");
        refuse(&|| std::fs::remove_file(trained.path(WEIGHTS)).unwrap(), "adapter_model.safetensors");
        refuse(&|| std::fs::remove_file(trained.path(FILE)).unwrap(), "adapter");
        refuse(&|| trained.write(FILE, "{\"peft_type\": \"IA3\"}"), "adapter_config.json");
        refuse(&|| trained.write(FILE, "null"), "adapter_config.json");
    }
}

#[test]
fn a_run_that_is_not_completed_is_refused() {
    let trained = Workshop::trained();
    trained.replace("run/status.json", "completed", "stopped");
    trained.refuse(&PREDICT_RUN, "--allow-unfinished");
    trained.refuse(&MERGE, "--allow-unfinished");
    let allowed = [&MERGE[..], &["--allow-unfinished"]].concat();
    assert!(trained.run(&allowed, &[]).status.success());
    assert!(trained.path("merged/model.safetensors").exists());
}

#[test]
fn a_run_that_was_killed_is_refused() {
    let trained = Workshop::trained();
    std::fs::remove_file(trained.path("run/status.json")).unwrap();
    for command in [&PREDICT_RUN[..], &MERGE] {
        trained.refuse(command, "run: expected a run that is completed, found one without status.json: it was killed");
    }
    std::fs::remove_dir_all(trained.path("run/adapter")).unwrap();
    trained.refuse(&PREDICT_RUN, "it was killed");
    trained.refuse(&[&PREDICT_RUN[..], &["--allow-unfinished"]].concat(), "adapter_config.json");
}

#[test]
fn a_forced_run_that_fails_leaves_the_old_adapter() {
    const WEIGHTS: &str = "adapter/adapter_model.safetensors";
    let trained = Workshop::trained();
    let read = |run: &str| std::fs::read(trained.path(run).join(WEIGHTS)).unwrap();
    let old = read("run");
    let settings = ["train.epochs=9", "optim.warmup_ratio=0", "optim.learning_rate=1e300"].map(|set| ["--set", set]);
    let failing = [&TRAIN[..], &["--force"], settings.concat().as_slice()].concat();
    for _ in 0..2 {
        trained.refuse(&failing, "expected a finite loss");
        assert_eq!(read("run/previous"), old);
    }
    trained.refuse(&PREDICT_RUN, "found failed");
    trained.refuse(&PREDICT_RUN, "run/previous is the one before it");
    let kept =
        ["predict", "--model", "model", "--adapter", "run/previous", "--data", "test.jsonl", "--out", "out.jsonl"];
    assert!(trained.run(&kept, &[]).status.success());
    let other = [&TRAIN[..], &["--set", "train.seed=7"]].concat();
    trained.refuse(&other, "and it was made with other options: optim.learning_rate is 1e+300, not 0.0001; ");
    assert!(trained.run(&[&other[..], &["--force"]].concat(), &[]).status.success());
    assert!(read("run") != old && !trained.path("run/previous").exists());
}

#[test]
fn a_directory_that_is_no_run_is_not_trained_into() {
    let workshop = Workshop::new();
    std::fs::create_dir(workshop.path("run")).unwrap();
    workshop.write("run/mixture.json", "{\"mine\": true}");
    for force in [&[][..], &["--force"]] {
        workshop.refuse(&[&TRAIN[..], force].concat(), "output.dir: run: expected a new or an empty directory");
        assert_eq!(names(&workshop.path("run")), ["mixture.json"]);
    }
    assert_eq!(std::fs::read(workshop.path("run/mixture.json")).unwrap(), b"{\"mine\": true}");
}

#[test]
fn an_output_never_replaces_an_input_nor_what_is_no_file() {
    let workshop = Workshop::trained();
    let before = std::fs::read(workshop.path("test.jsonl")).unwrap();
    std::os::unix::fs::symlink("test.jsonl", workshop.path("link.jsonl")).unwrap();
    std::fs::hard_link(workshop.path("test.jsonl"), workshop.path("hard.jsonl")).unwrap();
    assert!(Command::new("mkfifo").arg(workshop.path("pipe")).status().unwrap().success());
    for (out, named) in [
        ("test.jsonl", "would replace its own input test.jsonl"),
        ("model/../test.jsonl", "would replace its own input"),
        ("link.jsonl", "would replace its own input"),
        ("hard.jsonl", "would replace its own input"),
        ("model", "found a directory"),
        ("pipe", "found a pipe"),
        ("/dev/full", "found a device"),
    ] {
        for force in [&[][..], &["--force"]] {
            let command = ["predict", "--model", "model", "--data", "test.jsonl", "--out", out];
            workshop.refuse(&[&command[..], force].concat(), named);
        }
    }
    assert_eq!(std::fs::read(workshop.path("test.jsonl")).unwrap(), before);
    let merge = |out: &str, named: &str| {
        for force in [&[][..], &["--force"]] {
            workshop
                .refuse(&[&["merge", "--model", "model", "--adapter", "run", "--out", out][..], force].concat(), named);
        }
    };
    merge("model", "would replace its own input model");
    merge("run", "would replace its own input");
    merge("run/adapter", "would replace its own input");
    merge("test.jsonl", "found a file");
    std::fs::create_dir(workshop.path("thesis")).unwrap();
    workshop.write("thesis/chapter.tex", "");
    merge("thesis", "found chapter.tex in it");
    assert!(workshop.path("thesis/chapter.tex").exists() && workshop.path("run/adapter").is_dir());
}

#[test]
fn blank_lines_and_a_mark_are_read_over_and_rows_keep_their_numbers() {
    let workshop = Workshop::new();
    for name in ["train.jsonl", "test.jsonl"] {
        let text = std::fs::read_to_string(workshop.path(name)).unwrap();
        workshop.write(name, format!("\u{feff}\n  \r\n{}\n\n", text.replace('\n', "\n\n")));
    }
    for command in [&TRAIN[..], &PREDICT] {
        let output = workshop.run(command, &[]);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    std::fs::remove_dir_all(workshop.path("run")).unwrap();
    let question = json!({ "messages": [{ "role": "user", "content": "Lequel ?" }] });
    workshop.write("train.jsonl", format!("\u{feff}\n\n{question}\n"));
    workshop.refuse(
        &TRAIN,
        "error: train.jsonl, row 3: messages: expected the model's turn (role assistant) last, found a turn of the user",
    );
}

#[test]
fn a_tokenizer_of_another_model_is_refused_before_it_is_used() {
    let workshop = Workshop::new();
    workshop.replace("model/tokenizer.json", "\"A\":65", "\"A\":9965");
    for command in [&TRAIN[..], &PREDICT] {
        workshop.refuse(command, "they do not belong together");
    }
}

#[test]
fn a_configuration_names_the_key_that_is_wrong() {
    let workshop = Workshop::new();
    for (from, to, named) in [
        ("adapter.rank", "adapter.rnak", "adapter.rnak"),
        ("adapter.rank", "adaptor.rank", "adaptor"),
        ("rank = 2", "rank = 0", "adapter.rank"),
        ("rank = 2", "rank = \"two\"", "adapter.rank"),
        ("epochs = 1", "epochs = -1", "train.epochs"),
        ("output.dir = \"run\"\n", "", "output.dir"),
        ("global_batch_size = 2", "global_batch_size = 3", "train.global_batch_size"),
        ("train.epochs", "optim.learning_rate = nan\ntrain.epochs", "optim.learning_rate"),
        ("train.epochs", "adapter.dropout = 1.5\ntrain.epochs", "adapter.dropout"),
        ("train.epochs", "adapter.method = \"ia3\"\ntrain.epochs", "adapter.method"),
        ("train.epochs", "[[", "sft.toml"),
    ] {
        workshop.write("sft.toml", CONFIG.replacen(from, to, 1));
        workshop.refuse(&TRAIN, named);
    }
    workshop.write("sft.toml", CONFIG);
    for (setting, named) in
        [("train.epohcs=3", "train.epohcs"), ("epochs", "epochs"), ("data.order=sideways", "data.order")]
    {
        workshop.refuse(&[&TRAIN[..], &["--set", setting]].concat(), named);
    }
    workshop.refuse(&["train", "--config", "absent.toml"], "absent.toml");
}

#[test]
fn a_gguf_file_that_cannot_be_imported_leaves_nothing() {
    let workshop = Workshop::new();
    let import = ["import-gguf", "file.gguf", "--out", "imported"];
    workshop.refuse(&import, "file.gguf");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/parity/gguf/llama.gguf");
    workshop.write("file.gguf", std::fs::read(fixture).unwrap());
    workshop.refuse(&["import-gguf", "file.gguf", "--out", "model"], "--force");
    workshop.refuse(&["import-gguf", "file.gguf", "--out", "."], "would replace its own input file.gguf");
    workshop.refuse(&["import-gguf", "file.gguf", "--out", "file.gguf", "--force"], "found a file");
    assert!(workshop.run(&import, &[]).status.success());
    assert!(stderr(&workshop.run(&import, &[])).contains("imported: up to date"));
    std::fs::remove_dir_all(workshop.path("imported")).unwrap();
    workshop.cut("file.gguf", 1);
    workshop.refuse(&import, "file.gguf: ");
}

#[test]
fn tasks_that_srun_started_without_pmix_are_refused_by_one_message() {
    let workshop = Workshop::new();
    let step = [("SLURM_STEP_ID", "0"), ("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_NTASKS", "2")];
    for command in [&TRAIN[..], &PREDICT] {
        let first = workshop.run(command, &[&step[..], &[("SLURM_PROCID", "0")]].concat());
        assert_eq!(first.status.code(), Some(2));
        assert!(stderr(&first).contains("srun --mpi=pmix"), "{}", stderr(&first));
        let second = workshop.run(command, &[&step[..], &[("SLURM_PROCID", "1")]].concat());
        // The first speaks and carries the code; a code of another's own would have the first killed.
        assert_eq!((second.status.code(), stderr(&second)), (Some(0), String::new()));
    }
}

#[test]
fn a_plan_counts_what_a_run_trains() {
    let workshop = Workshop::trained();
    let output = workshop.run(&["plan", "--config", "sft.toml", "--cpu", "--json"], &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    let bytes = std::fs::read(workshop.path("run/adapter/adapter_model.safetensors")).unwrap();
    let header = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
    assert_eq!(plan["num_trained"], (bytes.len() - 8 - header) / 4);
    assert_eq!((&plan["num_rows"], &plan["num_steps"], &plan["fits"]), (&json!(2), &json!(1), &json!("kept")));
    let output = workshop.run(&["plan", "--config", "sft.toml", "--device-memory", "0.001"], &[]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("trained of") && text.contains("fits             no:"), "{text}");
    let repository = workshop.path("hub/models--org--tiny");
    std::fs::create_dir_all(repository.join("snapshots")).unwrap();
    std::fs::create_dir_all(repository.join("refs")).unwrap();
    std::fs::write(repository.join("refs/main"), "abc").unwrap();
    std::fs::rename(workshop.path("model"), repository.join("snapshots/abc")).unwrap();
    let cache = workshop.path("hub").display().to_string();
    let cached = ["plan", "--config", "sft.toml", "--cpu", "--json", "--set", "model.path=org/tiny"];
    let output = workshop.run(&cached, &[("HF_HUB_CACHE", &cache)]);
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), plan, "{}", stderr(&output));
    let output = workshop.run(&["plan", "--config", "sft.toml", "--utilisation", "2"], &[]);
    assert!(!output.status.success() && stderr(&output).contains("above 0 and at most 1"), "{}", stderr(&output));
}

#[test]
fn the_doctor_names_what_it_finds_and_what_to_do() {
    let workshop = Workshop::new();
    let output = workshop.run(&["doctor"], &[]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("✓ libtorch   2."), "{text}");
    assert!(text.contains("processor") && text.contains("Slurm") && text.contains("memory"), "{text}");
    let lines = String::from_utf8_lossy(&workshop.run(&["doctor", "--json"], &[]).stdout).into_owned();
    let findings: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(findings[0]["verdict"], "good");
    assert!(findings.iter().all(|finding| (finding["verdict"] == "good") == finding["remedy"].is_null()), "{lines}");
}
