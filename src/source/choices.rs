//! Choices and gold letters, as corpora write them.

use std::collections::BTreeMap;

use crate::record::{Choice, ChoiceLabel};

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
    }
}
