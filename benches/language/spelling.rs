//! Spelling dictionaries of hunspell: their words with the inflections that their suffix rules give.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// One suffix rule: what is taken off the end, what is put on, and what the end must look like.
struct Suffix {
    strip: String,
    add: String,
    condition: Vec<Class>,
}

/// The characters that may stand at one place of a condition.
struct Class {
    excluded: bool,
    characters: Vec<char>,
}

impl Class {
    fn allows(&self, character: char) -> bool {
        self.characters.is_empty() || self.characters.contains(&character) != self.excluded
    }
}

impl Suffix {
    fn apply(&self, word: &str) -> Option<String> {
        let stem = word.strip_suffix(self.strip.as_str())?;
        let end: Vec<char> = word.chars().rev().take(self.condition.len()).collect();
        let holds = end.len() == self.condition.len()
            && self.condition.iter().rev().zip(&end).all(|(class, character)| class.allows(*character));
        holds.then(|| format!("{stem}{}", self.add))
    }
}

/// The words of `<stem>.dic` without a capital, each with its inflections by `<stem>.aff`, in the order of the words.
pub(crate) fn words_with_inflections(
    folder: &Path,
    stem: &str,
) -> Result<BTreeMap<String, BTreeSet<String>>, std::io::Error> {
    let affixes = fs::read_to_string(folder.join(format!("{stem}.aff")))?;
    let flag_letters = if affixes.lines().any(|line| line == "FLAG long") { 2 } else { 1 };
    let suffixes = suffixes(&affixes);
    let mut words: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in fs::read_to_string(folder.join(format!("{stem}.dic")))?.lines().skip(1) {
        let entry = line.split([' ', '\t']).next().unwrap_or_default();
        let (word, flags) = entry.split_once('/').unwrap_or((entry, ""));
        if !is_common_word(word) {
            continue;
        }
        let forms = words.entry(word.to_owned()).or_default();
        let flags: Vec<char> = flags.chars().collect();
        for flag in flags.chunks(flag_letters) {
            let rules = suffixes.get(&flag.iter().collect::<String>());
            forms.extend(rules.into_iter().flatten().filter_map(|rule| rule.apply(word)).filter(|form| form != word));
        }
    }
    Ok(words)
}

/// Three letters or more, none of them a capital.
fn is_common_word(word: &str) -> bool {
    word.chars().count() >= 3 && word.chars().all(|character| character.is_lowercase() || "'’-".contains(character))
}

fn suffixes(affixes: &str) -> BTreeMap<String, Vec<Suffix>> {
    let mut rules: BTreeMap<String, Vec<Suffix>> = BTreeMap::new();
    for line in affixes.lines().filter(|line| line.starts_with("SFX")) {
        // A rule has five columns, the header of a flag four.
        if let [_, flag, strip, add, condition, ..] = line.split_whitespace().collect::<Vec<_>>().as_slice() {
            let text = |column: &str| column.split('/').next().filter(|text| *text != "0").unwrap_or("").to_owned();
            let suffix = Suffix { strip: text(strip), add: text(add), condition: classes(condition) };
            rules.entry((*flag).to_owned()).or_default().push(suffix);
        }
    }
    rules
}

/// `[^aeiou]y` as two classes; `.` is any character, or, alone, no condition.
fn classes(condition: &str) -> Vec<Class> {
    let mut classes = Vec::new();
    let mut rest = condition.chars();
    while let Some(character) = rest.next() {
        let mut characters = match character {
            '.' => Vec::new(),
            '[' => rest.by_ref().take_while(|character| *character != ']').collect(),
            _ => vec![character],
        };
        let excluded = character == '[' && characters.first() == Some(&'^');
        if excluded {
            characters.remove(0);
        }
        classes.push(Class { excluded, characters });
    }
    if condition == "." { Vec::new() } else { classes }
}
