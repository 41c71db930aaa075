//! Learning data out of published packages; `learn.sh` says which, and under which licences.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::corpus::{Field, Language, folded};
use crate::medical;
use crate::rows::paragraphs;
use crate::spelling::words_with_inflections;
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
const NAME_WEIGHT: f32 = 0.3;
const ANNOTATION_WEIGHT: f32 = 0.3;
const CATALOGUE_WEIGHT: f32 = 0.5;
const LATIN_WEIGHT: f32 = 1.0;
const DECLARATION_WEIGHT: f32 = 0.5;

/// Adds what the packages under `root` hold to `fields`.
pub(crate) fn read(root: &Path, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    dictionaries(root, fields)?;
    medical::read(root, fields)?;
    names_of_places_and_units(root, fields)?;
    catalogues(&root.join("django"), fields)?;
    for folder in ["annotations", "annotationsDerived"] {
        annotations(&root.join(folder), fields)?;
    }
    let latin = include_str!("latin.txt").lines();
    fields.extend(latin.map(|text| Field { language: Language::Third, text: text.to_owned(), weight: LATIN_WEIGHT }));
    declarations(&root.join("declaration"), fields)
}

/// Words of the spelling dictionaries; the inflections of one word weigh no more together than four words.
fn dictionaries(root: &Path, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    let (french, english) = (words_with_inflections(root, "fr")?, words_with_inflections(root, "en")?);
    let every = |words: &BTreeMap<String, BTreeSet<String>>| -> BTreeSet<String> {
        words.iter().flat_map(|(word, forms)| std::iter::once(word).chain(forms)).cloned().collect()
    };
    let (every_french, every_english) = (every(&french), every(&english));
    for (words, own, others) in
        [(&french, Language::French, &every_english), (&english, Language::English, &every_french)]
    {
        for (word, forms) in words {
            let share = 4.0 / f32::from(u16::try_from(forms.len().max(4))?);
            for (text, share) in std::iter::once((word, 1.0)).chain(forms.iter().map(|form| (form, share))) {
                let language = if others.contains(text) { Language::Both } else { own };
                fields.push(Field { language, text: text.clone(), weight: DICTIONARY_WEIGHT * share });
            }
        }
    }
    Ok(())
}

pub(crate) fn push_told(french: &BTreeSet<String>, english: &BTreeSet<String>, weight: f32, fields: &mut Vec<Field>) {
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

/// Names of countries, languages, scripts and units, which stand at the same place of a French and of an English file.
fn names_of_places_and_units(root: &Path, fields: &mut Vec<Field>) -> Result<(), Box<dyn Error>> {
    for file in [
        "localenames/{}/territories.json",
        "localenames/{}/languages.json",
        "localenames/{}/scripts.json",
        "units/{}/units.json",
    ] {
        let read = |locale: &str| -> Result<BTreeSet<String>, Box<dyn Error>> {
            let file: Value = serde_json::from_str(&fs::read_to_string(root.join(file.replace("{}", locale)))?)?;
            let mut names = BTreeSet::new();
            push_strings(&file["main"][locale], &mut names);
            Ok(names)
        };
        push_told(&read("fr")?, &read("en")?, NAME_WEIGHT, fields);
    }
    Ok(())
}

/// The strings of `value` without their placeholders, codes (`km/h`, `XK`) left out.
fn push_strings(value: &Value, strings: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if is_name(text) => {
            strings.insert(readable(text).trim().to_owned());
        }
        Value::Object(members) => members.values().for_each(|member| push_strings(member, strings)),
        _ => {}
    }
}

/// Whether some word of the text has four letters, one of them small.
fn is_name(text: &str) -> bool {
    text.split(|character: char| !character.is_alphabetic())
        .any(|word| word.chars().count() >= 4 && word.chars().any(char::is_lowercase))
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
