//! Learning data out of published packages; `learn.sh` says which, and under which licences.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::corpus::{Field, Language, folded};
use crate::rows::paragraphs;
use crate::splits::is_reported_half;

/// Catalogues and annotations of languages that are neither French nor English.
const THIRD_LANGUAGES: [&str; 18] =
    ["ca", "cs", "da", "de", "es", "fi", "gl", "hr", "hu", "id", "it", "nb", "nl", "no", "pl", "pt", "ro", "sv"];

/// Declarations of human rights in such languages, Latin among them.
const THIRD_DECLARATIONS: [&str; 27] = [
    "ast",
    "bre",
    "cat",
    "ces",
    "cos",
    "dan",
    "deu_1996",
    "epo",
    "eus",
    "fin",
    "glg",
    "hrv",
    "hun",
    "ita",
    "lat",
    "lat_1",
    "ltz",
    "nld",
    "nob",
    "pol",
    "por_BR",
    "por_PT",
    "roh_rumgr",
    "ron_2006",
    "spa",
    "swe",
    "wln",
];

const DICTIONARY_WEIGHT: f32 = 0.3;
const ANNOTATION_WEIGHT: f32 = 0.3;
const CATALOGUE_WEIGHT: f32 = 0.5;
const DECLARATION_WEIGHT: f32 = 0.5;

/// Adds what the packages under `root` hold to `fields`.
pub(crate) fn read(root: &Path, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    dictionaries(root, fields)?;
    catalogues(&root.join("django"), fields)?;
    for folder in ["annotations", "annotationsDerived"] {
        annotations(&root.join(folder), fields)?;
    }
    declarations(&root.join("declaration"), fields)
}

/// Words of the spelling dictionaries, without their inflections.
fn dictionaries(root: &Path, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    let words = |file: &str| -> Result<BTreeSet<String>, std::io::Error> {
        let text = fs::read_to_string(root.join(file))?;
        let words = text.lines().skip(1).filter_map(|line| line.split(['/', ' ', '\t']).next());
        Ok(words.filter(|word| is_common_word(word)).map(str::to_owned).collect())
    };
    let (french, english) = (words("fr.dic")?, words("en.dic")?);
    push_told(&french, &english, DICTIONARY_WEIGHT, fields);
    Ok(())
}

/// Three letters or more, none of them a capital.
fn is_common_word(word: &str) -> bool {
    word.chars().count() >= 3 && word.chars().all(|character| character.is_lowercase() || "'’-".contains(character))
}

fn push_told(french: &BTreeSet<String>, english: &BTreeSet<String>, weight: f32, fields: &mut Vec<Field>) {
    for text in french.union(english) {
        let language = match (french.contains(text), english.contains(text)) {
            (true, true) => Language::Both,
            (true, false) => Language::French,
            (false, _) => Language::English,
        };
        fields.push(Field { language, text: text.clone(), weight });
    }
}

/// Messages of the gettext catalogues, with their English originals.
fn catalogues(root: &Path, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    for locale in ["fr"].into_iter().chain(THIRD_LANGUAGES) {
        let mut files = Vec::new();
        find_catalogues(root, locale, &mut files)?;
        files.sort();
        for file in files {
            for (original, translation) in messages(&fs::read_to_string(&file)?) {
                if folded(&original) == folded(&translation) {
                    continue;
                }
                let french = locale == "fr";
                let language = if french { Language::French } else { Language::Third };
                fields.push(Field { language, text: translation, weight: CATALOGUE_WEIGHT });
                if french {
                    fields.push(Field { language: Language::English, text: original, weight: CATALOGUE_WEIGHT });
                }
            }
        }
    }
    Ok(())
}

fn find_catalogues(folder: &Path, locale: &str, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_catalogues(&path, locale, files)?;
        } else if path.extension().is_some_and(|extension| extension == "po")
            && path.parent().and_then(Path::parent).is_some_and(|parent| parent.ends_with(locale))
        {
            files.push(path);
        }
    }
    Ok(())
}

/// Original and translation of each message that is not marked fuzzy.
fn messages(catalogue: &str) -> Vec<(String, String)> {
    let mut messages = Vec::new();
    for block in catalogue.split("\n\n").filter(|block| !block.contains("#, fuzzy")) {
        let mut parts: Vec<(&str, String)> = Vec::new();
        for line in block.lines().filter(|line| !line.starts_with('#')) {
            let Some((key, rest)) = line.split_once('"') else { continue };
            let piece = rest.strip_suffix('"').unwrap_or(rest);
            match (key.trim(), parts.last_mut()) {
                ("", Some((_, text))) => text.push_str(piece),
                (key, _) => parts.push((key, piece.to_owned())),
            }
        }
        let Some(original) = parts.iter().find(|(key, text)| *key == "msgid" && !text.is_empty()) else { continue };
        let translations = parts.iter().filter(|(key, text)| key.starts_with("msgstr") && !text.is_empty());
        messages.extend(translations.map(|(_, text)| (readable(&original.1), readable(text))));
    }
    messages
}

/// The message without its placeholders and tags.
fn readable(message: &str) -> String {
    let mut text = String::new();
    let mut rest = message;
    while let Some(character) = rest.chars().next() {
        let skipped = match character {
            '%' if rest.starts_with("%(") => rest.find(')').map(|end| end + 2),
            '%' if rest[1..].starts_with(['s', 'd']) => Some(2),
            '<' => rest.find('>').map(|end| end + 1),
            '{' => rest.find('}').map(|end| end + 1),
            '&' => rest.find(';').map(|end| end + 1),
            '\\' if rest.starts_with("\\n") => Some(2),
            '\\' => Some(1),
            _ => None,
        };
        text.push(if skipped.is_some() { ' ' } else { character });
        rest = rest.get(skipped.unwrap_or(character.len_utf8())..).unwrap_or("");
    }
    text
}

/// Names and keywords of signs.
fn annotations(root: &Path, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    let read = |locale: &str, kinds: &[&str]| -> Result<BTreeMap<String, BTreeSet<String>>, Box<dyn Error>> {
        let path = root.join(locale).join("annotations.json");
        if !path.is_file() {
            return Ok(BTreeMap::new());
        }
        let file: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
        let signs = file.as_object().and_then(|file| file.values().next()).map(|inner| &inner["annotations"]);
        let texts = |sign: &Value| {
            let lists = kinds.iter().filter_map(|kind| sign[*kind].as_array());
            lists.flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let signs = signs.and_then(Value::as_object).into_iter().flatten();
        Ok(signs.map(|(sign, names)| (sign.clone(), texts(names))).collect())
    };
    // Derived names repeat a base name with a skin tone: their keywords add nothing.
    let kinds: &[&str] = if root.ends_with("annotations") { &["default", "tts"] } else { &["tts"] };
    let (french, english) = (read("fr", kinds)?, read("en", kinds)?);
    let empty = BTreeSet::new();
    for (sign, french) in &french {
        push_told(french, english.get(sign).unwrap_or(&empty), ANNOTATION_WEIGHT, fields);
    }
    for locale in THIRD_LANGUAGES {
        for (sign, names) in read(locale, &["tts"])? {
            let (french, english) = (french.get(&sign).unwrap_or(&empty), english.get(&sign).unwrap_or(&empty));
            let third = names.into_iter().filter(|name| !french.contains(name) && !english.contains(name));
            fields.extend(third.map(|text| Field { language: Language::Third, text, weight: ANNOTATION_WEIGHT }));
        }
    }
    Ok(())
}

/// Paragraphs of the Universal Declaration of Human Rights; each second one of a third language is kept for reporting.
fn declarations(root: &Path, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    let told = [("fra", Language::French), ("eng", Language::English)].into_iter();
    for (name, language) in told.chain(THIRD_DECLARATIONS.map(|name| (name, Language::Third))) {
        for (index, text) in paragraphs(&root.join(format!("{name}.html")))?.into_iter().enumerate() {
            if language != Language::Third || !is_reported_half(index) {
                fields.push(Field { language, text, weight: DECLARATION_WEIGHT });
            }
        }
    }
    Ok(())
}
