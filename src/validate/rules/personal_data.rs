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

static KINDS: [Kind; 7] = [
    kind!(
        "name",
        |marks| marks.has_title,
        // A title, particles (`Le`, `DE LA`, `d’`) and initials, and a word with a capital; two capitals are
        // initials. `M` without a point is a title only before capitals.
        r"\b(?:(?:MM?\.|Mr\.?|Mmes?\.?|Mlles?\.?|Messieurs|Mesdames|Monsieur|Madame|Mademoiselle)\s+(?:\p{Lu}\.[\s-]?)*(?:(?i:de|du|des|la|le|da|di|ben|el|van|von|den)\s+|(?i:[dlo])['’])*(\p{Lu}(?:\p{Ll}+|\p{Lu}{2,})(?:-\p{Lu}\p{L}+)*)|M\s+((?:\p{Lu}{2,}\s)?\p{Lu}{4,}(?:-\p{Lu}{2,})*)\b)",
        is_name
    ),
    kind!(
        "date of birth",
        |marks| marks.has_born && marks.num_digits >= 3,
        r"(?i)\bn[ée](?:e|\(e\))?\s+(?:à\s+\p{Lu}[\p{L}'’-]*(?:\s\p{Lu}[\p{L}'’-]*)*\s*,?\s+)?le\s*:?\s*(?:(?:lun|mar|mercre|jeu|vendre|same)di\s+|dimanche\s+)?(?:(?:1er|\d{1,2})(?:\s+\p{L}{3,9}\s+|\s*[/.-]\s*\d{1,2}\s*[/.-]\s*)\d{2,4}|\d{4}-\d{2}-\d{2})\b",
        |_, _| true
    ),
    kind!(
        "date of birth",
        |marks| marks.num_digits >= 3,
        r"(?i)\bdate\s+(?:et\s+lieu\s+)?(?:de\s+)?naissance\s*:?\s*(?:le\s+)?(?:(?:1er|\d{1,2})(?:\s+\p{L}{3,9}\s+|\s*[/.-]\s*\d{1,2}\s*[/.-]\s*)\d{2,4}|\d{4}-\d{2}-\d{2})\b",
        |_, _| true
    ),
    kind!(
        "date of birth",
        |marks| marks.num_digits >= 4,
        r"\b(?:DDN|ddn|D\.\s?D\.\s?N\.|DN)\s*:?\s*\d{1,2}\s*[/.-]\s*\d{1,2}\s*[/.-]\s*(?:\d{4}|\d{2})\b",
        |_, _| true
    ),
    kind!(
        "social security number",
        |marks| marks.num_digits >= 14,
        r"\b[12378][\s.-]?\d{2}[\s.-]?\d{2}[\s.-]?(?:\d{2}|2[AB])[\s.-]?\d{3}[\s.-]?\d{3}(?:\s?/\s?|\s?\(|\s?-\s?|[\s.]?(?:clé\s?:?\s?)?)\d{2}\b",
        |_, captures| has_valid_key(&captures[0])
    ),
    kind!(
        "telephone number",
        |marks| marks.num_digits >= 10,
        r"(?:\+|\b00)33[\s.-]?(?:\(0\))?[\s.-]?[1-9](?:[\s.-]?\d{2}){4}\b|(?:\+|\b00)(?:262|590|594|596)[\s.-]?(?:\(0\))?[\s.-]?\d{3}(?:[\s.-]?\d{2}){3}\b|\b0[1-9](?:[\s./-]\d{2}){4}\b|(?i:\b(?:t[ée]l\.?|t[ée]l[ée]phone|portable|mobile|gsm|fax|télécopie|standard|secrétariat|joignable\s+au|rappeler\s+(?:le|au)|appeler\s+(?:le|au)|contacter\s+(?:le|au)|joindre\s+au)\s*:?\s*)0[1-9]\d{8}\b",
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
    /// Whether `né` or `ne` stands somewhere, in whatever case.
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
                b'M' => marks.has_title |= after().first().is_some_and(|next| may_follow_m(*next)),
                b'n' | b'N' => marks.has_born |= matches!(after(), [0xC3, 0xA9 | 0x89, ..] | [b'e' | b'E', ..]),
                _ => {}
            }
        }
        marks
    }
}

/// Whether a byte can go on a title after its `M`: a point, a letter, or the first byte of a space.
const fn may_follow_m(byte: u8) -> bool {
    matches!(byte, b'.' | b'r' | b'm' | b'l' | b'o' | b'a' | b'e' | b' ' | b'\t'..=b'\r' | 0xC2 | 0xE1..=0xE3)
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
                let article = if kind.name.starts_with('e') { "an" } else { "a" };
                let detail =
                    format!("expected no personal data, found {article} {}: {}", kind.name, masked(&captures[0]));
                Finding::warning(Reason::PersonalData, field, detail)
            }));
        }
    }
    findings
}

/// Whether a capitalised word after M. or Mme is a name: not the next sentence's first word, an eponym or what
/// follows a molarity or a class of antibodies.
fn is_name(text: &str, captures: &regex::Captures<'_>) -> bool {
    let (Some(whole), Some(name)) = (captures.get(0), captures.get(1).or_else(|| captures.get(2))) else {
        return false;
    };
    let before = &text[..whole.start()];
    let molarity = before.trim_end().ends_with(|character: char| character.is_ascii_digit());
    let class_of_antibodies = captures.get(2).is_some() && before.trim_end().ends_with("Ig");
    let mut words = before.split_whitespace().rev();
    let preposition = words.next().is_some_and(|word| matches!(word, "de" | "du" | "par"));
    let eponym = preposition && words.next().is_some_and(|word| EPONYM_WORDS.contains(&word.to_lowercase().as_str()));
    !(begins_a_sentence(whole.as_str(), name.as_str()) || molarity || class_of_antibodies || eponym)
}

/// Whether the point is a sentence's and not a title's: a lone `M.` before a French function word, as after a molarity or
/// the last of several formulas, or a capital alone on the next line.
fn begins_a_sentence(whole: &str, name: &str) -> bool {
    let word = name.to_lowercase();
    let new_line = whole.starts_with("M.") && whole.contains('\n');
    new_line || is_french_function_word(&word)
}

/// Whether the last two digits of a French social security number are 97 less the rest modulo 97 (Corsica: 2A is 19, 2B 18).
fn has_valid_key(number: &str) -> bool {
    let kept = |character: &char| character.is_ascii_digit() || matches!(character, 'A' | 'B');
    let compact: String = number.chars().filter(kept).collect();
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
            "M. J.-P. Le Gall tousse.",
            "L'état de Mme L'Hermitte",
            "M DUPONT a été opéré.",
            "Mme Ly",
            "Il est né le 26 février 2013.",
            "Née le 3/4/1978",
            "Date de naissance : 03/04/1978",
            "Née à Saint-Brieuc le 3 avril 1978",
            "DDN 03.04.78",
            "né(e) le : 1978-04-03",
            "NIR 2 55 08 14 168 025 38",
            "NIR 2-55-08-14-168-025 clé 38",
            "Appelez le 06 12 34 56 78",
            "tél. 0612345678",
            "Joignable au 0612345678",
            "+262 692 12 34 56",
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
            "Mme HK, âgée de 27 ans",
            "A. aux moins de 3 M.\nProtéine C",
            "NaCl 0,1 M. Lequel est exact ?",
            "La maladie de M. Crohn",
            "M. tuberculosis",
            "Ig M ANTI-HBc",
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
            pieces in proptest::collection::vec("M\\.|M|MM\\.|Mr|Mmes?|Mlle|Messieurs|Monsieur|Madame|DUPONT|[Nn][éÉe]e?|à Nantes|le|lundi|1er|date de naissance|DDN|clé|tél\\.|fax|\\+262|\\+33|[0-9]{1,4}|2[AB]|[a.]@b\\.fr|mai|Dupont|[ :/.-]|٣|é|’", 0..24)
        ) {
            let text = pieces.concat();
            for kind in KINDS.iter().filter(|kind| kind.shape.is_match(&text)) {
                proptest::prop_assert!((kind.may_stand)(&Marks::of(&text)), "{} in {text:?}", kind.name);
            }
        }
    }
}
