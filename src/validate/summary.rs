//! What a validation found, counted: by severity and reason, with a few examples of each.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::record::{Finding, Reason, Severity};

/// Examples kept of each severity and reason.
const MAX_EXAMPLES: usize = 3;

/// A finding and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Located {
    /// The file, as it was named.
    pub file: String,
    /// One-based row or line in the file.
    pub row: u64,
    /// Identifier of the record; empty where the row is none.
    pub id: String,
    /// What is wrong.
    #[serde(flatten)]
    pub finding: Finding,
}

/// How often one thing was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Number of findings.
    pub num_findings: u64,
    /// Number of rows with at least one.
    pub num_rows: u64,
    /// The first of them.
    pub examples: Vec<Located>,
}

/// Everything that was found in a number of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    num_rows: u64,
    num_rows_with_errors: u64,
    num_not_compared: u64,
    counts: BTreeMap<(Severity, Reason), Count>,
}

impl Summary {
    /// Counts one row with all its findings.
    pub fn add(&mut self, findings: &[Located]) {
        self.num_rows += 1;
        let errors = findings.iter().any(|located| located.finding.severity == Severity::Error);
        self.num_rows_with_errors += u64::from(errors);
        for (index, located) in findings.iter().enumerate() {
            let kind = |located: &Located| (located.finding.severity, located.finding.reason);
            let first = !findings[..index].iter().any(|earlier| kind(earlier) == kind(located));
            let count = self.counts.entry(kind(located)).or_default();
            count.num_findings += 1;
            count.num_rows += u64::from(first);
            if count.examples.len() < MAX_EXAMPLES {
                count.examples.push(located.clone());
            }
        }
    }

    /// Number of rows counted.
    #[must_use]
    pub const fn num_rows(&self) -> u64 {
        self.num_rows
    }

    /// Number of rows that the build would reject.
    #[must_use]
    pub const fn num_rows_with_errors(&self) -> u64 {
        self.num_rows_with_errors
    }

    /// Counts a translated record that was not compared with its English original.
    pub(super) fn add_not_compared(&mut self) {
        self.num_not_compared += 1;
    }

    /// Number of translated records whose English original is not at hand.
    #[must_use]
    pub const fn num_not_compared(&self) -> u64 {
        self.num_not_compared
    }

    /// The counts, errors first, then by reason.
    pub fn counts(&self) -> impl Iterator<Item = (Severity, Reason, &Count)> {
        [Severity::Error, Severity::Warning].into_iter().flat_map(|wanted| {
            let of_severity = self.counts.iter().filter(move |((severity, _), _)| *severity == wanted);
            of_severity.map(|((severity, reason), count)| (*severity, *reason, count))
        })
    }
}

impl Serialize for Summary {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Entry<'a> {
            severity: Severity,
            reason: Reason,
            #[serde(flatten)]
            count: &'a Count,
        }
        #[derive(Serialize)]
        struct Whole<'a> {
            num_rows: u64,
            num_rows_with_errors: u64,
            num_not_compared: u64,
            findings: Vec<Entry<'a>>,
        }
        let findings = self.counts().map(|(severity, reason, count)| Entry { severity, reason, count }).collect();
        let Self { num_rows, num_rows_with_errors, num_not_compared, .. } = *self;
        Whole { num_rows, num_rows_with_errors, num_not_compared, findings }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(row: u64, reason: Reason) -> Located {
        Located { file: "f".to_owned(), row, id: String::new(), finding: Finding::error(reason, "x", "y") }
    }

    #[test]
    fn rows_and_findings_are_counted_apart_and_examples_are_few() {
        let mut summary = Summary::default();
        for row in 1..=5 {
            summary.add(&[located(row, Reason::EmptyChoice), located(row, Reason::EmptyChoice)]);
        }
        summary.add(&[]);
        let (_, reason, count) = summary.counts().next().unwrap();
        assert_eq!((reason, count.num_findings, count.num_rows), (Reason::EmptyChoice, 10, 5));
        assert_eq!(count.examples.len(), MAX_EXAMPLES);
        assert_eq!((summary.num_rows(), summary.num_rows_with_errors()), (6, 5));
    }
}
