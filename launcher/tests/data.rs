//! Training rows as tokens: what is shortened, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files fails")]

use std::path::Path;
use std::process::Command;

use medinjection_launcher::Result;
use medinjection_launcher::chat::{Chat, LossOn};
use medinjection_launcher::data::{Dataset, num_targets};

/// The tiny model's tokenizer writes one token a byte.
fn load(lines: &str, loss_on: LossOn, max_tokens: usize) -> (Result<Dataset>, Chat) {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tiny_model.py");
    assert!(Command::new("python3").arg(script).arg("--out").arg(&model).status().unwrap().success());
    let (chat, path) = (Chat::load(&model).unwrap(), folder.path().join("train.jsonl"));
    std::fs::write(&path, lines).unwrap();
    (Dataset::load(&path, &chat, loss_on, max_tokens), chat)
}

fn row(question: &str) -> String {
    let messages = serde_json::json!([{"role": "user", "content": question}, {"role": "assistant", "content": "A, C"}]);
    format!("{}\n", serde_json::json!({ "messages": messages }))
}

#[test]
fn a_long_row_loses_the_beginning_of_its_question_and_nothing_else() {
    let question = format!("{}la fin.", "Début très long. ".repeat(10));
    let lines = row("Court ?") + &row(&question);
    let (whole, chat) = load(&lines, LossOn::Completion, 1000);
    let whole = whole.unwrap();
    assert_eq!(whole.num_truncated, 0);
    let (cut, _) = load(&lines, LossOn::Completion, 60);
    let cut = cut.unwrap();
    assert_eq!(cut.num_truncated, 1);
    assert_eq!(cut.rows[0], whole.rows[0]);
    // A token a byte: at most one character of two bytes too many has gone.
    assert!((59..=60).contains(&cut.rows[1].input_ids.len()), "{}", cut.rows[1].input_ids.len());
    assert_eq!(num_targets(&cut.rows[1]), num_targets(&whole.rows[1]));
    let text = chat.tokenizer().decode(&cut.rows[1].input_ids).unwrap();
    let kept = text.strip_prefix("user\n").and_then(|text| text.strip_suffix("\nassistant\nA, C\n")).unwrap();
    assert!(question.ends_with(kept) && kept.ends_with("la fin."), "{text}");
}

#[test]
fn the_loss_predicts_the_answer_or_the_whole_conversation() {
    let (chat, completion) =
        (load(&row("Où ?"), LossOn::Chat, 100).0.unwrap(), load(&row("Où ?"), LossOn::Completion, 100).0.unwrap());
    assert_eq!(num_targets(&chat.rows[0]), chat.rows[0].input_ids.len() - 1);
    // Four bytes, the mark that ends the turn, and the line end after it.
    assert_eq!(num_targets(&completion.rows[0]), 6);
}

#[test]
fn what_cannot_be_trained_on_names_its_line() {
    let refused = [
        (String::new(), 100, "expected at least one training row"),
        (row("Q") + "{}\n", 100, "row 2: not a training row"),
        (row("Q") + &row("R"), 15, "row 1: "),
        ("{\"messages\":[{\"role\":\"user\",\"content\":\"Q\"}]}\n".to_owned(), 100, "row 1: "),
        ("{\"messages\":[]}\n".to_owned(), 100, "row 1: "),
    ];
    for (lines, max_tokens, named) in refused {
        let message = load(&lines, LossOn::Chat, max_tokens).0.unwrap_err().to_string();
        assert!(message.contains("train.jsonl") && message.contains(named), "{message}");
    }
    let beside_a_blank_line = load(&(row("Q") + "\n" + &row("R")), LossOn::Chat, 100).0.unwrap();
    assert_eq!(beside_a_blank_line.rows.len(), 2);
}
