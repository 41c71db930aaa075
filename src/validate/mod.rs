//! Checks of one record: [`validate`] reports, it never drops nor repairs; what to do about a finding is for `build`.
//!
//! One rule is one file under `rules/`. A finding of severity [`Severity::Error`](crate::record::Severity) makes the
//! record unfit for training; a warning is for a person to look at.

mod rules;

use crate::record::{Finding, Record};

/// Everything that is wrong with `record`, in the order of the rules.
///
/// The languages in the record are used where there are any, and detected where there are none. The findings it already
/// carries are neither read nor repeated.
#[must_use]
pub fn validate(record: &Record) -> Vec<Finding> {
    rules::RULES.iter().flat_map(|rule| rule(record)).collect()
}
