//! Medical words out of published packages: names of substances, diseases, symptoms, departments and procedures.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::corpus::{Field, Language};
use crate::packages::push_told;

const DRUG_WEIGHT: f32 = 0.3;
const TERM_WEIGHT: f32 = 1.0;

/// Lists of `constants.py` that are translated.
const TRANSLATED: [&str; 6] = [
    "CLINICAL_LABELS",
    "DISEASE_CORRELATIONS",
    "HOSPITAL_DEPARTMENTS",
    "INSURANCE_PLANS",
    "MEDICAL_PROCEDURES",
    "VITAL_SIGNS",
];

/// Locales of the terms that are neither French nor English.
const THIRD_LOCALES: [&str; 3] = ["de_DE", "es_ES", "pt_BR"];

/// Adds the words under `root` to `fields`.
pub(crate) fn read(root: &Path, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    drugs(root, fields)?;
    acronyms(fields);
    terms(&root.join("faker_healthcare"), fields)
}

/// Substances: French names without capitals (brands have them), and the English ones that are a French one without its
/// last `e`. Of other English names it is not known whether French has them too (`hexokinase`).
fn drugs(root: &Path, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    let by_code: Value = serde_json::from_str(&fs::read_to_string(root.join("drugs.fr.json"))?)?;
    let lists = by_code.as_object().into_iter().flat_map(|codes| codes.values()).filter_map(Value::as_array);
    let names = lists.flatten().filter_map(Value::as_str);
    let french: BTreeSet<String> = names.filter(|name| *name == name.to_lowercase()).map(str::to_owned).collect();
    let english = fs::read_to_string(root.join("drugs.en.txt"))?;
    let english = english.lines().map(str::to_lowercase);
    let english = english.filter(|name| french.contains(name) || french.contains(&format!("{name}e"))).collect();
    push_told(&french, &english, DRUG_WEIGHT, fields);
    Ok(())
}

/// Acronyms that French and English write otherwise, and some that they share.
fn acronyms(fields: &mut Vec<Field>) {
    let pairs = include_str!("acronyms.tsv").lines().skip(1).filter_map(|line| line.split_once('\t'));
    let (french, english): (BTreeSet<String>, BTreeSet<String>) =
        pairs.map(|(french, english)| (french.to_owned(), english.to_owned())).unzip();
    push_told(&french, &english, TERM_WEIGHT, fields);
}

/// Terms of the made-up patients of a library for tests, in five languages.
fn terms(root: &Path, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    let (french, english) = (translated(&root.join("fr_FR"))?, translated(root)?);
    push_told(&french, &english, TERM_WEIGHT, fields);
    for locale in THIRD_LOCALES {
        let third = translated(&root.join(locale))?.into_iter();
        let third = third.filter(|text| !french.contains(text) && !english.contains(text));
        fields.extend(third.map(|text| Field { language: Language::Third, text, weight: TERM_WEIGHT }));
    }
    Ok(())
}

/// The quoted strings of the translated lists, without codes, keys and the names of drugs, which stay English.
fn translated(folder: &Path) -> Result<BTreeSet<String>, Box<dyn Error>> {
    let mut terms = BTreeSet::new();
    for file in ["clinical_labels.py", "constants.py", "disease_correlations.py"] {
        let mut list = String::new();
        for line in fs::read_to_string(folder.join(file))?.lines() {
            if line.starts_with(|character: char| character.is_ascii_uppercase()) {
                line.split(':').next().unwrap_or_default().clone_into(&mut list);
            }
            let untranslated = line.contains("\"icd10\"") || line.contains("\"medications\"");
            if TRANSLATED.contains(&list.as_str()) && !untranslated {
                let quoted = line.split('"').skip(1).step_by(2);
                terms.extend(quoted.filter(|text| !is_key(text)).map(str::to_owned));
            }
        }
    }
    Ok(terms)
}

/// `systolic_bp`, `symptoms`: lower-case ASCII without a space.
fn is_key(text: &str) -> bool {
    text.chars().all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_')
}
