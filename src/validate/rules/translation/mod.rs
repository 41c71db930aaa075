//! The rules for a translated record and its English original, one a file.
//!
//! Every rule looks at one [`Pair`], whose texts are cut into words once for all of them. A defect that is certain enough to
//! reject the record is an error, a suspicion is a warning. Fields are compared one by one, choices by their place; where
//! the number of choices differs, only question and context are.

mod choice_count;
#[cfg(test)]
mod fixture;
mod gold_mismatch;
mod merged_choices;
mod pair;
mod words;

use pair::Pair;

use crate::record::{Finding, Original, Record};

/// What is wrong with a translation, as far as one rule looks.
type Rule = fn(&Pair<'_>) -> Vec<Finding>;

/// Every rule, in the order of its findings.
const RULES: &[Rule] = &[choice_count::check, gold_mismatch::check, merged_choices::check];

/// Everything that is wrong with `record` as a translation of `original`, in the order of the rules.
pub(in crate::validate) fn check(record: &Record, original: &Original) -> Vec<Finding> {
    let pair = Pair::new(record, original);
    RULES.iter().flat_map(|rule| rule(&pair)).collect()
}
