//! Questions and choices of the real data: each row a list of fields, the question first.

use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// The fields of one row.
pub(crate) type Row = Vec<String>;

/// Rows of an MMLU file: a question and four choices.
pub(crate) fn mmlu(path: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path)?;
    let mut rows = Vec::new();
    for row in reader.records() {
        rows.push(row?.iter().take(5).map(str::to_owned).collect());
    }
    Ok(rows)
}

/// Rows of a FrenchMedMCQA file.
pub(crate) fn frenchmedmcqa(path: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let rows: Vec<Value> = serde_json::from_str(&fs::read_to_string(path)?)?;
    let row = |row: &Value| {
        let choices = ["a", "b", "c", "d", "e"].into_iter().map(|label| text(&row["answers"][label]));
        std::iter::once(text(&row["question"])).chain(choices).collect()
    };
    Ok(rows.iter().map(row).collect())
}

/// The objects of a JSON Lines file.
pub(crate) fn json_lines(path: &Path) -> Result<Vec<Value>, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// Question and choices of an object that has its choices under `options`.
pub(crate) fn with_options(row: &Value) -> Row {
    let choices = row["options"].as_object().into_iter().flat_map(|options| options.values()).map(text);
    std::iter::once(without_choices(&text(&row["question"]))).chain(choices).collect()
}

/// Question and choices of an object that has its choices inside the question, after `Answer Choices:`.
pub(crate) fn with_choices_inside(row: &Value) -> Row {
    let question = text(&row["question"]);
    let mut fields = vec![without_choices(&question)];
    let mut rest = question.split_once(CHOICES).map_or("", |(_, choices)| choices);
    for label in 'A'..='J' {
        let Some((_, choice)) = rest.split_once(&format!("({label}) ")) else { break };
        let next = char::from_u32(u32::from(label) + 1).unwrap_or(label);
        fields.push(choice.split(&format!(" ({next}) ")).next().unwrap_or(choice).trim().to_owned());
        rest = choice;
    }
    fields
}

/// English and French of the translation units of a TMX file.
pub(crate) fn tmx(path: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    let segment = |unit: &str, language: &str| {
        let variant = unit.split(&format!("<tuv xml:lang=\"{language}\">")).nth(1)?;
        let segment = variant.split("<seg>").nth(1)?.split("</seg>").next()?;
        Some(segment.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
    };
    Ok(text.split("<tu ").skip(1).filter_map(|unit| Some((segment(unit, "en")?, segment(unit, "fr")?))).collect())
}

/// Texts between the tags of an HTML file that hold a letter.
pub(crate) fn paragraphs(path: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let html = fs::read_to_string(path)?;
    let body = html.split_once("<body").map_or(&*html, |(_, body)| body);
    let pieces = body.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text.trim());
    Ok(pieces.filter(|text| text.chars().any(char::is_alphabetic)).map(str::to_owned).collect())
}

/// A JSON string, or nothing.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

const CHOICES: &str = "\nAnswer Choices:";

fn without_choices(question: &str) -> String {
    question.split(CHOICES).next().unwrap_or(question).to_owned()
}
