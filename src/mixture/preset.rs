//! The study's seven mixtures.

use super::number::to_number;
use super::{Field, Mixture};
use crate::Result;
use crate::record::Origin;

/// Number of training records of each of the study's mixtures: what the smallest origin has in multiple-choice records.
pub const STUDY_SIZE: u64 = 33_493;

/// One of the study's seven equal-size mixtures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Native alone (NAT).
    Native,
    /// Translated alone (TRAD).
    Translated,
    /// Synthetic alone (SYN).
    Synthetic,
    /// Half native, half translated (NAT-TRAD).
    NativeTranslated,
    /// Half native, half synthetic (NAT-SYN).
    NativeSynthetic,
    /// Half translated, half synthetic (TRAD-SYN).
    TranslatedSynthetic,
    /// A third each (ALL).
    All,
}

impl Preset {
    /// Every preset, in the study's order.
    pub const ALL: &'static [Self] = &[
        Self::Native,
        Self::Translated,
        Self::Synthetic,
        Self::NativeTranslated,
        Self::NativeSynthetic,
        Self::TranslatedSynthetic,
        Self::All,
    ];

    /// The name used on command lines and in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Translated => "translated",
            Self::Synthetic => "synthetic",
            Self::NativeTranslated => "native_translated",
            Self::NativeSynthetic => "native_synthetic",
            Self::TranslatedSynthetic => "translated_synthetic",
            Self::All => "all",
        }
    }

    /// The name used in the study's tables.
    #[must_use]
    pub const fn study_name(self) -> &'static str {
        match self {
            Self::Native => "NAT",
            Self::Translated => "TRAD",
            Self::Synthetic => "SYN",
            Self::NativeTranslated => "NAT-TRAD",
            Self::NativeSynthetic => "NAT-SYN",
            Self::TranslatedSynthetic => "TRAD-SYN",
            Self::All => "ALL",
        }
    }

    /// The origins, each with an equal ratio.
    #[must_use]
    pub const fn origins(self) -> &'static [Origin] {
        match self {
            Self::Native => &[Origin::Native],
            Self::Translated => &[Origin::Translated],
            Self::Synthetic => &[Origin::Synthetic],
            Self::NativeTranslated => &[Origin::Native, Origin::Translated],
            Self::NativeSynthetic => &[Origin::Native, Origin::Synthetic],
            Self::TranslatedSynthetic => &[Origin::Translated, Origin::Synthetic],
            Self::All => &[Origin::Native, Origin::Translated, Origin::Synthetic],
        }
    }

    /// The mixture of `num_records`, drawn with `seed`.
    ///
    /// ```
    /// use medinjection_fr::mixture::{Preset, STUDY_SIZE};
    /// let quotas = Preset::All.mixture(STUDY_SIZE, 42)?;
    /// assert_eq!(quotas.quotas(), [("native", 11_165), ("translated", 11_164), ("synthetic", 11_164)]);
    /// # Ok::<(), medinjection_fr::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if `num_records` is 0.
    pub fn mixture(self, num_records: u64, seed: u64) -> Result<Mixture> {
        let origins = self.origins();
        let ratio = 1.0 / to_number(origins.len() as u64);
        let ratios = origins.iter().map(|origin| (origin.to_string(), ratio)).collect();
        Mixture::new(Field::Origin, ratios, num_records, seed)
    }
}

impl std::str::FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|preset| preset.as_str() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|preset| preset.as_str()).collect();
            format!("expected one of {}, found {text:?}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_those_of_the_study() {
        let expected: [&[u64]; 7] = [
            &[33_493],
            &[33_493],
            &[33_493],
            &[16_747, 16_746],
            &[16_747, 16_746],
            &[16_747, 16_746],
            &[11_165, 11_164, 11_164],
        ];
        for (preset, expected) in Preset::ALL.iter().zip(expected) {
            let mixture = preset.mixture(STUDY_SIZE, 42).unwrap();
            let counts: Vec<u64> = mixture.quotas().into_iter().map(|(_, count)| count).collect();
            assert_eq!(counts, expected, "{}", preset.as_str());
            assert_eq!(preset.as_str().parse(), Ok(*preset));
        }
    }
}
