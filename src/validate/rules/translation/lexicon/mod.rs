//! Which French words translate an English one: two tables in the program.
//!
//! `learned.txt` is made by `learn.py` from aligned texts whose licences allow it (MMLU, MIT; TICO-19, CC0); `common.txt` is
//! written by hand. A line is an English stem and French stems with the strength of each, from 1 to 9.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::words::{Word, stem_hash};

/// French stems, by hash, that translate an English word, each with a strength between 0 and 1.
pub(super) type Translations = &'static [(u32, f32)];

/// Strength of an entry that is written by hand.
const BY_HAND: u8 = 7;

/// Slots of the table: a power of two, more than twice the number of words.
const NUM_SLOTS: usize = 1 << 14;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

/// An open-addressing table from the hash of an English stem to a stretch of `translations`.
struct Lexicon {
    slots: Vec<(u32, u32, u32)>,
    translations: Vec<(u32, f32)>,
}

impl Lexicon {
    fn new() -> Self {
        let mut by_stem: BTreeMap<u32, Vec<(u32, u8)>> = BTreeMap::new();
        for line in [include_str!("common.txt"), include_str!("learned.txt")].into_iter().flat_map(str::lines) {
            let mut words = line.split(' ');
            let Some(english) = words.next().filter(|word| !word.starts_with('#')) else { continue };
            let entry = by_stem.entry(stem_hash(english)).or_default();
            for french in words {
                let (french, strength) = french.split_once(':').unwrap_or((french, ""));
                let (hash, strength) = (stem_hash(french), strength.parse().unwrap_or(BY_HAND));
                match entry.iter_mut().find(|(known, _)| *known == hash) {
                    Some((_, known)) => *known = strength.max(*known),
                    None => entry.push((hash, strength)),
                }
            }
        }
        let mut lexicon = Self { slots: vec![(0, 0, 0); NUM_SLOTS], translations: Vec::new() };
        for (english, found) in by_stem {
            let place = |index: usize| u32::try_from(index).unwrap_or(0);
            let begin = place(lexicon.translations.len());
            lexicon
                .translations
                .extend(found.into_iter().map(|(french, strength)| (french, f32::from(strength) / 10.0)));
            let slot = lexicon.slot(english);
            lexicon.slots[slot] = (english, begin, place(lexicon.translations.len()));
        }
        lexicon
    }

    /// The slot that holds `stem`, or the empty one where it belongs.
    fn slot(&self, stem: u32) -> usize {
        let mut slot = stem as usize % NUM_SLOTS;
        while self.slots[slot].2 != 0 && self.slots[slot].0 != stem {
            slot = (slot + 1) % NUM_SLOTS;
        }
        slot
    }
}

/// What translates the English word whose stem has this hash; nothing where it is not known.
pub(super) fn translations(stem: u32) -> Translations {
    let lexicon = &*LEXICON;
    let (_, begin, end) = lexicon.slots[lexicon.slot(stem)];
    &lexicon.translations[begin as usize..end as usize]
}

/// How well a French word translates an English one, from 0 to 1: by the lexicon, or because they are spelled alike.
pub(super) fn similarity(english: &Word, french: &Word) -> f32 {
    if english.stem == french.stem {
        return 1.0;
    }
    let known = english.known.iter().find(|(stem, _)| *stem == french.stem).map_or(0.0, |(_, strength)| *strength);
    if known > 0.0 || english.len().min(french.len()) < 4 {
        return known;
    }
    ((english.likeness(*french) - 0.45) * 2.0).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::words::Words;
    use super::*;

    fn of(english: &str, french: &str) -> f32 {
        similarity(&Words::english(english).words()[0], &Words::french(french).words()[0])
    }

    #[test]
    fn translations_and_cognates_are_similar_and_others_are_not() {
        for (english, french) in
            [("blood", "sang"), ("hearts", "cœur"), ("hypothyroidism", "hypothyroïdie"), ("drugs", "médicament")]
        {
            assert!(of(english, french) >= 0.2, "{english} {french} {}", of(english, french));
        }
        for (english, french) in [("blood", "foie"), ("heart", "rein"), ("infection", "traitement")] {
            assert!(of(english, french) <= 0.1, "{english} {french} {}", of(english, french));
        }
    }
}
