//! Normalisation and folding of text.

use std::borrow::Cow;
use std::sync::LazyLock;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

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

/// Every letter with its marks as one character where there is one (NFC); text that is so already is not copied.
///
/// ```
/// assert_eq!(medinjection_fr::text::composed("e\u{301}te\u{301}"), "été");
/// ```
#[must_use]
pub fn composed(text: &str) -> Cow<'_, str> {
    // Below U+0300, where the first combining mark stands, nothing is to be composed: UTF-8 begins there with 0xCC.
    let is_composed = text.bytes().all(|byte| byte < 0xCC) || is_nfc_quick(text.chars()) == IsNormalized::Yes;
    if is_composed { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

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
    let mut characters = text.chars();
    loop {
        // Most of French is ASCII, which needs no decoding.
        let rest = characters.as_str();
        let num_ascii = rest.bytes().take_while(u8::is_ascii).count();
        folding.push_ascii(&rest.as_bytes()[..num_ascii]);
        characters = rest[num_ascii..].chars();
        let Some(character) = characters.next() else { break };
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
    fn push_ascii(&mut self, bytes: &[u8]) {
        for run in bytes.chunk_by(|left, right| left.is_ascii_alphanumeric() == right.is_ascii_alphanumeric()) {
            if run[0].is_ascii_alphanumeric() {
                self.begin_letter();
                self.text.extend(run.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
            } else {
                self.gap = true;
            }
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
        fn composing_is_as_defined(text in "\\PC*|[a-zé\u{301}\u{302}’가ᄀ]*") {
            proptest::prop_assert_eq!(composed(&text), text.nfc().collect::<String>());
        }

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
