//! Decoding against the definitions, and `predict` as a user types it, on a tiny random model.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails its test")]

#[path = "support/tiny.rs"]
mod tiny;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use medinjection_fr::record::{ChoiceLabel, Task};
use medinjection_fr::render::Message;
use medinjection_launcher::chat::Chat;
use medinjection_launcher::decode::{Answer, Decoder, Decoding};
use medinjection_launcher::model::{CausalLm, PackedBatch};
use serde_json::{Value, json};
use tch::{Device, Kind};

struct Fixture {
    folder: tempfile::TempDir,
    model: CausalLm,
    chat: Chat,
}

fn fixture(normalizer: &Value) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    tiny::write_model(folder.path(), normalizer);
    let model = CausalLm::load(folder.path(), Device::Cpu, Kind::Float).unwrap();
    let chat = Chat::load(folder.path()).unwrap();
    Fixture { folder, model, chat }
}

fn labels(count: usize) -> Vec<ChoiceLabel> {
    (0..count).map(|index| ChoiceLabel::from_index(index).unwrap()).collect()
}

fn question(index: usize) -> [Message; 1] {
    [Message::user(format!("Question {index} ?"))]
}

impl Fixture {
    fn answer(&self, decoding: Decoding, task: Task, num_choices: usize, index: usize) -> Answer {
        let decoder = Decoder::new(&self.model, &self.chat, decoding, 12);
        let question = decoder.question(&question(index), task, &labels(num_choices)).unwrap();
        decoder.answer(&[question]).unwrap().remove(0)
    }

    /// Log-probabilities of the token after `ids`.
    fn next(&self, ids: &[i64]) -> Vec<f64> {
        let hidden = self.model.hidden(&PackedBatch::new(&[ids], Device::Cpu), None);
        let last = self.model.logits(&hidden).get(-1).log_softmax(-1, Kind::Double);
        Vec::<f64>::try_from(last).unwrap()
    }

    fn prompt(&self, index: usize) -> (String, Vec<i64>) {
        let prompt = self.chat.prompt(&question(index)).unwrap();
        let ids = self.chat.tokenizer().encode(&prompt).unwrap();
        (prompt, ids)
    }

    /// The walk as DESIGN defines it, on the whole tree of canonical answers and without a cache.
    fn walk(&self, num_choices: usize, index: usize) -> String {
        let (prompt, ids) = self.prompt(index);
        let mut answers = BTreeMap::new();
        for set in 1..1_u32 << num_choices {
            let chosen = labels(num_choices).into_iter().filter(|label| set >> label.index() & 1 == 1);
            let text = chosen.map(|label| label.to_string()).collect::<Vec<_>>().join(", ");
            let mut tokens = self.chat.continuation_ids(&prompt, &text).unwrap();
            tokens.push(self.chat.end_of_turn());
            answers.insert(tokens, text);
        }
        let mut path: Vec<i64> = Vec::new();
        while !answers.contains_key(&path) {
            let scores = self.next(&[ids.as_slice(), &path].concat());
            let allowed = answers.keys().filter(|tokens| tokens.starts_with(&path)).map(|tokens| tokens[path.len()]);
            let score = |token: i64| scores[usize::try_from(token).unwrap()];
            path.push(allowed.max_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap());
        }
        answers.remove(&path).unwrap()
    }
}

#[test]
fn several_answers_are_the_walk_down_the_whole_tree() {
    let fixture = fixture(&Value::Null);
    let mut seen = std::collections::BTreeSet::new();
    for index in 0..24 {
        let num_choices = 2 + index % 4;
        let answer = fixture.answer(Decoding::Constrained, Task::Mcq, num_choices, index);
        assert_eq!(answer.text, fixture.walk(num_choices, index), "question {index}");
        assert_eq!(answer.probabilities.len(), num_choices);
        assert!(answer.probabilities.values().all(|probability| (0.0..=1.0).contains(probability)));
        seen.insert(answer.text);
    }
    assert!(3 <= seen.len() && seen.iter().any(|text| text.contains(", ")), "{seen:?}");
}

#[test]
fn a_single_answer_is_the_most_probable_letter() {
    let fixture = fixture(&Value::Null);
    for index in 0..12 {
        let (prompt, ids) = fixture.prompt(index);
        let scores = fixture.next(&ids);
        let score = |label: &ChoiceLabel| {
            let tokens = fixture.chat.continuation_ids(&prompt, &label.to_string()).unwrap();
            scores[usize::try_from(tokens[0]).unwrap()]
        };
        let expected = labels(5).into_iter().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
        let answer = fixture.answer(Decoding::Constrained, Task::Mcqu, 5, index);
        assert_eq!(answer.labels.unwrap(), [expected]);
        assert!((answer.probabilities.values().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}

#[test]
fn letters_of_several_tokens_are_scored_whole() {
    // Each letter becomes two bytes, of which the first is the same.
    let double = |letter: &str| json!({"type": "Replace", "pattern": {"String": letter}, "content": format!("_{}", letter.to_lowercase())});
    let fixture = fixture(&json!({"type": "Sequence", "normalizers": [double("A"), double("B"), double("C")]}));
    for index in 0..6 {
        let (prompt, ids) = fixture.prompt(index);
        let score = |label: &ChoiceLabel| {
            let tokens = fixture.chat.continuation_ids(&prompt, &label.to_string()).unwrap();
            assert_eq!(tokens.len(), 2);
            let probability = |before: &[i64], token: i64| {
                fixture.next(&[ids.as_slice(), before].concat())[usize::try_from(token).unwrap()]
            };
            probability(&[], tokens[0]) + probability(&tokens[..1], tokens[1])
        };
        let expected = labels(3).into_iter().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
        assert_eq!(fixture.answer(Decoding::Constrained, Task::Mcqu, 3, index).labels.unwrap(), [expected]);
        assert_eq!(fixture.answer(Decoding::Constrained, Task::Mcq, 3, index).text, fixture.walk(3, index));
    }
}

#[test]
fn twenty_six_choices_are_walked_without_growing_the_whole_tree() {
    let answer = fixture(&Value::Null).answer(Decoding::Constrained, Task::Mcq, 26, 0);
    assert_ne!(answer.labels.unwrap(), [] as [medinjection_fr::record::ChoiceLabel; 0]);
    assert_eq!(answer.probabilities.len(), 26);
}

#[test]
fn the_published_mode_allows_an_answer_without_a_letter() {
    let fixture = fixture(&Value::Null);
    for index in 0..12 {
        let answer = fixture.answer(Decoding::Published, Task::Mcq, 4, index);
        assert!(answer.text.chars().all(|character| "ABCD, ".contains(character)), "{}", answer.text);
        assert!(answer.text.len() <= 8);
        let single = fixture.answer(Decoding::Published, Task::Mcqu, 4, index);
        assert!(single.text.len() <= 1);
        assert_eq!(single.labels.is_none(), !single.text.contains(|c: char| c.is_ascii_uppercase()));
    }
}

#[test]
fn a_batch_gives_each_row_what_it_gets_alone() {
    let fixture = fixture(&Value::Null);
    for decoding in [Decoding::Constrained, Decoding::Greedy, Decoding::Published] {
        let decoder = Decoder::new(&fixture.model, &fixture.chat, decoding, 6);
        let tasks = [Task::Mcq, Task::Oeq, Task::Mcqu];
        let ask = |index: usize| decoder.question(&question(index), tasks[index % 3], &labels(4)).unwrap();
        let questions: Vec<_> = (0..9).map(ask).collect();
        let together = decoder.answer(&questions).unwrap();
        for (question, expected) in questions.into_iter().zip(together) {
            assert_eq!(decoder.answer(&[question]).unwrap()[0].text, expected.text);
        }
    }
}

fn rows(path: &Path, count: usize) {
    let row = |index: usize| {
        let choices: Vec<Value> =
            labels(4).iter().map(|label| json!({"label": label.to_string(), "text": "oui"})).collect();
        let task = ["mcqu", "mcq", "oeq"][index % 3];
        let messages = json!([{"role": "user", "content": "Combien ? ".repeat(1 + index % 5)}]);
        json!({"id": format!("q{index}"), "task": task, "messages": messages, "choices": choices, "mine": index})
    };
    let mut text = (0..count).map(|index| row(index).to_string()).collect::<Vec<_>>().join("\n");
    text.push('\n');
    std::fs::write(path, text).unwrap();
}

fn predict(model: &Path, data: &Path, out: &Path) -> Command {
    let mut command = Command::cargo_bin("medinjection-launch").unwrap();
    command.arg("predict").arg("--model").arg(model).arg("--data").arg(data).arg("--out").arg(out);
    command.args(["--max-new-tokens", "5"]);
    command
}

#[test]
fn predictions_keep_order_and_fields_and_do_not_depend_on_the_batch() {
    let fixture = fixture(&Value::Null);
    let path = |name: &str| -> PathBuf { fixture.folder.path().join(name) };
    let (data, one, many) = (path("rows.jsonl"), path("one.jsonl"), path("many.jsonl"));
    rows(&data, 10);
    predict(fixture.folder.path(), &data, &one).args(["--batch-size", "1"]).assert().success();
    predict(fixture.folder.path(), &data, &many).args(["--batch-size", "4"]).assert().success();
    let text = std::fs::read_to_string(&one).unwrap();
    let values: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(values.len(), 10);
    for (index, value) in values.iter().enumerate() {
        assert_eq!((&value["id"], &value["mine"]), (&format!("q{index}").into(), &index.into()));
        assert!(value.get("messages").is_none() && value["prediction"].is_string());
        assert_eq!(value.get("parsed").is_some(), index % 3 != 2);
    }
    for (value, other) in values.iter().zip(std::fs::read_to_string(&many).unwrap().lines()) {
        let other: Value = serde_json::from_str(other).unwrap();
        assert_eq!((&value["prediction"], &value["parsed"]), (&other["prediction"], &other["parsed"]));
    }
    let again = predict(fixture.folder.path(), &data, &one).assert().success();
    assert!(String::from_utf8_lossy(&again.get_output().stderr).contains("one.jsonl: up to date"));
    rows(&data, 9);
    let refused = predict(fixture.folder.path(), &data, &one).assert().code(2);
    assert!(String::from_utf8_lossy(&refused.get_output().stderr).contains("another data"));
    assert_eq!(std::fs::read_to_string(&one).unwrap(), text);
    predict(fixture.folder.path(), &data, &one).arg("--force").assert().success();
    assert_eq!(std::fs::read_to_string(&one).unwrap().lines().count(), 9);
}

#[test]
fn bad_rows_end_with_code_2_one_message_and_no_output() {
    let fixture = fixture(&Value::Null);
    let (data, out) = (fixture.folder.path().join("rows.jsonl"), fixture.folder.path().join("out.jsonl"));
    rows(&data, 3);
    let good = std::fs::read_to_string(&data).unwrap();
    let long = "très long ".repeat(40);
    for (from, to, expected) in [
        (
            "\"label\":\"B\"",
            "\"label\":\"7\"",
            "rows.jsonl, row 1: expected an evaluation row: expected a letter from A to Z",
        ),
        ("{\"choices\"", "{\"options\"", "rows.jsonl, row 1: choices: expected some"),
        ("\"q2\"", "q2", "rows.jsonl, row 3: expected an evaluation row"),
        ("Combien", long.as_str(), "rows.jsonl, row 3: expected a prompt and answer of at most 128 tokens"),
    ] {
        std::fs::write(&data, good.replace(from, to)).unwrap();
        let output = predict(fixture.folder.path(), &data, &out).assert().code(2);
        let stderr = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        assert!(stderr.contains(expected), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(!out.exists());
    }
    let absent = predict(fixture.folder.path(), Path::new("absent.jsonl"), &out).assert().code(2);
    assert!(String::from_utf8_lossy(&absent.get_output().stderr).contains("absent.jsonl"));
}

#[test]
fn damaged_weights_are_refused_not_answered() {
    let fixture = fixture(&Value::Null);
    let path = |name: &str| -> PathBuf { fixture.folder.path().join(name) };
    let (data, out) = (path("rows.jsonl"), path("out.jsonl"));
    rows(&data, 3);
    // The last bytes of the last tensor: as f32 they are NaN.
    let mut weights = std::fs::read(path("model.safetensors")).unwrap();
    let end = weights.len();
    weights[end - 4..].fill(0xff);
    std::fs::write(path("model.safetensors"), weights).unwrap();
    for decoding in ["constrained", "greedy", "published"] {
        let output = predict(fixture.folder.path(), &data, &out).args(["--decoding", decoding]).assert().code(2);
        let stderr = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        assert!(stderr.contains("expected finite logits"), "{stderr}");
        assert!(!out.exists());
    }
}
