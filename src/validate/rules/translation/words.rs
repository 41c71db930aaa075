//! A text cut into folded words, each with what it is looked up and compared by.

use super::lexicon::{Translations, translations};
use crate::text::fold;

/// Letters by which a word is looked up: long enough to tell words apart, short enough to be the same for its forms.
const STEM_LETTERS: usize = 6;

/// One word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    begin: u32,
    end: u32,
    /// Hash of the first letters, the plural's ending aside.
    pub(super) stem: u32,
    /// First letter of the skeleton: what words spelled alike begin with.
    initial: u8,
    num_pairs: u8,
    /// One bit for each pair of neighbouring letters of the word's skeleton; see [`Word::likeness`].
    pairs: u128,
    /// For an English word, the French stems that translate it.
    pub(super) known: Translations,
}

/// The folded words of a text.
#[derive(Debug, Clone)]
pub(super) struct Words {
    folded: String,
    words: Vec<Word>,
}

impl Words {
    pub(super) fn english(text: &str) -> Self {
        Self::new(text, translations)
    }

    pub(super) fn french(text: &str) -> Self {
        Self::new(text, |_| &[])
    }

    fn new(text: &str, known: fn(u32) -> Translations) -> Self {
        let folded = fold(text);
        let mut words = Vec::with_capacity(folded.len() / 5 + 1);
        let mut begin = 0;
        for word in folded.split(' ').filter(|word| !word.is_empty()) {
            words.push(Word::new(word, begin, known));
            begin += word.len() + 1;
        }
        Self { folded, words }
    }

    /// The text in lower case without accents or signs.
    pub(super) fn folded(&self) -> &str {
        &self.folded
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    pub(super) fn words(&self) -> &[Word] {
        &self.words
    }

    /// The letters of a word of this text.
    pub(super) fn text(&self, word: Word) -> &str {
        &self.folded[word.begin as usize..word.end as usize]
    }

    /// The words as text, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.words.iter().map(|word| self.text(*word))
    }
}

impl Word {
    fn new(word: &str, begin: usize, known: fn(u32) -> Translations) -> Self {
        let place = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        let stem = stem_hash(word);
        let (initial, pairs) = skeleton(word);
        let num_pairs = u8::try_from(pairs.count_ones()).unwrap_or(u8::MAX);
        Self {
            begin: place(begin),
            end: place(begin + word.len()),
            stem,
            initial,
            num_pairs,
            pairs,
            known: known(stem),
        }
    }

    /// Number of bytes of the folded word.
    pub(super) fn len(self) -> u32 {
        self.end - self.begin
    }

    /// Whether both are one word, as far as they are looked up and compared.
    pub(super) const fn same_as(self, other: Self) -> bool {
        self.stem == other.stem && self.pairs == other.pairs
    }

    /// How alike two words are spelled, from 0 to 1, whatever Latin and Greek letters became in either language: `rhythm`
    /// and `rythme` are alike, as `physical` and `physique`. Dice's coefficient of their letter pairs.
    pub(super) fn likeness(self, other: Self) -> f32 {
        // `stomach` and `estomac`, `state` and `état` begin alike too.
        let same_beginning = self.initial == other.initial || self.initial == b's' && other.initial == b'e';
        let total = u32::from(self.num_pairs) + u32::from(other.num_pairs);
        if !same_beginning || total == 0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "both are at most 256")]
        let dice = (2 * (self.pairs & other.pairs).count_ones()) as f32 / total as f32;
        dice
    }
}

/// The first letters of a folded word, without a plural's ending.
pub(super) fn stem(word: &str) -> &str {
    let singular = if word.len() > 3 { word.strip_suffix(['s', 'x']).unwrap_or(word) } else { word };
    singular.char_indices().nth(STEM_LETTERS).map_or(singular, |(end, _)| &singular[..end])
}

/// Hash of a word's stem (FNV-1a).
pub(super) fn stem_hash(word: &str) -> u32 {
    stem(word).bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The first letter of a word's skeleton, and its pairs of neighbouring letters hashed to 128 bits.
fn skeleton(word: &str) -> (u8, u128) {
    let (mut pairs, mut previous, mut initial) = (0, 0_u8, 0);
    let mut letters = word.bytes().peekable();
    while let Some(letter) = letters.next() {
        let letter = match (letter, letters.peek()) {
            (b'p', Some(b'h')) => b'f',
            (b'k', _) => b'c',
            (b'q', Some(b'u')) => {
                letters.next();
                b'c'
            }
            (b'a' | b'o', Some(b'e')) | (b'h', _) => continue,
            (b'y', _) => b'i',
            _ => letter,
        };
        if letter != previous {
            pairs |= 1 << ((u32::from(previous) * 31 + u32::from(letter)) % 127);
        }
        if previous == 0 {
            initial = letter;
        }
        previous = letter;
    }
    (initial, pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_share_a_stem() {
        assert_eq!(stem("contractions"), "contra");
        assert_eq!((stem("os"), stem("bones"), stem("genes")), ("os", "bone", "gene"));
    }

    #[test]
    fn cognates_are_alike_and_others_are_not() {
        let likeness = |left: &str, right: &str| Words::english(left).words[0].likeness(Words::french(right).words[0]);
        for (english, french) in [("rhythm", "rythme"), ("physical", "physique"), ("hemoglobin", "hémoglobine")] {
            assert!(likeness(english, french) >= 0.7, "{english} {french} {}", likeness(english, french));
        }
        for (english, french) in [("bone", "foie"), ("infection", "traitement")] {
            assert!(likeness(english, french) <= 0.3, "{english} {french} {}", likeness(english, french));
        }
    }

    proptest::proptest! {
        #[test]
        fn words_are_those_of_the_folded_text(text in "\\PC*") {
            let words = Words::english(&text);
            proptest::prop_assert_eq!(words.iter().collect::<Vec<_>>().join(" "), fold(&text));
        }
    }
}
