//! What the discriminator reads in a text: hashed character n-grams, words, word pairs and French marks of punctuation.
//!
//! Public so that a table can be learned from other data with the very features that the detector reads; the learner of
//! the table in the tree is `benches/language/learn.rs`.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Number of buckets that features are hashed into: 2 to this power.
pub const BUCKET_BITS: u32 = 19;

/// Longest character n-gram, word marks included.
const MAX_NGRAM: usize = 5;

/// Letters of a word that are read; those after are passed over.
const MAX_WORD: usize = 64;

/// Stand for the beginning and the end of a word.
const WORD_START: u32 = 1;
const WORD_END: u32 = 2;

/// Where each kind of feature begins its hash.
const NGRAM: u32 = 0x811C_9DC5;
const WORD: u32 = 0x1234_5678;
const PUNCTUATION: u32 = 0x77;
const DECIMAL: u32 = 0x99;
const NUM_WORDS: u32 = 0xABCD;

/// Letters from this one on belong to no Latin alphabet.
const FIRST_NOT_LATIN: char = '\u{370}';

/// Counts that the features do not carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    /// Number of letters.
    pub num_letters: usize,
    /// Number of letters outside the Latin alphabets.
    pub num_not_latin: usize,
    /// Number of words.
    pub num_words: usize,
    /// Number of letters of the longest word.
    pub longest_word: usize,
}

/// Gives the bucket of each feature of `text` to `emit`, in reading order and as often as it occurs.
///
/// Case is folded, letters are composed (NFC), and a word ends after an apostrophe, so that `L’hôpital` is `l'` and
/// `hôpital`. Digits and other marks separate words.
///
/// ```
/// use medinjection_fr::language::features::{BUCKET_BITS, features};
/// let mut buckets = Vec::new();
/// let shape = features("L’hôpital", |bucket| buckets.push(bucket));
/// assert_eq!((shape.num_letters, shape.num_words), (8, 2));
/// assert!(buckets.iter().all(|bucket| *bucket < 1 << BUCKET_BITS));
/// ```
pub fn features(text: &str, mut emit: impl FnMut(usize)) -> Shape {
    let text = composed(text);
    let mut word = Word::default();
    let mut shape = Shape::default();
    let mut before = ' ';
    for character in text.chars() {
        let character = fold(character);
        if is_letter(character) {
            shape.num_letters += 1;
            shape.num_not_latin += usize::from(character >= FIRST_NOT_LATIN);
            word.push(character);
        } else if character == '\'' && word.len > 0 {
            word.push(character);
            word.finish(&mut shape, &mut emit);
        } else {
            word.finish(&mut shape, &mut emit);
            punctuation(before, character, &mut emit);
        }
        before = character;
    }
    word.finish(&mut shape, &mut emit);
    if shape.num_words > 0 {
        emit(bucket(step(word.previous.rotate_left(13), WORD_END)));
        emit(bucket(step(NUM_WORDS, u32::try_from(shape.num_words.min(4)).unwrap_or(4))));
    }
    shape
}

/// Letters of the word that is being read, and the hash of the one before.
struct Word {
    marked: [u32; MAX_WORD + 2],
    len: usize,
    previous: u32,
}

impl Default for Word {
    fn default() -> Self {
        Self { marked: [WORD_START; MAX_WORD + 2], len: 0, previous: 0 }
    }
}

impl Word {
    #[inline]
    fn push(&mut self, character: char) {
        if self.len < MAX_WORD {
            self.len += 1;
            self.marked[self.len] = u32::from(character);
        }
    }

    /// Emits the features of the word, if there is one, and begins the next.
    #[inline]
    fn finish(&mut self, shape: &mut Shape, emit: &mut impl FnMut(usize)) {
        if self.len == 0 {
            return;
        }
        self.marked[self.len + 1] = WORD_END;
        let marked = &self.marked[..self.len + 2];
        for start in 0..marked.len() {
            let end = marked.len().min(start + MAX_NGRAM);
            let mut hash = NGRAM;
            for (index, character) in marked[start..end].iter().enumerate() {
                hash = step(hash, *character);
                if index > 0 || *character > WORD_END {
                    emit(bucket(hash));
                }
            }
        }
        let word = marked[1..=self.len].iter().fold(WORD, |hash, character| step(hash, *character));
        if self.len + 2 > MAX_NGRAM {
            emit(bucket(word));
        }
        emit(bucket(step(self.previous.rotate_left(13), word)));
        shape.num_words += 1;
        shape.longest_word = shape.longest_word.max(self.len);
        self.previous = word;
        self.len = 0;
    }
}

/// French puts a space before high punctuation and per cent, and a comma between the digits of a decimal number.
#[inline]
fn punctuation(before: char, character: char, emit: &mut impl FnMut(usize)) {
    match character {
        ':' | ';' | '?' | '!' | '%' | '«' | '»' => {
            let spaced = matches!(before, ' ' | '\u{a0}' | '\u{202f}');
            emit(bucket(step(step(PUNCTUATION, u32::from(character)), u32::from(spaced))));
        }
        ',' | '.' if before.is_ascii_digit() => emit(bucket(step(DECIMAL, u32::from(character)))),
        _ => {}
    }
}

#[inline]
fn step(hash: u32, value: u32) -> u32 {
    (hash ^ value).wrapping_mul(0x0100_0193).rotate_left(7)
}

#[inline]
fn bucket(hash: u32) -> usize {
    (hash.wrapping_mul(0x9E37_79B1) >> (32 - BUCKET_BITS)) as usize
}

/// The text with combining marks (lead bytes 0xCC and 0xCD in UTF-8) joined to their letters.
fn composed(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| matches!(byte, 0xCC | 0xCD)) {
        Cow::Owned(text.nfc().collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Lower case, and one apostrophe for all.
#[inline]
fn fold(character: char) -> char {
    match character {
        '\0'..='\x7f' => character.to_ascii_lowercase(),
        '’' | '‘' | 'ʼ' | '´' => '\'',
        'à'..='ÿ' => character,
        _ => character.to_lowercase().next().unwrap_or(character),
    }
}

#[inline]
fn is_letter(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_lowercase() } else { character.is_alphabetic() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(text: &str) -> Vec<usize> {
        let mut buckets = Vec::new();
        features(text, |bucket| buckets.push(bucket));
        buckets
    }

    #[test]
    fn case_apostrophe_and_composition_do_not_change_the_features() {
        let expected = buckets("l'hôpital");
        for same in ["L’HÔPITAL", "L'Hôpital", "L'Ho\u{302}pital"] {
            assert_eq!(buckets(same), expected, "{same}");
        }
        assert_ne!(buckets("l'hopital"), expected);
    }

    #[test]
    fn a_word_of_two_letters_has_its_n_grams_pair_and_count() {
        // ^d ^de ^de$ d de de$ e e$, the pair with nothing before, the pair with nothing after, one word.
        assert_eq!(buckets("de").len(), 11);
        assert_eq!(buckets("12 3"), Vec::<usize>::new());
    }

    #[test]
    fn a_space_before_a_question_mark_is_a_feature() {
        assert_ne!(buckets("pH ?"), buckets("pH?"));
        assert_ne!(buckets("pH 7,4"), buckets("pH 7.4"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_features_within_the_table(text in "\\PC*") {
            let shape = features(&text, |bucket| assert!(bucket < 1 << BUCKET_BITS));
            proptest::prop_assert!(shape.num_not_latin <= shape.num_letters);
        }
    }
}
