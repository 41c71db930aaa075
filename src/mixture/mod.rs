//! Mixtures: how many records of each origin, and which.
//!
//! A mixture reads counts and identifiers, never text. What is drawn depends on the data set, the ratios, the size and
//! the seed, and not on the order in which records are met.

mod draw;
mod number;
mod preset;
mod quota;
mod summary;
mod write;

use serde::Deserialize;

pub use draw::{Draw, check_leaks, draw, scaled_size};
pub use preset::{Preset, STUDY_SIZE};
pub use quota::largest_remainder;
pub use summary::{MixtureSummary, Share, SplitSummary};
pub use write::{MIXTURE, Request, read_summary, write_mixture};

use crate::record::{Origin, Task};
use crate::{Error, Result};

/// The field of a record whose values a mixture's ratios are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// How the record was made.
    Origin,
    /// Name of the corpus.
    Source,
    /// Kind of question.
    Task,
    /// Licence of the corpus.
    License,
}

impl Field {
    /// Checks that a record can have `value` in the field.
    fn check(self, value: &str) -> Result<(), String> {
        match self {
            Self::Origin => value.parse::<Origin>().map(drop),
            Self::Task => value.parse::<Task>().map(drop),
            Self::Source | Self::License => Ok(()),
        }
    }
}

/// Most records of a mixture: counts up to it are exact as numbers that are multiplied by a ratio.
const MAX_RECORDS: u64 = 1 << 53;

/// Target share of each value of a field. Invariant: ratios are finite, positive and sum to 1 (tolerance 1e-9).
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    field: Field,
    ratios: Vec<(String, f64)>,
    num_records: u64,
    seed: u64,
}

/// The file's shape of a custom mixture.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMixture {
    field: Field,
    ratios: std::collections::BTreeMap<String, f64>,
    size: u64,
    #[serde(default = "default_seed")]
    seed: u64,
}

const fn default_seed() -> u64 {
    42
}

impl Mixture {
    /// A mixture with `ratios` of the values of `field`; remainders that tie are given in the order of `ratios`.
    ///
    /// # Errors
    /// [`Error::Config`] if a ratio is not finite and positive, if they do not sum to 1, if `num_records` is 0 or
    /// above 2⁵³, or if a value is none of the field's.
    pub fn new(field: Field, ratios: Vec<(String, f64)>, num_records: u64, seed: u64) -> Result<Self> {
        if num_records == 0 || num_records > MAX_RECORDS {
            let message = format!("expected from 1 to {MAX_RECORDS} records, found {num_records}");
            return Err(Error::config("size", message));
        }
        if ratios.is_empty() {
            return Err(Error::config("ratios", "expected at least one value with its ratio, found none"));
        }
        for (value, _) in &ratios {
            field.check(value).map_err(|message| Error::config(format!("ratios.{value}"), message))?;
        }
        if let Some((value, ratio)) = ratios.iter().find(|(_, ratio)| !ratio.is_finite() || *ratio <= 0.0) {
            return Err(Error::config(format!("ratios.{value}"), format!("expected a number above 0, found {ratio}")));
        }
        let sum: f64 = ratios.iter().map(|(_, ratio)| ratio).sum();
        if (sum - 1.0).abs() > 1e-9 {
            return Err(Error::config("ratios", format!("expected a sum of 1, found {sum}")));
        }
        Ok(Self { field, ratios, num_records, seed })
    }

    /// Reads a custom mixture: TOML with `field`, `[ratios]`, `size` and, where wanted, `seed`.
    ///
    /// ```
    /// let mixture = medinjection_fr::mixture::Mixture::from_toml(
    ///     "field = 'source'\nsize = 10\n[ratios]\nfrenchmedmcqa = 0.7\nmmlu_fr = 0.3",
    /// )?;
    /// assert_eq!(mixture.quotas(), [("frenchmedmcqa", 7), ("mmlu_fr", 3)]);
    /// # Ok::<(), medinjection_fr::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] if the text is not TOML, holds an unknown key, or fails the checks of [`Mixture::new`].
    pub fn from_toml(text: &str) -> Result<Self> {
        let raw: RawMixture = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            Error::config(format!("line {line}"), error.message())
        })?;
        let mut ratios: Vec<_> = raw.ratios.into_iter().collect();
        if raw.field == Field::Origin {
            let place = |name: &str| name.parse::<Origin>().ok();
            ratios.sort_by_key(|(name, _)| place(name));
        }
        Self::new(raw.field, ratios, raw.size, raw.seed)
    }

    /// The same mixture of another size.
    ///
    /// # Errors
    /// [`Error::Config`] if `num_records` is 0.
    pub fn with_size(&self, num_records: u64) -> Result<Self> {
        Self::new(self.field, self.ratios.clone(), num_records, self.seed)
    }

    /// The same mixture drawn with another seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The field that the ratios are about.
    #[must_use]
    pub const fn field(&self) -> Field {
        self.field
    }

    /// The ratios, in the order in which remainders that tie are given.
    #[must_use]
    pub fn ratios(&self) -> &[(String, f64)] {
        &self.ratios
    }

    /// Number of records of the whole.
    #[must_use]
    pub const fn num_records(&self) -> u64 {
        self.num_records
    }

    /// Seed of the draw.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Number of records of each value, by largest remainder.
    #[must_use]
    pub fn quotas(&self) -> Vec<(&str, u64)> {
        let ratios: Vec<f64> = self.ratios.iter().map(|(_, ratio)| *ratio).collect();
        let counts = largest_remainder(self.num_records, &ratios);
        self.ratios.iter().map(|(value, _)| value.as_str()).zip(counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_named() {
        let message =
            Mixture::from_toml("field = 'origin'\nsizes = 3\n[ratios]\nnative = 1.0").unwrap_err().to_string();
        assert!(message.contains("sizes"), "{message}");
    }

    #[test]
    fn a_size_that_cannot_be_shared_exactly_is_refused() {
        let mixture = |size| Mixture::new(Field::Source, vec![("a".to_owned(), 1.0)], size, 42);
        assert!(mixture(MAX_RECORDS).is_ok());
        for size in [0, MAX_RECORDS + 1, u64::MAX] {
            assert!(mixture(size).unwrap_err().to_string().contains("size: expected from 1 to"), "{size}");
        }
    }

    #[test]
    fn what_is_no_toml_is_named_by_its_line() {
        let message = Mixture::from_toml("field = 'task'\nsize = -3").unwrap_err().to_string();
        assert!(message.starts_with("line 2: invalid value") && message.lines().count() == 1, "{message}");
    }

    #[test]
    fn ratios_are_checked() {
        let message = |ratios: &str| {
            Mixture::from_toml(&format!("field = 'task'\nsize = 3\n[ratios]\n{ratios}")).unwrap_err().to_string()
        };
        assert!(message("mcq = 0.4\nmcqu = 0.4").contains("sum of 1, found 0.8"));
        assert!(message("mcq = -1.0\nmcqu = 2.0").contains("ratios.mcq"));
        assert!(message("mcq = nan").contains("NaN"));
        assert!(message("mcqx = 1.0").contains("ratios.mcqx: expected one of mcqu, mcq, oeq, found \"mcqx\""));
        assert!(message("").contains("at least one value"));
    }

    #[test]
    fn origins_tie_in_the_order_of_the_study() {
        let mixture =
            Mixture::from_toml("field = 'origin'\nsize = 3\n[ratios]\nsynthetic = 0.5\ntranslated = 0.5").unwrap();
        assert_eq!(mixture.quotas(), [("translated", 2), ("synthetic", 1)]);
    }
}
