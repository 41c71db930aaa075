//! Normalisation and folding of text.

use std::sync::LazyLock;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Letters whose folding is looked up: Latin-1 and Latin Extended-A, which is nearly all of French beyond ASCII.
const TABLED: std::ops::Range<u32> = 0xc0..0x180;

/// The folding of each tabled letter that folds to one letter; the others hold a zero.
static LATIN: LazyLock<Vec<char>> = LazyLock::new(|| {
    let single = |code| {
        let mut folded = String::new();
        let mut folding = Folding { text: &mut folded, gap: false };
        fold_character(char::from_u32(code).unwrap_or('\0'), &mut folding);
        let ends_in_gap = folding.gap;
        let mut letters = folded.chars();
        letters.next().filter(|_| letters.next().is_none() && !ends_in_gap).unwrap_or('\0')
    };
    TABLED.map(single).collect()
});

/// What some editors begin a UTF-8 file with; it is no part of the text.
pub const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Folds text for comparison: lower case, no accents, every run of other than letters and digits one space.
///
/// Two texts that a reader takes for the same question fold to the same string. Empty where nothing is left.
///
/// ```
/// assert_eq!(medinjection_fr::text::fold("L’œdème\u{a0}: « aigu » ?"), "l œdeme aigu");
/// ```
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut folding = Folding { text: &mut folded, gap: false };
    for character in text.chars() {
        if character.is_ascii() {
            folding.push_ascii(character);
            continue;
        }
        let code = u32::from(character);
        match TABLED.contains(&code).then(|| LATIN[(code - TABLED.start) as usize]) {
            Some(letter) if letter != '\0' => folding.push_letter(letter),
            _ => fold_character(character, &mut folding),
        }
    }
    folded
}

/// Folds a character by its compatibility decomposition, without its marks.
///
/// Characters decompose one by one; the order of marks, which is all that depends on neighbours, does not matter here.
fn fold_character(character: char, folding: &mut Folding<'_>) {
    decompose_compatible(character, |part| {
        if part.is_alphanumeric() && !is_combining_mark(part) {
            folding.begin_letter();
            folding.text.extend(part.to_lowercase());
        } else if !is_combining_mark(part) {
            folding.gap = true;
        }
    });
}

/// Text being folded: a gap is written before the next letter, so that none stands at either end.
struct Folding<'a> {
    text: &'a mut String,
    gap: bool,
}

impl Folding<'_> {
    fn push_ascii(&mut self, character: char) {
        if character.is_ascii_alphanumeric() {
            self.push_letter(character.to_ascii_lowercase());
        } else {
            self.gap = true;
        }
    }

    fn push_letter(&mut self, letter: char) {
        self.begin_letter();
        self.text.push(letter);
    }

    fn begin_letter(&mut self) {
        if self.gap && !self.text.is_empty() {
            self.text.push(' ');
        }
        self.gap = false;
    }
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    /// Folding as it is defined, without tables.
    fn defined(text: &str) -> String {
        let mut folded = String::new();
        for character in text.nfkd().filter(|character| !is_combining_mark(*character)) {
            if character.is_alphanumeric() {
                folded.extend(character.to_lowercase());
            } else if !folded.is_empty() && !folded.ends_with(' ') {
                folded.push(' ');
            }
        }
        folded.trim_end().to_owned()
    }

    #[test]
    fn every_latin_letter_folds_as_defined() {
        for character in (0..0x250).chain(0x2000..0x2100).filter_map(char::from_u32) {
            let text = format!("a{character}b {character}");
            assert_eq!(fold(&text), defined(&text), "{character:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC*") {
            let once = fold(&text);
            proptest::prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn folding_is_as_defined(text in "\\PC*|[a-zA-ZéÉœŒ’ \u{a0}\u{301}0-9.]*") {
            proptest::prop_assert_eq!(fold(&text), defined(&text));
        }
    }
}
