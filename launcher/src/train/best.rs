//! The best adapter of a run, and whether the run still gets better.
//!
//! Evaluations are compared by `eval_loss` alone, and an equal one is no gain, so that the earliest of the best counts. What is known is in
//! each checkpoint: a run that goes on from one decides as if it had never been ended.

use tch::Tensor;

use super::Evaluation;
use crate::Result;
use crate::adapter::parameters;
use crate::checkpoint::{BestSoFar, Checkpoint};
use crate::config::TrainSection;
use crate::model::CausalLm;

/// The adapter's values in a checkpoint.
const BEST_ADAPTER: &str = "best_adapter";

/// The evaluation with the lowest loss so far, and the adapter that it was of.
#[derive(Debug)]
pub struct Best {
    is_loaded_at_end: bool,
    patience: Option<u64>,
    so_far: Option<BestSoFar>,
    /// `[parameters]`, in the order of [`parameters`]; kept only where they are loaded at the end.
    values: Option<Tensor>,
}

impl Best {
    /// Nothing, before the first evaluation of a run with these settings.
    #[must_use]
    pub fn new(train: &TrainSection) -> Self {
        let (is_loaded_at_end, patience) = (train.load_best_at_end, train.early_stopping_patience.map(Into::into));
        Self { is_loaded_at_end, patience, so_far: None, values: None }
    }

    /// Whether some setting asks for it.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.is_loaded_at_end || self.patience.is_some()
    }

    /// Takes up what was known at `checkpoint`, of a run that trains `model`.
    ///
    /// # Errors
    /// [`Error::Format`](crate::Error::Format) or [`Error::Shape`](crate::Error::Shape) if its adapter is not there, or is none of this
    /// model.
    pub fn resume(&mut self, checkpoint: &Checkpoint, model: &CausalLm) -> Result<()> {
        self.so_far = checkpoint.position.best;
        if self.is_loaded_at_end && self.so_far.is_some() {
            let num_values = parameters(model).iter().map(|(_, tensor)| tensor.size().iter().product::<i64>()).sum();
            self.values = Some(checkpoint.moment(BEST_ADAPTER, num_values, model.device())?);
        }
        Ok(())
    }

    /// Compares `evaluation`, which is of `model` as it is now.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch) if there is no memory for the copy of its adapter.
    pub fn compare(&mut self, evaluation: &Evaluation, model: &CausalLm) -> Result<()> {
        if !self.is_wanted() {
            return Ok(());
        }
        let Evaluation { step, eval_loss, .. } = *evaluation;
        match &mut self.so_far {
            Some(best) if best.eval_loss <= eval_loss => {
                best.num_worse += 1;
                return Ok(());
            }
            so_far => *so_far = Some(BestSoFar { step, eval_loss, num_worse: 0 }),
        }
        if self.is_loaded_at_end {
            let values: Vec<Tensor> = parameters(model).iter().map(|(_, tensor)| tensor.reshape([-1])).collect();
            self.values = Some(Tensor::f_cat(&values, 0)?);
        }
        Ok(())
    }

    /// Whether so many evaluations in a row were no better that the run ends.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.patience.zip(self.so_far).is_some_and(|(patience, best)| best.num_worse >= patience)
    }

    /// What a checkpoint keeps of it.
    #[must_use]
    pub fn so_far(&self) -> Option<BestSoFar> {
        self.so_far
    }

    /// The tensor that a checkpoint keeps of it.
    #[must_use]
    pub fn tensor(&self) -> Option<(&'static str, &Tensor)> {
        self.values.as_ref().map(|values| (BEST_ADAPTER, values))
    }

    /// Gives `model` the best adapter back, where that is asked for and an evaluation was made.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch) if libtorch fails.
    pub fn load_into(&self, model: &mut CausalLm) -> Result<()> {
        let Some(values) = &self.values else { return Ok(()) };
        let mut start = 0;
        for (_, mut parameter) in parameters(model) {
            let length = parameter.size().iter().product();
            let value = values.narrow(0, start, length).view_as(&parameter);
            tch::no_grad(|| parameter.f_copy_(&value))?;
            start += length;
        }
        model.refresh()
    }

    /// Why a run that is completed ended, and of which step its adapter is.
    #[must_use]
    pub fn reason(&self) -> String {
        let ended = match self.so_far.filter(|_| self.is_exhausted()) {
            Some(BestSoFar { step, num_worse, .. }) => {
                format!("stopped early: {num_worse} evaluations were no better than that of step {step}")
            }
            None => "all steps are made".to_owned(),
        };
        match self.so_far.filter(|_| self.values.is_some()) {
            Some(BestSoFar { step, eval_loss, .. }) => {
                format!("{ended}; the adapter is that of step {step}, eval_loss {eval_loss:.4}")
            }
            None => ended,
        }
    }
}
