//! Records as the rows that models are trained and evaluated on.

mod evaluation;
mod prompt;
mod rows;

pub use evaluation::{Filter, write_evaluation};
pub use prompt::prompt;
pub use rows::{EvaluationRow, Message, PredictionRow, Role, TrainingRow};
