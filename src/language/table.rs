//! The learned table: two log-odds of a text, French against English and a third language against both.
//!
//! `table.bin` is 16 bytes of header (scale and bias of each of the two, `f32`, little-endian) and one pair of bytes a
//! bucket. It is made by `benches/language/learn.sh`, which says from which data.

use super::features::{BUCKET_BITS, Shape, features};

const HEADER_BYTES: usize = 16;
const TABLE: &[u8; HEADER_BYTES + (2 << BUCKET_BITS)] = include_bytes!("table.bin");

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
            let index = HEADER_BYTES + 2 * bucket;
            french += i32::from(TABLE[index].cast_signed());
            third += i32::from(TABLE[index + 1].cast_signed());
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
    const TABLE_SHA256: &str = "88fb9b72e8f52cd3907150787343333c30f56655da4c7723614a7a5804f45b59";

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
