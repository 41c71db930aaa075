//! The rules of a validation: the standard ones, and those that a crate of its own adds.

use std::sync::Arc;

use super::rules::{RULES, translation};
use crate::record::{Finding, Original, Record};

/// A check of one record: everything that is wrong with it, as far as the check looks.
type Check = dyn Fn(&Record) -> Vec<Finding> + Send + Sync;

/// The rules by which records are validated.
///
/// A rule of one's own needs no change to this crate: it is a function with a name, whose findings have the reason
/// [`Reason::Custom`](crate::record::Reason::Custom) and are counted, rejected and written out like any others.
///
/// ```
/// use medinjection_fr::build::Plan;
/// use medinjection_fr::record::{Finding, Reason, Record};
///
/// /// A question of fewer than three words.
/// fn short_question(record: &Record) -> Vec<Finding> {
///     let num_words = record.instruction.split_whitespace().count();
///     let detail = format!("expected at least 3 words, found {num_words}");
///     if num_words < 3 { vec![Finding::error(Reason::Custom, "instruction", detail)] } else { Vec::new() }
/// }
///
/// let plan = Plan::sample()?.with_rule("short_question", short_question);
/// assert_eq!(plan.resolved()["rules"][0], "short_question");
/// # Ok::<(), medinjection_fr::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Rules {
    custom: Vec<(String, Arc<Check>)>,
}

impl Rules {
    /// The rules of this crate alone.
    #[must_use]
    pub const fn standard() -> Self {
        Self { custom: Vec::new() }
    }

    /// The same and `check`, whose findings begin with `name`.
    #[must_use]
    pub fn with_rule(
        mut self,
        name: impl Into<String>,
        check: impl Fn(&Record) -> Vec<Finding> + Send + Sync + 'static,
    ) -> Self {
        self.custom.push((name.into(), Arc::new(check)));
        self
    }

    /// Names of the rules that were added, in order.
    pub fn added(&self) -> impl Iterator<Item = &str> {
        self.custom.iter().map(|(name, _)| name.as_str())
    }

    /// Everything that is wrong with `record`, and with it as a translation of `original` where that is given, in the order of
    /// the rules; added ones come last.
    ///
    /// The languages in the record are used where there are any, and detected where there are none. The findings it
    /// already carries are neither read nor repeated.
    #[must_use]
    pub fn check(&self, record: &Record, original: Option<&Original>) -> Vec<Finding> {
        let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(record)).collect();
        findings.extend(original.into_iter().flat_map(|original| translation::check(record, original)));
        for (name, check) in &self.custom {
            let named = |finding: Finding| Finding { detail: format!("{name}: {}", finding.detail), ..finding };
            findings.extend(check(record).into_iter().map(named));
        }
        findings
    }
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.added()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Reason;
    use crate::record::fixture::choice_record;

    #[test]
    fn an_added_rule_speaks_last_and_under_its_name() {
        let record = choice_record("Quel os ?", &["Tibia", ""], "A");
        let standard = Rules::standard().check(&record, None);
        let always = |_: &Record| vec![Finding::warning(Reason::Custom, "instruction", "found it")];
        let rules = Rules::standard().with_rule("always", always).with_rule("never", |_: &Record| Vec::new());
        let (last, first) =
            rules.check(&record, None).split_last().map(|(last, first)| (last.clone(), first.to_vec())).unwrap();
        assert_eq!(first, standard);
        assert_eq!((last.reason, last.detail.as_str()), (Reason::Custom, "always: found it"));
        assert_eq!(format!("{rules:?}"), "[\"always\", \"never\"]");
    }
}
