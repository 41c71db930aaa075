//! Words of the model that translated, about the translation.

use std::sync::LazyLock;

use regex::Regex;

use super::Pair;
use super::words::Words;
use crate::record::{Finding, Reason};

/// How a model begins, folded: words of the translation task itself.
const OPENINGS: &[&str] = &[
    "voici la traduction",
    "voici le texte",
    "voici la question",
    "voici une traduction",
    "voici ma traduction",
    "voici votre",
    "voila la traduction",
    "traduction",
    "texte traduit",
    "traduit en francais",
    "en francais",
    "version francaise",
    "francais",
    "here is",
    "here s",
    "here are",
    "sure",
    "certainly",
    "of course",
    "translation",
    "french translation",
    "translated text",
    "bien sur",
    "certainement",
    "volontiers",
    "avec plaisir",
    "d accord",
    "je traduis",
    "je vais traduire",
    "la traduction",
    "ci dessous",
    "reponse",
    "question traduite",
    "note",
    "nb",
    "remarque",
    "as an ai",
    "en tant que modele",
    "en tant qu ia",
    "en tant qu intelligence artificielle",
    "je suis desole",
    "desole",
    "i m sorry",
    "i cannot",
    "je ne peux pas traduire",
    "output",
    "assistant",
    "french",
    "le texte traduit",
    "the translation",
    "absolument",
    "absolutely",
];

/// What a model says anywhere, folded.
const ANYWHERE: &[&str] = &[
    "voici la traduction",
    "voici une traduction",
    "voici le texte traduit",
    "la traduction de ce texte",
    "here is the translation",
    "traduction en francais",
    "traduit en francais",
    "traduction francaise",
    "traduction proposee",
    "j ai traduit",
    "j espere que cela",
    "n hesitez pas a me",
    "faites le moi savoir",
    "let me know",
    "hope this helps",
    "i hope this",
    "note du traducteur",
    "note de traduction",
    "note la traduction",
    "note j ai",
    "note le terme",
    "remarque j ai",
    "cette traduction",
    "ma traduction",
    "as an ai",
    "en tant que modele de langage",
    "en tant qu ia",
    "s agit d une traduction",
    "translated",
    "texte original",
    "original text",
    "souhaitez vous que je",
    "besoin d autres traductions",
];

/// All of them at once: one pass over the text.
static REMARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&ANYWHERE.join("|")).expect("phrases of letters and spaces"));

/// An error where a field begins like a model's answer and not like its original, or holds a remark on the translation.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for field in &pair.fields {
        if let Some(phrase) = opening(field).or_else(|| remark(&field.french, &field.english)) {
            let detail = format!("expected the translation alone, found a model's words {phrase:?}");
            findings.push(Finding::error(Reason::ModelChatter, &*field.name, detail));
        } else if let Some(mark) = MARKS.iter().find(|mark| has_mark(field, mark)) {
            let detail = format!("expected the original's signs alone, found {mark:?}");
            findings.push(Finding::warning(Reason::ModelChatter, &*field.name, detail));
        }
    }
    findings
}

/// Signs of a model's formatting.
const MARKS: &[&str] = &["**", "```", "<|", "###", "[INST]"];

fn has_mark(field: &super::pair::Field<'_>, mark: &str) -> bool {
    field.french_text.contains(mark) && !field.english_text.contains(mark)
}

/// The opening that stands before a colon, an exclamation mark or a line end in the first words.
fn opening(field: &super::pair::Field<'_>) -> Option<&'static str> {
    let head = head(field.french_text)?;
    if head.len() > 120
        || self::head(field.english_text).is_some_and(|english| {
            english.len() <= 40 && Words::french(english).folded() == Words::french(head).folded()
        })
    {
        return None;
    }
    let folded = Words::french(head);
    let begins = |phrase: &&&str| {
        folded.folded().strip_prefix(**phrase).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    // Longer openings may go on (`Voici la traduction du texte :`), one word alone must be all (`Note :`).
    let found = OPENINGS.iter().filter(begins).max_by_key(|phrase| phrase.len())?;
    let whole = folded.folded().len() == found.len();
    let spoken = found.contains(' ') && !field.english.folded().starts_with("here");
    let english_has = |word: &str| field.english.iter().take(4).any(|other| other == word);
    let same_label = whole
        && (english_has(found)
            || (*found == "reponse" && english_has("answer"))
            || (*found == "francais" && english_has("french"))
            || (*found == "remarque" && english_has("note")));
    let talks_of_translation = field.english.iter().any(|word| word.starts_with("translat"));
    ((whole || spoken) && !same_label && !talks_of_translation).then_some(*found)
}

/// The text before the first colon, exclamation mark or line end; `None` where nothing follows it.
fn head(text: &str) -> Option<&str> {
    let end = text.find([':', '!', '\n'])?;
    let rest = text[end + 1..].trim();
    (!rest.is_empty()).then_some(&text[..end])
}

fn remark<'a>(french: &'a Words, english: &Words) -> Option<&'a str> {
    let found = REMARK.find(french.folded())?;
    let talks_of_translation = english.iter().any(|word| word.starts_with("translat") || word == "note");
    (!talks_of_translation).then_some(found.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::findings;
    use super::*;

    fn found(english: &str, french: &str) -> Vec<String> {
        findings(check, (english, &[]), (french, &[]))
    }

    #[test]
    fn a_models_words_are_an_error() {
        for french in [
            "Voici la traduction : Quel os ?",
            "Traduction : Quel os ?",
            "Note : Quel os ?",
            "Bien sûr ! Quel os ?",
            "Here is the translation:\nQuel os ?",
            "Quel os ? (Note : la traduction est littérale.)",
        ] {
            assert_eq!(found("Which bone?", french).len(), 1, "{french}");
        }
    }

    #[test]
    fn a_label_of_the_original_is_kept() {
        for (english, french) in [
            ("Note: the patient is old.", "Note : le patient est âgé."),
            ("Note: the patient is old.", "Remarque : le patient est âgé."),
            ("Of the following: A or B?", "Parmi les suivants : A ou B ?"),
            ("Translation is done by: ribosomes", "La traduction est faite par : les ribosomes"),
        ] {
            assert_eq!(found(english, french), Vec::<String>::new());
        }
    }
}
