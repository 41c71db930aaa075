//! The rules, one a file.

mod answer_arity;
mod answer_leak;
mod answer_mismatch;
mod duplicate_choice;
mod empty_choice;
mod empty_field;
mod encoding_damage;
mod label_order;
mod label_out_of_range;
mod not_french;
mod personal_data;
pub(super) mod translation;

use crate::record::{Finding, Record};

/// What is wrong with a record, as far as one rule looks.
type Rule = fn(&Record) -> Vec<Finding>;

/// Every rule, in the order of its findings.
pub(super) const RULES: &[Rule] = &[
    empty_field::check,
    answer_arity::check,
    label_order::check,
    label_out_of_range::check,
    answer_mismatch::check,
    empty_choice::check,
    duplicate_choice::check,
    answer_leak::check,
    encoding_damage::check,
    personal_data::check,
    not_french::check,
];
