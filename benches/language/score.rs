//! Scores the detector and prints one line of JSON; run by `benches/language.sh`.
//!
//! - `language_score DIR`: a folder laid out like MMLU's, English `<subject>_test.csv` and French `<subject>_test.fr.csv`.
//! - `language_score --all DATA [PACKAGES]`: every set of the real data, and third languages in paragraphs that were not
//!   learned from, those of PACKAGES too.
//! - `language_score --fields DATA`: the scored fields themselves with what each detector finds, one JSON object a line.
//! - `language_score --rates DATA`: how many of them each detector reads in a second.

#![expect(clippy::print_stdout, reason = "prints the results")]

mod fields;
mod rows;
mod splits;
mod tally;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use medinjection_fr::language::{
    ENGLISH_FROM, LONG_FIELD_LETTERS, english_log_odds, num_letters, verdict, verdict_in_context,
};
use serde_json::{Value, json};

use fields::{Record, aligned, cell, has_word, others};
use splits::{LEARNED_SUBJECTS, is_reported_half};
use tally::{Cells, Share};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--all", data, packages @ ..] => println!("{}", all(Path::new(data), packages.first().map(Path::new))?),
        ["--fields", data] => print_fields(Path::new(data))?,
        ["--rates", data] => println!("{}", rates(Path::new(data))?),
        [folder] => println!("{}", one(Path::new(folder))?),
        _ => return Err("expected a folder, or --all, --fields or --rates and the folder of real data".into()),
    }
    Ok(())
}

fn one(folder: &Path) -> Result<Value, Box<dyn Error>> {
    let (records, subjects) = aligned(folder)?;
    if records.is_empty() {
        return Err(format!("{}: expected <subject>_test.csv beside <subject>_test.fr.csv", folder.display()).into());
    }
    let mut result = scores(&records);
    result["planted"] = planted(&records);
    result["subjects"] = json!(subjects);
    result["learned_subjects_left_out"] = json!(LEARNED_SUBJECTS);
    result["fields_per_second"] = json!(fields_per_second(&records, |text| verdict(text).language)?);
    Ok(result)
}

fn all(data: &Path, packages: Option<&Path>) -> Result<Value, Box<dyn Error>> {
    let records = every_record(data)?;
    let mut result = scores(&records);
    result["third_languages"] = third_languages(packages)?;
    result["fields_per_second"] = json!(fields_per_second(&records, |text| verdict(text).language)?);
    Ok(result)
}

fn every_record(data: &Path) -> Result<Vec<Record>, Box<dyn Error>> {
    let (mut records, _) = aligned(&data.join("mmlu"))?;
    records.extend(others(data)?);
    Ok(records)
}

/// Says which language a text is in.
type Detect = Box<dyn Fn(&str) -> &'static str>;

/// The detectors that are compared here, by name.
fn detectors() -> [(&'static str, Detect); 3] {
    let whatlang = |detector: whatlang::Detector| {
        move |text: &str| match detector.detect_lang(text) {
            Some(whatlang::Lang::Fra) => "fr",
            Some(whatlang::Lang::Eng) => "en",
            _ => "und",
        }
    };
    let two = whatlang::Detector::with_allowlist(vec![whatlang::Lang::Fra, whatlang::Lang::Eng]);
    [
        ("ours", Box::new(|text| verdict(text).language)),
        ("whatlang, all languages", Box::new(whatlang(whatlang::Detector::new()))),
        ("whatlang, fr/en only", Box::new(whatlang(two))),
    ]
}

fn print_fields(data: &Path) -> Result<(), Box<dyn Error>> {
    let detectors = detectors();
    for record in &every_record(data)? {
        for field in record.fields.iter().filter(|field| !field.same && has_word(&field.text)) {
            let found = detectors.iter().map(|(name, detect)| ((*name).to_owned(), detect(&field.text).into()));
            println!(
                "{}",
                json!({
                    "set": record.set, "language": record.language, "cell": cell(&field.text), "text": field.text,
                    "found": found.collect::<serde_json::Map<String, Value>>(),
                })
            );
        }
    }
    Ok(())
}

fn rates(data: &Path) -> Result<Value, Box<dyn Error>> {
    let records = every_record(data)?;
    let mut rates = serde_json::Map::new();
    for (name, detect) in detectors() {
        rates.insert(name.to_owned(), fields_per_second(&records, detect)?.into());
    }
    Ok(Value::Object(rates))
}

/// Each field alone and in context, each record as one text, and what is said of the fields without a right answer.
fn scores(records: &[Record]) -> Value {
    let alone = cells(records, |(record, index), _| verdict(&record.fields[index].text).language);
    let in_context = cells(records, |(record, index), text| {
        let others = record.fields.iter().enumerate().filter(|(other, _)| *other != index);
        verdict_in_context(text, others.map(|(_, field)| field.text.as_str())).language
    });
    let mut whole: BTreeMap<String, Share> = BTreeMap::new();
    let mut undetermined = Share::default();
    for record in records {
        let texts: Vec<&str> = record.fields.iter().map(|field| field.text.as_str()).collect();
        let right = verdict(&texts.join("\n")).language == record.language;
        whole.entry(format!("{} {}", record.set, record.language)).or_default().add(right);
        for field in record.fields.iter().filter(|field| field.same && has_word(&field.text)) {
            undetermined.add(verdict(&field.text).language == "und");
        }
    }
    json!({
        "field_alone": alone,
        "field_in_context": in_context,
        "records": whole.iter().map(|(set, share)| (set.clone(), share.json())).collect::<serde_json::Map<_, _>>(),
        "undetermined_of_fields_alike_in_both": undetermined.json(),
    })
}

/// Share of the scored fields, by set, language and length, of which `detect` names the language.
fn cells(records: &[Record], detect: impl Fn((&Record, usize), &str) -> &'static str) -> Value {
    let mut cells = Cells::default();
    for record in records {
        for (index, field) in record.fields.iter().enumerate() {
            if !field.same && has_word(&field.text) {
                let right = detect((record, index), &field.text) == record.language;
                cells.add(&format!("{} {}", record.set, record.language), cell(&field.text), right);
            }
        }
    }
    cells.json()
}

/// How many English fields, each planted alone in the French record, one threshold on the field's own log-odds finds.
fn planted(records: &[Record]) -> Value {
    let (mut clean, mut alike, mut planted) = (Vec::new(), Vec::new(), Vec::new());
    let mut named_in_context = Share::default();
    for pair in records.as_chunks::<2>().0 {
        let [english, french] = pair;
        for (index, field) in french.fields.iter().enumerate().filter(|(_, field)| has_word(&field.text)) {
            let log_odds = english_log_odds(&field.text);
            if field.same {
                alike.push(log_odds);
            } else {
                clean.push(log_odds);
            }
            if !field.same && has_word(&english.fields[index].text) {
                let text = &english.fields[index].text;
                let others = french.fields.iter().enumerate().filter(|(other, _)| *other != index);
                let others = others.map(|(_, field)| field.text.as_str());
                named_in_context.add(verdict_in_context(text, others).language == "en");
                planted.push(english_log_odds(text));
            }
        }
    }
    let share_from = |values: &[f64], threshold: f64| {
        values.iter().fold(Share::default(), |share, value| share.with(*value >= threshold)).json()
    };
    let at_one_per_cent = |clean: &[f64]| {
        let mut sorted = clean.to_vec();
        sorted.sort_by(|left, right| right.total_cmp(left));
        let threshold = sorted[sorted.len() / 100].next_up();
        json!({ "threshold": threshold, "recall": share_from(&planted, threshold), "false_alarms": share_from(clean, threshold) })
    };
    let without = at_one_per_cent(&clean);
    clean.extend(alike);
    json!({
        "alike_left_out": without,
        "alike_among_clean": at_one_per_cent(&clean),
        "as_validated": { "threshold": ENGLISH_FROM, "recall": share_from(&planted, ENGLISH_FROM), "false_alarms": share_from(&clean, ENGLISH_FROM) },
        "named_english_in_context": named_in_context.json(),
    })
}

/// Long paragraphs in third languages: how many are named neither French nor English, and how many by their own name.
fn third_languages(packages: Option<&Path>) -> Result<Value, Box<dyn Error>> {
    let prose = include_str!("third_languages.tsv").lines().filter_map(|line| line.split_once('\t'));
    let mut result = json!({ "prose": named(prose) });
    if let Some(packages) = packages {
        let mut paragraphs = Vec::new();
        for (name, language) in DECLARATIONS {
            let texts = rows::paragraphs(&packages.join(format!("declaration/{name}.html")))?.into_iter().enumerate();
            paragraphs.extend(texts.filter(|(index, _)| is_reported_half(*index)).map(|(_, text)| (language, text)));
        }
        result["declaration"] = named(paragraphs.iter().map(|(language, text)| (*language, text.as_str())));
    }
    Ok(result)
}

/// Declarations of human rights, each second paragraph of which is kept for reporting.
const DECLARATIONS: [(&str, &str); 8] = [
    ("spa", "es"),
    ("ita", "it"),
    ("deu_1996", "de"),
    ("por_PT", "pt"),
    ("lat", "la"),
    ("nld", "nl"),
    ("cat", "ca"),
    ("ron_2006", "ro"),
];

fn named<'a>(paragraphs: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let mut shares: BTreeMap<&str, [Share; 2]> = BTreeMap::new();
    for (language, text) in paragraphs.filter(|(_, text)| num_letters(text) >= LONG_FIELD_LETTERS) {
        let found = verdict(text).language;
        let [neither, named] = shares.entry(language).or_default();
        neither.add(!matches!(found, "fr" | "en"));
        named.add(found == language);
    }
    let json =
        |[neither, named]: [Share; 2]| json!({ "neither_french_nor_english": neither.json(), "named": named.json() });
    shares
        .into_iter()
        .map(|(language, shares)| (language.to_owned(), json(shares)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Fields a second on one core, decoding of UTF-8 included: the median of five runs of at least half a second.
fn fields_per_second(records: &[Record], detect: impl Fn(&str) -> &'static str) -> Result<u64, Box<dyn Error>> {
    let texts: Vec<&[u8]> =
        records.iter().flat_map(|record| &record.fields).map(|field| field.text.as_bytes()).collect();
    let mut rates = Vec::new();
    for _ in 0..5 {
        let (start, mut num_fields, mut num_french) = (Instant::now(), 0_u64, 0_u64);
        while start.elapsed() < Duration::from_millis(500) {
            for text in &texts {
                num_french += u64::from(detect(std::str::from_utf8(text)?) == "fr");
                num_fields += 1;
            }
        }
        std::hint::black_box(num_french);
        rates.push(num_fields * 1000 / u64::try_from(start.elapsed().as_millis())?);
    }
    rates.sort_unstable();
    Ok(rates[2])
}
