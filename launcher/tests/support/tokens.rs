//! Token ids of real prompts, compared with stored ones.

use std::io::Write;
use std::path::PathBuf;

use medinjection_launcher::chat::Tokenizer;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{json, repository};

/// Says that the test `name` did not run; the test runner counts these lines.
pub(crate) fn skip(name: &str, reason: &str) {
    writeln!(std::io::stderr().lock(), "SKIPPED {name}: {reason}").unwrap();
}

/// The folder of the larger real data.
fn test_data() -> PathBuf {
    std::env::var_os("MEDINJECTION_TEST_DATA").map_or_else(|| repository().join("../shared/data"), PathBuf::from)
}

/// The hard texts of a fixture have the stored ids.
pub(crate) fn assert_cases(tokenizer: &Tokenizer, fixture: &str) {
    for case in json(fixture)["cases"].as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let ids = tokenizer.encode(text).unwrap();
        assert_eq!(serde_json::to_value(&ids).unwrap(), case["ids"], "{text:?}");
        // Composed or not, a letter comes back; what Unicode calls equal may be spelled otherwise.
        if !text.contains('\u{301}') && !text.contains("<|im_start|>") {
            assert_eq!(tokenizer.decode(&ids).unwrap(), text);
        }
    }
}

/// The prompts of FrenchMedMCQA's training rows have the stored ids; gives their number, 0 where the data is absent.
pub(crate) fn assert_rows(tokenizer: &Tokenizer, fixture: &str, test: &str) -> usize {
    let path = test_data().join("frenchmedmcqa/train.json");
    let Ok(content) = std::fs::read_to_string(&path) else {
        skip(test, &format!("no FrenchMedMCQA in {}", test_data().display()));
        return 0;
    };
    let rows: Vec<Value> = serde_json::from_str(&content).unwrap();
    let stored = json(fixture);
    let stored = stored["rows"].as_array().unwrap();
    assert_eq!(rows.len(), stored.len());
    for (index, (row, expected)) in rows.iter().zip(stored).enumerate() {
        let ids = tokenizer.encode(&prompt(row)).unwrap();
        let bytes: Vec<u8> = ids.iter().flat_map(|id| u32::try_from(*id).unwrap().to_le_bytes()).collect();
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        let first = u64::from_be_bytes([0, 0, hash[0], hash[1], hash[2], hash[3], hash[4], hash[5]]);
        assert_eq!(serde_json::json!([ids.len(), format!("{first:012x}")]), *expected, "row {index}");
    }
    rows.len()
}

fn prompt(row: &Value) -> String {
    let choice = |letter: &str| format!("\n({}) {}", letter.to_uppercase(), row["answers"][letter].as_str().unwrap());
    let choices = ["a", "b", "c", "d", "e"].map(choice).concat();
    format!("{}\nChoix de réponses :{choices}", row["question"].as_str().unwrap())
}
