//! What is compared of a record: exact keys, word shingles with the bands of their `MinHash` signature, and n-grams.

use twox_hash::XxHash64;

use super::config::{Banding, DedupConfig, GRAM_WORDS, SHINGLE_WORDS};
use super::key::{ContentKey, group_key, key_of_parts};
use crate::record::{Choice, Record};
use crate::text::fold;

/// Makes [`Fingerprint`]s; it is the same for all threads.
#[derive(Debug)]
pub struct Fingerprinter {
    /// Multiplier and summand of each permutation.
    permutations: Vec<(u64, u64)>,
    banding: Banding,
}

/// What is compared of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    pub(super) content: ContentKey,
    pub(super) group: ContentKey,
    /// Hashes of the shingles, ascending, each once.
    pub(super) shingles: Vec<u32>,
    /// Hashes of the n-grams, ascending, each once.
    pub(super) grams: Vec<u32>,
    /// Those of them that stand in the question or its context.
    pub(super) question_grams: Vec<u32>,
    /// Hashes of the choices, ascending; the lowest bit says whether a choice is correct.
    pub(super) answers: Vec<u32>,
    /// One hash a band.
    pub(super) bands: Vec<u32>,
}

impl Fingerprinter {
    /// A maker of fingerprints that fit `config`. Its permutations are fixed: equal texts have equal fingerprints in every
    /// build.
    #[must_use]
    pub fn new(config: &DedupConfig) -> Self {
        let mut state = 0;
        let mut next = || {
            state += 1;
            mixed(state)
        };
        let banding = Banding::of(config);
        let permutations = (0..banding.num_bands * banding.num_rows).map(|_| (next() | 1, next())).collect();
        Self { permutations, banding }
    }

    /// The fingerprint of `record`: of its context, its question and its choices as a set, folded.
    #[must_use]
    pub fn fingerprint(&self, record: &Record) -> Fingerprint {
        let mut choices: Vec<String> = record.choices.iter().map(|choice| fold(&choice.text)).collect();
        let answers = answers(record, &choices);
        choices.sort_unstable();
        choices.dedup();
        let fields: Vec<String> =
            [fold(&record.context), fold(&record.instruction)].into_iter().chain(choices).collect();
        let words: Vec<Vec<u64>> = fields.iter().map(|field| word_hashes(field)).collect();
        let shingles = windows(&words, SHINGLE_WORDS);
        Fingerprint {
            content: key_of_parts(fields.iter().map(String::as_str)),
            group: group_key(&record.group_id),
            bands: self.bands(&shingles),
            grams: windows(&words, GRAM_WORDS),
            question_grams: windows(&words[..2], GRAM_WORDS),
            answers,
            shingles,
        }
    }

    /// The bands of the `MinHash` signature of a set.
    fn bands(&self, shingles: &[u32]) -> Vec<u32> {
        let least = |(multiplier, summand): &(u64, u64)| {
            let permuted = shingles.iter().map(|shingle| permuted(*shingle, *multiplier, *summand));
            permuted.fold(u32::MAX, u32::min)
        };
        let signature: Vec<u32> = self.permutations.iter().map(least).collect();
        let band = |rows: &[u32]| upper(mixed(rows.iter().fold(0, |state, row| step(state, u64::from(*row)))));
        signature.chunks(self.banding.num_rows).map(band).collect()
    }
}

/// The [`Fingerprint::answers`] of a record whose choices are `folded`.
fn answers(record: &Record, folded: &[String]) -> Vec<u32> {
    let answer = |(choice, folded): (&Choice, &String)| {
        let hash = upper(XxHash64::oneshot(0, folded.as_bytes()));
        hash & !1 | u32::from(record.answer_labels.contains(&choice.label))
    };
    let mut answers: Vec<u32> = record.choices.iter().zip(folded).map(answer).collect();
    answers.sort_unstable();
    answers
}

/// Whether two records share a choice that is correct in one and wrong in the other, by their [`Fingerprint::answers`].
pub(super) fn contradict(left: &[u32], right: &[u32]) -> bool {
    left.iter().any(|answer| right.binary_search(&(answer ^ 1)).is_ok() && right.binary_search(answer).is_err())
}

/// The upper half of `multiplier · shingle + summand`, from products of 32 bits, of which a processor makes several at once.
const fn permuted(shingle: u32, multiplier: u64, summand: u64) -> u32 {
    let lower = (multiplier & 0xffff_ffff) * shingle as u64;
    upper(lower.wrapping_add(summand)).wrapping_add(upper(multiplier).wrapping_mul(shingle))
}

fn word_hashes(folded: &str) -> Vec<u64> {
    folded.split(' ').filter(|word| !word.is_empty()).map(|word| XxHash64::oneshot(0, word.as_bytes())).collect()
}

/// Hashes of all runs of `length` words of each field; a shorter field is one run. Ascending, each once.
fn windows(fields: &[Vec<u64>], length: usize) -> Vec<u32> {
    let hash = |run: &[u64]| upper(mixed(run.iter().fold(run.len() as u64, |state, word| step(state, *word))));
    let mut hashes = Vec::new();
    for words in fields.iter().filter(|words| !words.is_empty()) {
        hashes.extend(words.windows(length.min(words.len())).map(hash));
    }
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// Takes the next word into a running hash that depends on the order.
const fn step(state: u64, word: u64) -> u64 {
    (state.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The finaliser of `SplitMix64`: every bit of the input decides on every bit of the output.
const fn mixed(mut state: u64) -> u64 {
    state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

const fn upper(bits: u64) -> u32 {
    (bits >> 32) as u32
}

/// Jaccard similarity of two ascending sets; 0 where both are empty.
pub(super) fn jaccard(left: &[u32], right: &[u32]) -> f64 {
    let shared = num_shared(left, right);
    let union = left.len() + right.len() - shared;
    if union == 0 { 0.0 } else { ratio(shared, union) }
}

/// How many elements two ascending sets share.
pub(super) fn num_shared(left: &[u32], right: &[u32]) -> usize {
    let (mut first, mut second, mut shared) = (0, 0, 0);
    while first < left.len() && second < right.len() {
        let (one, other) = (left[first], right[second]);
        shared += usize::from(one == other);
        first += usize::from(one <= other);
        second += usize::from(other <= one);
    }
    shared
}

/// `part / whole`.
#[expect(clippy::cast_precision_loss, reason = "sizes of sets of words are far below 2^53")]
pub(super) fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dedup::content_key;
    use crate::record::fixture::choice_record;

    fn fingerprint(question: &str, choices: &[&str]) -> Fingerprint {
        Fingerprinter::new(&DedupConfig::default()).fingerprint(&choice_record(question, choices, "A"))
    }

    const QUESTION: &str = "Quel est le traitement de première intention de l'hypertension artérielle du sujet âgé ?";

    #[test]
    fn order_of_choices_accents_and_case_do_not_count() {
        let first = fingerprint(QUESTION, &["Un diurétique thiazidique", "Un bêtabloquant"]);
        let mut second = fingerprint(
            &QUESTION.to_uppercase(),
            &["un betabloquant", "UN DIURÉTIQUE THIAZIDIQUE.", "Un bêtabloquant"],
        );
        (second.group, second.answers) = (first.group, first.answers.clone());
        assert_eq!(first, second);
    }

    #[test]
    fn the_key_is_that_of_the_record() {
        let record = choice_record(QUESTION, &["Foie", "Foie", "Rein"], "A");
        assert_eq!(fingerprint(QUESTION, &["Foie", "Foie", "Rein"]).content, content_key(&record));
    }

    #[test]
    fn one_word_changes_the_two_shingles_that_hold_it() {
        let first = fingerprint("un deux trois quatre cinq six", &["a"]);
        let second = fingerprint("un deux trois autre cinq six", &["a"]);
        assert_eq!((first.shingles.len(), num_shared(&first.shingles, &second.shingles)), (6, 4));
        assert!((jaccard(&first.shingles, &second.shingles) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn agreeing_permutations_estimate_the_similarity() {
        let words =
            |range: std::ops::Range<u32>| range.map(|number| format!("m{number}")).collect::<Vec<_>>().join(" ");
        let config = DedupConfig { num_permutations: 1024, near_threshold: 1.0, ..DedupConfig::default() };
        let maker = Fingerprinter { banding: Banding { num_bands: 1024, num_rows: 1 }, ..Fingerprinter::new(&config) };
        let [first, second] =
            [words(0..200), words(50..250)].map(|text| maker.fingerprint(&choice_record(&text, &["a"], "A")));
        let agreeing = first.bands.iter().zip(&second.bands).filter(|(one, other)| one == other).count();
        let exact = jaccard(&first.shingles, &second.shingles);
        // The standard error is sqrt(0.6 · 0.4 / 1024) = 0.015.
        assert!((ratio(agreeing, 1024) - exact).abs() < 0.05, "{agreeing} of 1024, exact {exact}");
    }

    proptest::proptest! {
        #[test]
        fn a_permutation_is_the_upper_half_of_its_formula(shingle: u32, multiplier: u64, summand: u64) {
            let whole = multiplier.wrapping_mul(u64::from(shingle)).wrapping_add(summand);
            proptest::prop_assert_eq!(permuted(shingle, multiplier, summand), upper(whole));
        }

        #[test]
        fn a_similarity_is_in_range_and_symmetric(mut left: Vec<u32>, mut right: Vec<u32>) {
            for set in [&mut left, &mut right] {
                set.sort_unstable();
                set.dedup();
            }
            let similarity = jaccard(&left, &right);
            proptest::prop_assert!((0.0..=1.0).contains(&similarity));
            proptest::prop_assert_eq!(similarity.to_bits(), jaccard(&right, &left).to_bits());
        }
    }
}
