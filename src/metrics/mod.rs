//! Metrics: what predictions are worth, and how sure one can be of it.
//!
//! One file a metric. Metrics of multiple choice are in [0, 1]; an answer from which no label can be read is the empty set,
//! which is wrong. BLEU and chrF, of open questions and translations, are in [0, 100].

mod aggregate;
mod bleu;
mod bootstrap;
mod chance;
mod chrf;
mod comparison;
mod exact_match;
mod hamming_score;
mod jaccard;
mod label_set;
mod ngrams;
mod parse;
mod predictions;
mod scores;

pub use aggregate::aggregate;
pub use bleu::{BleuCounts, bleu};
pub use bootstrap::{Interval, NUM_RESAMPLES, Resampling, SEED, aggregate_interval, mean_intervals};
pub use chance::chance_exact_match;
pub use chrf::{ChrfCounts, chrf};
pub use comparison::{AggregateDifference, Comparison, SetDifference, compare};
pub use exact_match::exact_match;
pub use hamming_score::hamming_score;
pub use jaccard::jaccard;
pub use label_set::{Answered, LabelSet};
pub use parse::parse_labels;
pub use predictions::{Item, OpenAnswers, Predictions, SetKey};
pub use scores::{AggregateScores, OpenScores, Scores, SetScores, score};

/// Mean of `values`; 0 where there are none.
#[expect(clippy::cast_precision_loss, reason = "no file holds 2^52 items")]
fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}
