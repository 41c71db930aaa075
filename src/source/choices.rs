//! Choices and gold letters, as corpora write them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::record::{Choice, ChoiceLabel};

/// Choices as they are written: by letter, or in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Options {
    /// Each with its letter, from an object or a list of `{letter, content}`.
    Lettered(BTreeMap<String, String>),
    /// Texts only.
    Ordered(Vec<String>),
}

impl Options {
    /// The choices, in order.
    ///
    /// # Errors
    /// A text that names `key` and the letter which is none, or is there in both cases, or that there are more than letters.
    pub(super) fn choices(self, key: &str) -> Result<Vec<Choice>, String> {
        match self {
            Self::Lettered(object) => from_object(&object, key),
            Self::Ordered(texts) => in_order(texts, key),
        }
    }
}

/// One choice of a list.
enum Item {
    Text(String),
    Lettered(String, String),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, or an object with letter and content")
    }

    fn visit_str<E>(self, text: &str) -> Result<Item, E> {
        Ok(Item::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let (mut letter, mut content) = (None, None);
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            match key.as_str() {
                "letter" | "label" | "key" => letter = Some(value),
                "content" | "text" | "value" => content = Some(value),
                _ => return Err(A::Error::unknown_field(&key, &["letter", "content"])),
            }
        }
        match (letter, content) {
            (Some(letter), Some(content)) => Ok(Item::Lettered(letter, content)),
            _ => Err(A::Error::custom("expected an object with letter and content")),
        }
    }
}

impl<'de> Deserialize<'de> for Options {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OptionsVisitor)
    }
}

struct OptionsVisitor;

impl<'de> Visitor<'de> for OptionsVisitor {
    type Value = Options;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("choices by letter or in a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Options, A::Error> {
        let mut choices = BTreeMap::new();
        // A file whose columns are fixed has an empty place for each letter that a question lacks.
        while let Some((letter, text)) = map.next_entry::<String, Option<String>>()? {
            let Some(text) = text else { continue };
            if choices.contains_key(&letter) {
                return Err(A::Error::custom(format!("expected each letter once, found {letter:?} twice")));
            }
            choices.insert(letter, text);
        }
        Ok(Options::Lettered(choices))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Options, A::Error> {
        let (mut texts, mut lettered) = (Vec::new(), BTreeMap::new());
        while let Some(item) = items.next_element()? {
            match item {
                Item::Text(text) => texts.push(text),
                Item::Lettered(letter, text) => {
                    if lettered.insert(letter, text).is_some() {
                        return Err(A::Error::custom("expected each letter once"));
                    }
                }
            }
        }
        match (texts.is_empty(), lettered.is_empty()) {
            (_, true) => Ok(Options::Ordered(texts)),
            (true, false) => Ok(Options::Lettered(lettered)),
            (false, false) => Err(A::Error::custom("expected choices with letters or without, found both")),
        }
    }
}

/// Correct letters: a list, or one text (`B`; `A,C`; `AC`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letters(pub(super) Vec<String>);

impl Letters {
    /// The letters that `text` lists.
    pub(super) fn listed(text: &str) -> Self {
        let parts = text.split([',', ';', ' ', '|', '/']).filter(|part| !part.is_empty());
        let is_run = |part: &&str| part.len() > 1 && part.chars().all(|letter| letter.is_ascii_uppercase());
        let letters = parts.flat_map(|part| {
            if is_run(&part) { part.chars().map(String::from).collect() } else { vec![part.to_owned()] }
        });
        Self(letters.collect())
    }
}

impl<'de> Deserialize<'de> for Letters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LettersVisitor)
    }
}

struct LettersVisitor;

impl<'de> Visitor<'de> for LettersVisitor {
    type Value = Letters;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("letters, in a text or a list")
    }

    fn visit_str<E>(self, text: &str) -> Result<Letters, E> {
        Ok(Letters::listed(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Letters, A::Error> {
        let mut letters = Vec::new();
        while let Some(letter) = items.next_element()? {
            letters.push(letter);
        }
        Ok(Letters(letters))
    }
}

/// The choices of an object from letter to text, in the order of the letters.
///
/// # Errors
/// A text that names the key which is not a letter, or is there in both cases.
pub(super) fn from_object(object: &BTreeMap<String, String>, key: &str) -> Result<Vec<Choice>, String> {
    let mut choices = BTreeMap::new();
    for (letter, text) in object {
        let label: ChoiceLabel = letter.parse().map_err(|error| format!("{key}: {error}"))?;
        if choices.insert(label, text).is_some() {
            return Err(format!("{key}: expected each letter once, found {letter:?} in both cases"));
        }
    }
    Ok(choices.into_iter().map(|(label, text)| Choice { label, text: text.clone() }).collect())
}

/// The choices called `A`, `B`, … in order.
///
/// # Errors
/// A text that names `key` where there are more than letters.
pub(super) fn in_order(texts: impl IntoIterator<Item = String>, key: &str) -> Result<Vec<Choice>, String> {
    let choice = |(index, text)| {
        let label = ChoiceLabel::from_index(index).ok_or_else(|| format!("{key}: expected at most 26, found more"))?;
        Ok(Choice { label, text })
    };
    texts.into_iter().enumerate().map(choice).collect()
}

/// The choices of columns one a letter, of which the last may be empty.
///
/// # Errors
/// A text that names `key` where there are more than letters.
pub(super) fn from_columns(
    columns: impl IntoIterator<Item = Option<String>>,
    key: &str,
) -> Result<Vec<Choice>, String> {
    let mut texts: Vec<String> = columns.into_iter().map(Option::unwrap_or_default).collect();
    while texts.last().is_some_and(|text| text.trim().is_empty()) {
        texts.pop();
    }
    in_order(texts, key)
}

/// The labels of the correct choices, ascending.
///
/// # Errors
/// A text that names the letter which is not one of the choices, or is there twice.
pub(super) fn gold(letters: &[String], choices: &[Choice], key: &str) -> Result<Vec<ChoiceLabel>, String> {
    let mut labels = Vec::with_capacity(letters.len());
    for letter in letters {
        let label =
            letter.parse::<ChoiceLabel>().ok().filter(|label| choices.iter().any(|choice| choice.label == *label));
        let Some(label) = label else {
            let known: Vec<String> = choices.iter().map(|choice| choice.label.to_string()).collect();
            return Err(format!("{key}: expected letters among {}, found {letter:?}", known.join(", ")));
        };
        if labels.contains(&label) {
            return Err(format!("{key}: expected each letter once, found {letter:?} twice"));
        }
        labels.push(label);
    }
    labels.sort_unstable();
    Ok(labels)
}

/// The label of the correct choice at `index`, counted from 0.
///
/// # Errors
/// A text that names `key` where there is no such choice.
pub(super) fn gold_at(index: i64, choices: &[Choice], key: &str) -> Result<ChoiceLabel, String> {
    let choice = usize::try_from(index).ok().and_then(|index| choices.get(index));
    choice.map(|choice| choice.label).ok_or_else(|| {
        format!("{key}: expected the place of one of {} choices, counted from 0, found {index}", choices.len())
    })
}

/// A question and the choices that stand in it, as MedXpertQA's authors write them:
/// `{question}\nAnswer Choices: (A) … (B) …`.
///
/// # Errors
/// A text saying that there are none, or that a letter in brackets stands there twice, so that nobody can tell where its
/// choice begins.
pub(super) fn inside_question(text: &str) -> Result<(String, Vec<Choice>), String> {
    let split = text.rsplit_once("\nAnswer Choices: ");
    let Some((question, mut rest)) = split.and_then(|(question, list)| Some((question, list.strip_prefix("(A)")?)))
    else {
        return Err("question: expected \"Answer Choices: (A)\" in it, found none".to_owned());
    };
    let mut texts = Vec::new();
    loop {
        let next = ChoiceLabel::from_index(texts.len() + 1).map(|label| format!(" ({label}) "));
        let Some(marker) = next.filter(|marker| rest.contains(marker.as_str())) else { break };
        // The space after the bracket is left for the next choice, which may be empty.
        let at = rest.find(marker.as_str()).unwrap_or_default();
        texts.push(rest[..at].trim().to_owned());
        rest = &rest[at + marker.len() - 1..];
        if rest.contains(marker.as_str()) {
            return Err(format!("question: expected \"{}\" once, found it twice", marker.trim()));
        }
    }
    texts.push(rest.trim().to_owned());
    Ok((question.trim_end().to_owned(), in_order(texts, "question")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_must_name_choices_once() {
        let object = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), "texte".to_owned())).collect();
        let choices = from_object(&object(&["a", "B"]), "answers").unwrap();
        assert_eq!(choices[1].label.as_char(), 'B');
        assert!(from_object(&object(&["é"]), "answers").unwrap_err().contains("found 'é'"));
        assert!(from_object(&object(&["a", "A"]), "answers").unwrap_err().contains("both cases"));
        let gold = |letters: &[&str]| {
            gold(&letters.iter().map(|letter| (*letter).to_owned()).collect::<Vec<_>>(), &choices, "correct_answers")
        };
        assert_eq!(format!("{:?}", gold(&["b", "a"]).unwrap()), "[A, B]");
        assert_eq!(gold(&["z"]).unwrap_err(), "correct_answers: expected letters among A, B, found \"z\"");
        assert!(gold(&["a", "A"]).unwrap_err().contains("twice"));
        assert_eq!(gold_at(1, &choices, "cop").unwrap().as_char(), 'B');
        assert!(gold_at(2, &choices, "cop").unwrap_err().contains("one of 2 choices, counted from 0, found 2"));
        assert!(gold_at(-1, &choices, "cop").is_err());
    }

    #[test]
    fn each_way_to_write_choices_gives_the_same() {
        let read =
            |json: &str| serde_json::from_str::<Options>(json).map(|options| options.choices("options").unwrap());
        let expected = in_order(["Tibia".to_owned(), "Foie".to_owned()], "options").unwrap();
        for json in [
            r#"["Tibia", "Foie"]"#,
            r#"{"B": "Foie", "A": "Tibia", "C": null}"#,
            r#"[{"letter": "B", "content": "Foie"}, {"letter": "A", "content": "Tibia"}]"#,
        ] {
            assert_eq!(read(json).unwrap(), expected, "{json}");
        }
        for wrong in ["1", r#"["Tibia", {"letter": "B", "content": "Foie"}]"#, r#"[{"letter": "B"}]"#, "[1]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let columns = [Some("Tibia".to_owned()), Some("Foie".to_owned()), Some(" ".to_owned()), None];
        assert_eq!(from_columns(columns, "answer").unwrap(), expected);
        assert!(in_order(vec![String::new(); 27], "options").unwrap_err().contains("at most 26"));
    }

    #[test]
    fn letters_are_read_from_texts_and_lists() {
        for json in [r#""A,C""#, r#""A, C""#, r#""AC""#, r#"["A", "C"]"#, r#""A | C""#] {
            assert_eq!(serde_json::from_str::<Letters>(json).unwrap().0, ["A", "C"], "{json}");
        }
    }

    #[test]
    fn choices_are_taken_out_of_the_question() {
        let (question, choices) = inside_question("Which?\nAnswer Choices: (A) (B) Two, see (A) (C) Both (A)").unwrap();
        let texts: Vec<&str> = choices.iter().map(|choice| choice.text.as_str()).collect();
        assert_eq!((question.as_str(), texts), ("Which?", vec!["", "Two, see (A)", "Both (A)"]));
        let twice = inside_question("Q\nAnswer Choices: (A) x (B) both (A) & (C) (C) z").unwrap_err();
        assert_eq!(twice, "question: expected \"(C)\" once, found it twice");
        assert!(inside_question("Which?").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC*") {
            let _ = inside_question(&format!("Q\nAnswer Choices: (A) {text}"));
            let _ = serde_json::from_str::<Options>(&text);
            Letters::listed(&text);
        }
    }
}
