//! Numbers written in words or Roman numerals.

use std::sync::LazyLock;

use super::Format;

/// English words and their values; ordinals and multiples count as their number.
const ENGLISH: &[(&str, u64)] = &[
    ("zero", 0),
    ("one", 1),
    ("once", 1),
    ("first", 1),
    ("single", 1),
    ("two", 2),
    ("twice", 2),
    ("second", 2),
    ("both", 2),
    ("half", 2),
    ("double", 2),
    ("three", 3),
    ("third", 3),
    ("triple", 3),
    ("four", 4),
    ("fourth", 4),
    ("quarter", 4),
    ("five", 5),
    ("fifth", 5),
    ("six", 6),
    ("sixth", 6),
    ("seven", 7),
    ("seventh", 7),
    ("eight", 8),
    ("eighth", 8),
    ("nine", 9),
    ("ninth", 9),
    ("ten", 10),
    ("tenth", 10),
    ("eleven", 11),
    ("eleventh", 11),
    ("twelve", 12),
    ("twelfth", 12),
    ("dozen", 12),
    ("fifteen", 15),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
    ("hundred", 100),
    ("thousand", 1000),
    ("million", 1_000_000),
    ("billion", 1_000_000_000),
];

/// French words and their values.
const FRENCH: &[(&str, u64)] = &[
    ("zéro", 0),
    ("un", 1),
    ("une", 1),
    ("premier", 1),
    ("première", 1),
    ("premiers", 1),
    ("premières", 1),
    ("seul", 1),
    ("seule", 1),
    ("deux", 2),
    ("second", 2),
    ("seconde", 2),
    ("deuxième", 2),
    ("moitié", 2),
    ("demi", 2),
    ("double", 2),
    ("trois", 3),
    ("troisième", 3),
    ("tiers", 3),
    ("triple", 3),
    ("quatre", 4),
    ("quatrième", 4),
    ("quart", 4),
    ("quarts", 4),
    ("cinq", 5),
    ("cinquième", 5),
    ("six", 6),
    ("sixième", 6),
    ("sept", 7),
    ("septième", 7),
    ("huit", 8),
    ("huitième", 8),
    ("neuf", 9),
    ("neuvième", 9),
    ("dix", 10),
    ("dixième", 10),
    ("dizaine", 10),
    ("onze", 11),
    ("onzième", 11),
    ("douze", 12),
    ("douzième", 12),
    ("douzaine", 12),
    ("quinze", 15),
    ("quinzaine", 15),
    ("vingt", 20),
    ("vingtaine", 20),
    ("trente", 30),
    ("trentaine", 30),
    ("quarante", 40),
    ("quarantaine", 40),
    ("cinquante", 50),
    ("cinquantaine", 50),
    ("soixante", 60),
    ("soixantaine", 60),
    ("cent", 100),
    ("cents", 100),
    ("centaine", 100),
    ("mille", 1000),
    ("millier", 1000),
    ("milliers", 1000),
    ("million", 1_000_000),
    ("millions", 1_000_000),
    ("milliard", 1_000_000_000),
    ("milliards", 1_000_000_000),
];

/// Longest word of both tables, in bytes.
const MAX_BYTES: usize = 14;

/// The number that `word` names; `None` where it names none.
pub(super) fn value(word: &str, format: Format) -> Option<u64> {
    if !(1..=MAX_BYTES).contains(&word.len()) {
        return None;
    }
    if let Some(value) = roman(word) {
        return Some(value);
    }
    let names = match format {
        Format::English => &ENGLISH_NAMES,
        Format::French => &FRENCH_NAMES,
    };
    let first = word.as_bytes()[0].to_ascii_lowercase();
    let same = |name: &str| name.as_bytes()[1..] == word.as_bytes()[1..];
    names.get(usize::from(first))?.iter().find(|(name, _)| same(name)).map(|(_, value)| *value)
}

/// The words of a table by their first byte: most words begin like no number.
type Names = [Vec<(&'static str, u64)>; 128];

static ENGLISH_NAMES: LazyLock<Names> = LazyLock::new(|| by_first_byte(ENGLISH));
static FRENCH_NAMES: LazyLock<Names> = LazyLock::new(|| by_first_byte(FRENCH));

fn by_first_byte(table: &[(&'static str, u64)]) -> Names {
    let begins = |byte: usize, name: &str| usize::from(name.as_bytes()[0]) == byte;
    std::array::from_fn(|byte| table.iter().copied().filter(|(name, _)| begins(byte, name)).collect())
}

/// Whether the word is a part, a rank or a multiple, and no count.
pub(super) fn is_part(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "half"
            | "both"
            | "double"
            | "twice"
            | "second"
            | "seconde"
            | "third"
            | "quarter"
            | "moitié"
            | "demi"
            | "tiers"
            | "quart"
            | "quarts"
            | "triple"
            | "fourth"
            | "fifth"
    )
}

/// The value of a Roman numeral in capitals, an ordinal's ending aside (`XIXe`).
fn roman(word: &str) -> Option<u64> {
    let numeral = word.trim_end_matches(['e', 'r', 'è', 'm']);
    // A letter alone is that of a vitamin, of a limb or of degrees (`C`, `L`), not a hundred or fifty.
    if numeral.is_empty() || numeral.len() + 3 < word.len() || matches!(numeral, "C" | "L") {
        return None;
    }
    let mut total = 0;
    let mut largest = 0;
    for letter in numeral.bytes().rev() {
        let value = match letter {
            b'I' => 1,
            b'V' => 5,
            b'X' => 10,
            b'L' => 50,
            b'C' => 100,
            _ => return None,
        };
        total = if value < largest { total - value } else { total + value };
        largest = largest.max(value);
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numerals_have_their_value() {
        assert_eq!((value("Three", Format::English), value("Première", Format::French)), (Some(3), Some(1)));
        assert_eq!((value("XIXe", Format::French), value("IV", Format::English)), (Some(19), Some(4)));
        assert_eq!((value("Trois", Format::English), value("MDMA", Format::French)), (None, None));
        assert_eq!((value("C", Format::French), value("L", Format::English)), (None, None));
    }

    #[test]
    fn no_word_is_longer_than_the_longest() {
        assert!(ENGLISH.iter().chain(FRENCH).all(|(name, _)| name.len() <= MAX_BYTES));
    }
}
