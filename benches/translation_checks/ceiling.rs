//! What a reader without dictionary could see of two exchanged choices: numbers, words spelled alike, lengths.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use medinjection_fr::record::{Choice, Original, Record};
use medinjection_fr::text::fold;
use serde_json::{Value, json};

/// Letters that two words spelled alike begin with.
const COGNATE_LETTERS: usize = 4;

/// What tells that two choices were exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// More numbers or more words spelled alike in the right order than in the wrong one.
    Alignment,
    /// Neither, but the lengths fit better in the right order.
    Lengths,
    /// Nothing of these, or they speak for the wrong order.
    None,
}

impl Evidence {
    /// What can be seen of the exchange that made `swapped` of `record`.
    pub(crate) fn of(record: &Record, swapped: &Record, original: &Original) -> Self {
        let moved = |index: &usize| record.choices[*index].text != swapped.choices[*index].text;
        let places: Vec<usize> = (0..record.choices.len()).filter(moved).collect();
        let [first, second] = places[..] else { return Self::None };
        let pairs = |left: usize, right: usize| {
            [(first, left), (second, right)]
                .map(|(english, french)| (&original.choices[english], &record.choices[french]))
        };
        let (right, wrong) = (pairs(first, second), pairs(second, first));
        let shared =
            |pairs: [(&Choice, &Choice); 2]| pairs.map(|(english, french)| shared(&english.text, &french.text));
        let total = |pairs| shared(pairs).iter().sum::<usize>();
        match total(right).cmp(&total(wrong)) {
            Ordering::Greater => Self::Alignment,
            Ordering::Equal if misfit(right) < misfit(wrong) => Self::Lengths,
            Ordering::Equal | Ordering::Less => Self::None,
        }
    }
}

/// How many numbers and words an English and a French text share.
fn shared(english: &str, french: &str) -> usize {
    let keys = |text: &str| -> BTreeSet<String> {
        let folded = fold(text);
        let key = |word: &str| -> Option<String> {
            let is_number = word.starts_with(|letter: char| letter.is_ascii_digit());
            let letters = word.chars().take(if is_number { usize::MAX } else { COGNATE_LETTERS });
            (is_number || word.chars().count() >= COGNATE_LETTERS).then(|| letters.collect())
        };
        folded.split(' ').filter_map(key).collect()
    };
    keys(english).intersection(&keys(french)).count()
}

/// Sum of squared logarithms of the ratios of lengths.
#[expect(clippy::cast_precision_loss, reason = "choices are far shorter than 2^52 letters")]
fn misfit(pairs: [(&Choice, &Choice); 2]) -> f64 {
    let length = |choice: &Choice| (choice.text.chars().count() + 2) as f64;
    pairs.iter().map(|(english, french)| (length(french) / length(english)).ln().powi(2)).sum()
}

/// How many exchanges there were of each kind of evidence, and how many of them were caught.
#[derive(Debug, Default)]
pub(crate) struct Ceiling {
    seen: [(usize, usize); 3],
}

impl Ceiling {
    pub(crate) fn add(&mut self, evidence: Evidence, caught: bool) {
        let (num_rows, num_caught) = &mut self.seen[evidence as usize];
        *num_rows += 1;
        *num_caught += usize::from(caught);
    }

    /// The ceiling is the share of exchanges of which numbers, words spelled alike or lengths tell.
    pub(crate) fn report(&self, share: fn(usize, usize) -> f64) -> Value {
        let total: usize = self.seen.iter().map(|(num_rows, _)| num_rows).sum();
        let part = |evidence: Evidence| {
            let (num_rows, num_caught) = self.seen[evidence as usize];
            json!({ "share": share(num_rows, total), "recall": share(num_caught, num_rows) })
        };
        json!({
            "alignment": part(Evidence::Alignment),
            "lengths_only": part(Evidence::Lengths),
            "none": part(Evidence::None),
            "ceiling_without_dictionary": share(total - self.seen[Evidence::None as usize].0, total),
        })
    }
}
