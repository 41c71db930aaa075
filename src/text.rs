//! Normalisation and folding of text.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

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
    for character in text.nfkd().filter(|character| !is_combining_mark(*character)) {
        if character.is_alphanumeric() {
            folded.extend(character.to_lowercase());
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC*") {
            let once = fold(&text);
            proptest::prop_assert_eq!(fold(&once), once);
        }
    }
}
