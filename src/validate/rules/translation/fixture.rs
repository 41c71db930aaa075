//! Small pairs of an original and its translation for unit tests.

use super::{Pair, Rule};
use crate::record::{Original, Record, fixture::choice_record};

/// A question with its choices.
pub(in crate::validate) type Question<'a> = (&'a str, &'a [&'a str]);

/// A translation with choice A correct, or an open question where there is no choice, and its original.
pub(in crate::validate) fn pair(english: Question<'_>, french: Question<'_>) -> (Record, Original) {
    let record = choice_record(french.0, french.1, "A");
    let english = choice_record(english.0, english.1, "A");
    let original = Original {
        id: "1".to_owned(),
        question: english.instruction,
        context: String::new(),
        choices: english.choices,
        answer_labels: english.answer_labels,
        task: english.task,
        source: english.source,
        source_id: english.source_id,
        license: english.license,
        provenance: crate::record::RowProvenance::default(),
    };
    (record, original)
}

/// What `rule` finds, as `field: detail`.
pub(super) fn findings(rule: Rule, english: Question<'_>, french: Question<'_>) -> Vec<String> {
    let (record, original) = pair(english, french);
    let found = rule(&Pair::new(&record, &original));
    found.into_iter().map(|finding| format!("{}: {}", finding.field, finding.detail)).collect()
}
