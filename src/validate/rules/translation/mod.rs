//! The rules for a translated record and its English original, one a file.
//!
//! Every rule looks at one [`Pair`], whose texts are cut into words once for all of them. A defect that is certain enough to
//! reject the record is an error, a suspicion is a warning. Fields are compared one by one, choices by their place; where
//! the number of choices differs, only question and context are.

mod acronym_lost;
mod choice_count;
mod choice_order;
mod copied_english;
#[cfg(test)]
pub(in crate::validate) mod fixture;
mod gold_mismatch;
mod length_ratio;
mod lexicon;
mod merged_choices;
mod model_chatter;
mod negation_lost;
mod number_mismatch;
mod pair;
mod quantity;
mod repetition;
mod truncated;
mod unit_mismatch;
mod unrelated;
mod words;

use pair::Pair;

use crate::record::{Finding, Original, Record};

/// What is wrong with a translation, as far as one rule looks.
type Rule = fn(&Pair<'_>) -> Vec<Finding>;

/// Every rule, in the order of its findings.
const RULES: &[Rule] = &[
    choice_count::check,
    gold_mismatch::check,
    merged_choices::check,
    choice_order::check,
    unrelated::check,
    copied_english::check,
    truncated::check,
    length_ratio::check,
    repetition::check,
    number_mismatch::check,
    unit_mismatch::check,
    negation_lost::check,
    acronym_lost::check,
    model_chatter::check,
];

/// Everything that is wrong with `record` as a translation of `original`, in the order of the rules.
pub(in crate::validate) fn check(record: &Record, original: &Original) -> Vec<Finding> {
    let pair = Pair::new(record, original);
    RULES.iter().flat_map(|rule| rule(&pair)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_texts_are_checked(
            texts in proptest::collection::vec("\\PC*|[A-Za-z0-9éœ’'.,:;?% /µ°\u{a0}-]*", 6),
            num_english in 1_usize..=3,
            num_french in 1_usize..=3,
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let english = (texts[0], &texts[..num_english]);
            let (record, original) = fixture::pair(english, (texts[3], &texts[3..3 + num_french]));
            let _findings = check(&record, &original);
        }
    }
}
