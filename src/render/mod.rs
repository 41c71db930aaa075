//! Records as the rows that models are trained and evaluated on.

mod prompt;
mod rows;

pub use prompt::prompt;
pub use rows::{EvaluationRow, Message, PredictionRow, Role, TrainingRow};
