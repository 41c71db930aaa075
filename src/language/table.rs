//! The learned table: two log-odds of a text, French against English and a third language against both.
//!
//! `table.bin` is 16 bytes of header (scale and bias of each of the two, `f32`, little-endian), then one byte a bucket for
//! French against English, then one byte a pair of buckets for the third language. It is made by `benches/language/learn.sh`, which says from which data.

use super::features::{BUCKET_BITS, Shape, features};

const HEADER_BYTES: usize = 16;
const FRENCH_BYTES: usize = 1 << BUCKET_BITS;
const TABLE: &[u8; HEADER_BYTES + FRENCH_BYTES + FRENCH_BYTES / 2] = include_bytes!("table.bin");

/// What a text bears for each language, in natural logarithms of odds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Evidence {
    /// French against English.
    pub(super) french: f64,
    /// A third language against French and English.
    pub(super) third: f64,
    /// Counts of letters and words.
    pub(super) shape: Shape,
}

impl Evidence {
    /// Adds up the weights of the features of `text`.
    pub(super) fn of(text: &str) -> Self {
        let (mut french, mut third) = (0_i32, 0_i32);
        let shape = features(text, |bucket| {
            french += i32::from(TABLE[HEADER_BYTES + bucket].cast_signed());
            third += i32::from(TABLE[HEADER_BYTES + FRENCH_BYTES + bucket / 2].cast_signed());
        });
        let log_odds = |sum: i32, place: usize| f64::from(sum) * header(place) + header(place + 1);
        Self { french: log_odds(french, 0), third: log_odds(third, 2), shape }
    }
}

/// Number at `place` of the header.
fn header(place: usize) -> f64 {
    let start = 4 * place;
    f64::from(f32::from_le_bytes([TABLE[start], TABLE[start + 1], TABLE[start + 2], TABLE[start + 3]]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provenance::sha256_file;

    /// As printed by `benches/language/learn.sh`.
    const TABLE_SHA256: &str = "85caa84babcdad4219c064c6b7fddaa27292eb6cfcc26b45c47e83621f79f565";

    #[test]
    fn the_table_is_the_one_that_the_learner_makes() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/language/table.bin");
        assert_eq!(sha256_file(&path).unwrap(), TABLE_SHA256);
        assert!(TABLE.len() < 1 << 20);
    }

    #[test]
    fn log_odds_have_the_sign_of_the_language() {
        assert!(Evidence::of("la fièvre du patient").french > 3.0);
        assert!(Evidence::of("the patient's fever").french < -3.0);
        assert!(Evidence::of("la fiebre del paciente y sus síntomas").third > 3.0);
    }
}
