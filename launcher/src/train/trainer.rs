//! The loop over optimizer steps.

use std::path::Path;
use std::time::Instant;

use tch::Tensor;

use super::{AdamW, Backward, MetricsFile, Plan, RunDirectory, Signals, Step, StepMetrics, Stop};
use super::{clip, learning_rate, peak_memory_bytes};
use crate::adapter::{Dropout, parameters, peft};
use crate::chat::TokenizedRow;
use crate::comm::Communicator;
use crate::config::TrainConfig;
use crate::guard::guard;
use crate::model::CausalLm;
use crate::{Error, Result};

/// Called after each step with its metrics and the number of steps of the run.
pub type Progress<'a> = &'a dyn Fn(&StepMetrics, u64);

/// A run in progress on one rank.
#[derive(Debug)]
pub struct Trainer<'a> {
    config: &'a TrainConfig,
    plan: &'a Plan,
    model: CausalLm,
    optimizer: AdamW,
    signals: Signals,
    num_steps: u64,
}

/// What all ranks together know of a step's backward passes.
struct Sums {
    loss: f64,
    gradient: Tensor,
    stop: Option<Stop>,
}

impl<'a> Trainer<'a> {
    /// A run that has made no step; the adapter of `model` is what it trains.
    ///
    /// # Errors
    /// [`Error::Torch`] if there is no memory for the optimizer.
    pub fn new(config: &'a TrainConfig, plan: &'a Plan, model: CausalLm) -> Result<Self> {
        let parameters = parameters(&model).into_iter().map(|(_, tensor)| tensor).collect();
        let optimizer = AdamW::new(parameters, config.optim.weight_decay)?;
        Ok(Self { config, plan, model, optimizer, signals: Signals::catch()?, num_steps: 0 })
    }

    /// Steps that have been made.
    #[must_use]
    pub fn num_steps(&self) -> u64 {
        self.num_steps
    }

    /// Makes all steps, or those until a signal has come to some rank.
    ///
    /// # Errors
    /// [`Error::Environment`] for a loss or gradient that is no number; what libtorch or the metrics file refuse. The same verdict on
    /// every rank.
    pub fn run(&mut self, comm: &dyn Communicator, progress: Progress<'_>) -> Result<Option<Stop>> {
        let began = Instant::now();
        let path = RunDirectory::of(self.config).metrics();
        let metrics = if comm.is_root() { MetricsFile::create(&path).map(Some) } else { Ok(None) };
        let mut metrics = comm.agree(metrics)?;
        let mut written = Ok(());
        for epoch in 0.. {
            for rows in self.plan.epoch(epoch) {
                let step = self.plan.step(rows);
                let step_began = Instant::now();
                let local = written.and_then(|()| guard(|| Ok(self.backward(&step, comm.rank()))));
                let sums = self.reduce(comm, local)?;
                let signal = sums.stop;
                let mut made = comm.agree(guard(|| self.update(&step, sums)))?;
                made.elapsed_seconds = began.elapsed().as_secs_f64();
                #[expect(clippy::cast_precision_loss, reason = "a rate")]
                let rate = step.num_tokens as f64 / step_began.elapsed().as_secs_f64();
                made.tokens_per_second = rate;
                progress(&made, self.plan.num_steps());
                let is_last = self.num_steps == self.plan.num_steps();
                let is_logged = is_last || signal.is_some() || self.num_steps % self.config.train.log_every_steps == 0;
                written = match metrics.as_mut().filter(|_| is_logged) {
                    Some(file) => file.append(&made),
                    None => Ok(()),
                };
                if is_last || signal.is_some() {
                    // A signal in the very last step comes too late to change anything.
                    return comm.agree(written).map(|()| signal.filter(|_| !is_last));
                }
            }
        }
        Ok(None)
    }

    /// Writes the adapter into the run's directory.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be written; the same verdict on every rank.
    pub fn save(&self, comm: &dyn Communicator) -> Result<()> {
        let folder = RunDirectory::of(self.config).adapter();
        let save = || {
            let base_model = base_model_name(&self.config.model.path)?;
            peft::save(&folder, &self.model, &self.config.adapter.shape, &base_model)
        };
        comm.agree(if comm.is_root() { save() } else { Ok(()) })
    }

    /// Runs this rank's rows of `step`, leaving their gradients; the sum of their losses.
    fn backward(&self, step: &Step, rank: usize) -> f64 {
        let backward = Backward {
            model: &self.model,
            num_targets: step.num_targets,
            checkpointing: self.config.train.gradient_checkpointing,
        };
        let run = |positions: &Vec<usize>| {
            let rows: Vec<&TokenizedRow> =
                positions.iter().map(|position| self.plan.row(step.rows[*position])).collect();
            let places: Vec<u64> = positions.iter().map(|position| *position as u64).collect();
            let lengths: Vec<i64> =
                rows.iter().map(|row| i64::try_from(row.input_ids.len()).unwrap_or(i64::MAX)).collect();
            let dropout = Dropout {
                probability: self.config.adapter.shape.dropout,
                scope: self.config.adapter.shape.dropout_scope,
                seed: self.config.train.seed,
                step: self.num_steps,
                rows: &places,
                lengths: &lengths,
            };
            backward.run(&rows, (dropout.probability > 0.0).then_some(&dropout))
        };
        step.micro_steps.iter().map(|ranks| run(&ranks[rank])).sum()
    }

    /// Adds up losses, gradients and signals over ranks, once all have come so far.
    fn reduce(&mut self, comm: &dyn Communicator, local: Result<f64>) -> Result<Sums> {
        let local = local.and_then(|loss| Ok((loss, Vec::<f32>::try_from(self.optimizer.take_gradient())?)));
        let (loss, mut gradient) = comm.agree(local)?;
        comm.all_reduce_sum(&mut gradient)?;
        let [terminate, interrupt] = self.signals.counts();
        let mut sums = [loss, terminate, interrupt];
        comm.all_reduce_sum_f64(&mut sums)?;
        let gradient = Tensor::from_slice(&gradient).to_device(self.model.device());
        Ok(Sums { loss: sums[0], gradient, stop: Signals::verdict([sums[1], sums[2]]) })
    }

    /// Makes the optimizer's step; every rank makes the same one.
    fn update(&mut self, step: &Step, mut sums: Sums) -> Result<StepMetrics> {
        #[expect(clippy::cast_precision_loss, reason = "a number of tokens is exact in f64")]
        let loss = sums.loss / step.num_targets as f64;
        let learning_rate = learning_rate(&self.config.optim, self.num_steps, self.plan.num_steps());
        let grad_norm = clip(&mut sums.gradient, self.config.optim.max_grad_norm);
        if !(loss.is_finite() && grad_norm.is_finite()) {
            return Err(Error::Environment(format!(
                "step {}: expected a finite loss and gradient, found loss {loss} and gradient norm {grad_norm}; a lower optim.learning_rate may help",
                self.num_steps + 1
            )));
        }
        self.optimizer.step(&sums.gradient, learning_rate);
        self.num_steps += 1;
        #[expect(clippy::cast_precision_loss, reason = "numbers of steps are exact in f64")]
        let epoch = self.num_steps as f64 / self.plan.steps_an_epoch() as f64;
        Ok(StepMetrics {
            step: self.num_steps,
            epoch,
            loss,
            learning_rate,
            grad_norm,
            tokens: step.num_tokens,
            tokens_per_second: 0.0,
            elapsed_seconds: 0.0,
            peak_memory_bytes: peak_memory_bytes(),
        })
    }
}

/// The name that the model gives itself, or that of its folder; never its place on this machine.
fn base_model_name(model: &Path) -> Result<String> {
    let path = model.join("config.json");
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
    let config: serde_json::Value = serde_json::from_str(&text).map_err(|error| Error::format(&path, error))?;
    let own = config["_name_or_path"].as_str().filter(|name| !name.is_empty() && !Path::new(name).is_absolute());
    if let Some(name) = own {
        return Ok(name.to_owned());
    }
    let folder = model.canonicalize().map_err(Error::io(model))?;
    Ok(folder.file_name().unwrap_or_default().to_string_lossy().into_owned())
}
