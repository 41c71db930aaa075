//! Scores the personal-data rules and prints one line of JSON; run by `benches/personal_data.sh`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "prints the results")]

mod forms;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use medinjection_fr::record::{Origin, Provenance, Reason, Record, Split, Task};
use medinjection_fr::validate::validate;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (data, show) = match arguments.as_slice() {
        [data] => (Path::new(data), false),
        [data, "--show"] => (Path::new(data), true),
        _ => return Err("expected the folder of real data, and --show to see what is wrong".into()),
    };
    let cases = cases(&data.join("e3c_fr"))?;
    let mut false_alarms = serde_json::Map::new();
    for (set, texts) in [("e3c_fr", &cases), ("morfitt", &abstracts(data)?), ("frenchmedmcqa", &questions(data)?)] {
        false_alarms.insert(set.to_owned(), alarms(texts, show));
    }
    println!("{}", json!({ "planted": planted(&cases, show), "false_alarms": false_alarms }));
    Ok(())
}

/// For each kind: how often one planted form is found, over all forms and all cases.
fn planted(cases: &[String], show: bool) -> Value {
    let mut result = serde_json::Map::new();
    let clean: Vec<usize> = cases.iter().map(|case| found(case).len()).collect();
    for (kind, forms) in forms::forms() {
        let mut num_found = 0_usize;
        for form in &forms {
            let hits = cases.iter().enumerate().filter(|(index, case)| {
                let details = found(&with_planted(case, form, *index));
                details.len() > clean[*index] && details.iter().any(|detail| detail.contains(kind))
            });
            let hits = hits.count();
            if show && hits < cases.len() {
                eprintln!("{kind}: found in {hits} of {} cases: {form}", cases.len());
            }
            num_found += hits;
        }
        let whole = forms.len() * cases.len();
        result.insert(
            kind.to_owned(),
            json!({ "percent": percent(num_found, whole), "of": whole, "forms": forms.len() }),
        );
    }
    Value::Object(result)
}

/// The text with the sentence after one of its sentences, which one the index says.
fn with_planted(text: &str, sentence: &str, index: usize) -> String {
    let ends: Vec<usize> = text.match_indices(". ").map(|(place, end)| place + end.len()).collect();
    let place = if ends.is_empty() { text.len() } else { ends[(index * 7) % ends.len()] };
    format!("{}{sentence} {}", &text[..place], &text[place..])
}

/// Texts with at least one finding, and findings by kind.
fn alarms(texts: &[String], show: bool) -> Value {
    let (mut num_texts, mut kinds) = (0_usize, BTreeMap::<String, u32>::new());
    for text in texts {
        let details = found(text);
        num_texts += usize::from(!details.is_empty());
        for detail in details {
            if show {
                eprintln!("false alarm? {detail}: {}", text.chars().take(100).collect::<String>());
            }
            let kind = detail.split(": ").next().unwrap_or_default();
            *kinds.entry(kind.replace("expected no personal data, found a ", "")).or_default() += 1;
        }
    }
    json!({ "texts": num_texts, "of": texts.len(), "percent": percent(num_texts, texts.len()), "kinds": kinds })
}

fn percent(part: usize, whole: usize) -> f64 {
    let share =
        u32::try_from(part).map_or(f64::NAN, f64::from) / u32::try_from(whole.max(1)).map_or(f64::NAN, f64::from);
    (share * 10_000.0).round() / 100.0
}

/// Details of the personal-data findings of a record that holds the text.
fn found(text: &str) -> Vec<String> {
    let record = Record {
        id: String::new(),
        instruction: text.to_owned(),
        context: String::new(),
        choices: Vec::new(),
        answer_labels: Vec::new(),
        answer: "Oui".to_owned(),
        task: Task::Oeq,
        origin: Origin::Native,
        split: Split::Train,
        source: String::new(),
        source_id: String::new(),
        group_id: String::new(),
        license: String::new(),
        provenance: Provenance::default(),
        languages: Vec::new(),
        findings: Vec::new(),
    };
    let findings = validate(&record).into_iter();
    findings.filter(|finding| finding.reason == Reason::PersonalData).map(|finding| finding.detail).collect()
}

fn cases(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let case: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
        cases.push(case["text"].as_str().unwrap_or_default().to_owned());
    }
    Ok(cases)
}

fn abstracts(data: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut texts = Vec::new();
    for split in ["train", "dev", "test"] {
        let file = fs::read_to_string(data.join(format!("morfitt/{split}.tsv")))?;
        texts.extend(file.lines().skip(1).filter_map(|line| line.split('\t').nth(1)).map(str::to_owned));
    }
    Ok(texts)
}

fn questions(data: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut texts = Vec::new();
    for split in ["train", "dev", "test"] {
        let rows: Vec<Value> =
            serde_json::from_str(&fs::read_to_string(data.join(format!("frenchmedmcqa/{split}.json")))?)?;
        for row in rows {
            let answers = row["answers"].as_object().into_iter().flat_map(|answers| answers.values());
            let fields = std::iter::once(&row["question"]).chain(answers).filter_map(Value::as_str);
            texts.push(fields.collect::<Vec<_>>().join("\n"));
        }
    }
    Ok(texts)
}
