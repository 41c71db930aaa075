//! Marks of a living person: a name after M. or Mme, a date of birth, a social security number, a telephone number, an
//! e-mail address.

use std::sync::LazyLock;

use regex::Regex;

use crate::language::is_french_function_word;
use crate::record::{Finding, Reason, Record};
use crate::text::composed;

/// One kind of personal data: what it is called, what a text needs to hold for its shape to be looked for, that shape, and
/// what else must hold of a match in its text.
struct Kind {
    name: &'static str,
    may_stand: fn(&Marks) -> bool,
    shape: LazyLock<Regex>,
    holds: fn(&str, &regex::Captures<'_>) -> bool,
}

macro_rules! kind {
    ($name:literal, $may_stand:expr, $shape:literal, $holds:expr) => {
        Kind {
            name: $name,
            may_stand: $may_stand,
            shape: LazyLock::new(|| Regex::new($shape).expect("the pattern is tested")),
            holds: $holds,
        }
    };
}

static KINDS: [Kind; 6] = [
    kind!(
        "name",
        |marks| marks.has_title,
        r"\b(?:MM?\.|Mr\.?|Mmes?\.?|Mlles?\.?|Monsieur|Madame|Mademoiselle)\s+((?:(?:de|du|des|la|le)\s+|d['’])?\p{Lu}(?:\p{Ll}{2,}|\p{Lu}{2,})(?:-\p{Lu}\p{L}+)*)",
        is_name
    ),
    kind!(
        "date of birth",
        |marks| marks.has_born && marks.num_digits >= 3,
        r"(?i)\bné(?:e|\(e\))?\s+le\s+(?:1er|\d{1,2})(?:\s+\p{L}{3,9}\s+|\s*[/.-]\s*\d{1,2}\s*[/.-]\s*)\d{2,4}\b",
        |_, _| true
    ),
    kind!(
        "date of birth",
        |marks| marks.num_digits >= 4,
        r"(?i)\bdate\s+de\s+naissance\s*:?\s*\d{1,2}\s*[/.-]\s*\d{1,2}\s*[/.-]\s*\d{2,4}\b",
        |_, _| true
    ),
    kind!(
        "social security number",
        |marks| marks.num_digits >= 14,
        r"\b[12378]\s?\d{2}\s?\d{2}\s?(?:\d{2}|2[AB])\s?\d{3}\s?\d{3}\s?\d{2}\b",
        |_, captures| has_valid_key(&captures[0])
    ),
    kind!(
        "telephone number",
        |marks| marks.num_digits >= 10,
        r"(?:\+|\b00)33[\s.-]?(?:\(0\))?[1-9](?:[\s.-]?\d{2}){4}\b|\b0[1-9](?:[\s.-]\d{2}){4}\b|(?i:\b(?:tél\.?|téléphone|portable)\s*:?\s*)0[1-9]\d{8}\b",
        |_, _| true
    ),
    kind!("e-mail address", |marks| marks.has_at, r"\b[\w.+-]+@(?:[\w-]+\.)+\p{L}{2,}\b", |_, _| true),
];

/// What a text holds that some personal data cannot be without; it is seen in one look at each byte.
#[derive(Default)]
struct Marks {
    /// Number of digits of all scripts, or more.
    num_digits: usize,
    /// Whether an `@` stands somewhere.
    has_at: bool,
    /// Whether some `M` can begin a title.
    has_title: bool,
    /// Whether `né` stands somewhere, in whatever case.
    has_born: bool,
}

impl Marks {
    fn of(text: &str) -> Self {
        let mut marks = Self::default();
        let bytes = text.as_bytes();
        for (index, byte) in bytes.iter().enumerate() {
            let after = || &bytes[index + 1..];
            match byte {
                // Digits beyond ASCII begin at U+0660, whose first byte is 0xD9.
                b'0'..=b'9' | 0xD9.. => marks.num_digits += 1,
                b'@' => marks.has_at = true,
                b'M' => marks.has_title |= matches!(after(), [b'.' | b'r' | b'm' | b'l' | b'o' | b'a', ..]),
                b'n' | b'N' => marks.has_born |= matches!(after(), [0xC3, 0xA9 | 0x89, ..]),
                _ => {}
            }
        }
        marks
    }
}

/// Words before a name that make it the name of a disease or method.
const EPONYM_WORDS: &[&str] =
    &["maladie", "syndrome", "signe", "test", "échelle", "score", "loi", "méthode", "manœuvre"];

/// A warning for each match, with the matched text masked so that a report does not spread it.
///
/// Initials (`Mme R.`), `Dr` and names without a title are not reported.
pub(super) fn check(record: &Record) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (field, text) in record.text_fields() {
        let text = composed(text);
        let marks = Marks::of(&text);
        for kind in KINDS.iter().filter(|kind| (kind.may_stand)(&marks)) {
            let held = kind.shape.captures_iter(&text).filter(|captures| (kind.holds)(&text, captures));
            findings.extend(held.map(|captures| {
                let detail = format!("expected no personal data, found a {}: {}", kind.name, masked(&captures[0]));
                Finding::warning(Reason::PersonalData, field, detail)
            }));
        }
    }
    findings
}

/// Whether a capitalised word after M. or Mme is a name: not the next sentence's first word, a molarity's or an eponym.
fn is_name(text: &str, captures: &regex::Captures<'_>) -> bool {
    let name = captures[1].to_lowercase();
    let before = &text[..captures.get(0).map_or(0, |whole| whole.start())];
    let molarity = before.trim_end().ends_with(|character: char| character.is_ascii_digit());
    let mut words = before.split_whitespace().rev();
    let preposition = words.next().is_some_and(|word| matches!(word, "de" | "du" | "par"));
    let eponym = preposition && words.next().is_some_and(|word| EPONYM_WORDS.contains(&word.to_lowercase().as_str()));
    !(is_french_function_word(&name) || molarity || eponym)
}

/// Whether the last two digits of a French social security number are 97 less the rest modulo 97 (Corsica: 2A is 19, 2B 18).
fn has_valid_key(number: &str) -> bool {
    let compact: String = number.chars().filter(|character| !character.is_whitespace()).collect();
    let digits = compact.replace("2A", "19").replace("2B", "18");
    let (Some(body), Some(key)) = (digits.get(..13), digits.get(13..)) else { return false };
    matches!((body.parse::<u64>(), key.parse::<u64>()), (Ok(body), Ok(key)) if key == 97 - body % 97)
}

/// The first letter or digit of each word, dots for the others.
fn masked(text: &str) -> String {
    let mut inside = false;
    let mask = |character: char| {
        let alphanumeric = character.is_alphanumeric();
        let hidden = alphanumeric && inside;
        inside = alphanumeric;
        if hidden { '•' } else { character }
    };
    text.chars().map(mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::open_record;

    fn num_found(text: &str) -> usize {
        check(&open_record(text, "Oui")).len()
    }

    #[test]
    fn each_kind_is_found_and_masked() {
        for text in [
            "Mme Dupont tousse.",
            "M. de Villiers tousse.",
            "Mme LEFÈVRE-MARTIN tousse.",
            "Il est né le 26 février 2013.",
            "Née le 3/4/1978",
            "Date de naissance : 03/04/1978",
            "NIR 2 55 08 14 168 025 38",
            "Appelez le 06 12 34 56 78",
            "tél. 0612345678",
            "+33 6 12 34 56 78",
            "jean.dupont@chu-nantes.fr",
        ] {
            assert_eq!(num_found(text), 1, "{text}");
        }
        assert!(check(&open_record("Mme Dupont", "Oui"))[0].detail.ends_with("M•• D•••••"));
    }

    #[test]
    fn what_only_looks_like_it_is_not_found() {
        for text in [
            "Mme R. et M. X consultent.",
            "NaCl 0,1 M. Lequel est exact ?",
            "La maladie de M. Crohn",
            "M. tuberculosis",
            "0,1 M. Glucose",
            "EC 1.2.3.4, le 31/12/2013",
            "ISBN 0439522562",
            "2 55 08 14 168 025 39",
            "Nourrisson né le jour du terme",
        ] {
            assert_eq!(num_found(text), 0, "{text}");
        }
    }

    proptest::proptest! {
        /// Texts of the pieces that the shapes are made of.
        #[test]
        fn no_shape_stands_where_it_is_not_looked_for(
            pieces in proptest::collection::vec("M\\.|MM\\.|Mr|Mmes?|Mlle|Monsieur|Madame|[Nn][éÉ]e?|le|1er|date de naissance|tél\\.|\\+33|[0-9]{1,4}|2[AB]|[a.]@b\\.fr|mai|Dupont|[ :/.-]|٣|é|’", 0..24)
        ) {
            let text = pieces.concat();
            for kind in KINDS.iter().filter(|kind| kind.shape.is_match(&text)) {
                proptest::prop_assert!((kind.may_stand)(&Marks::of(&text)), "{} in {text:?}", kind.name);
            }
        }
    }
}
