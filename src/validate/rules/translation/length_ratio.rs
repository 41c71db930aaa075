//! A translation much shorter or longer than its original.

use super::Pair;
use crate::record::{Finding, Reason};

/// Letters from which a field's length tells something.
const MIN_LETTERS: usize = 40;

/// Shares of the original's length out of which a field is reported, and out of which it is an error.
const SUSPECT: std::ops::Range<f32> = 0.65..2.2;
const CERTAIN: std::ops::Range<f32> = 0.35..4.0;

/// A warning for a length that professionals' translations hardly have, an error for one that none has.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for field in &pair.fields {
        let [english, french] = [&field.english, &field.french].map(|words| words.folded().len());
        if english.max(french) < MIN_LETTERS {
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "texts are far shorter than 2^23 letters")]
        let ratio = french as f32 / english.max(1) as f32;
        if SUSPECT.contains(&ratio) {
            continue;
        }
        let detail = format!("expected a length near the original's {english} letters, found {french}");
        let finding = if CERTAIN.contains(&ratio) { Finding::warning } else { Finding::error };
        findings.push(finding(Reason::LengthRatio, field.name.clone(), detail));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::fixture::pair;
    use super::*;
    use crate::record::Severity;

    #[test]
    fn a_field_of_half_the_length_is_a_warning_and_of_a_tenth_an_error() {
        let english = "Which of the following muscles is innervated by the median nerve?";
        let severity = |french: &str| {
            let (record, original) = pair((english, &[]), (french, &[]));
            check(&Pair::new(&record, &original)).first().map(|finding| finding.severity)
        };
        assert_eq!(severity("Lequel des muscles suivants est innervé par le nerf médian ?"), None);
        assert_eq!(severity("Lequel des muscles suivants est innervé ?"), Some(Severity::Warning));
        assert_eq!(severity("Lequel ?"), Some(Severity::Error));
    }
}
