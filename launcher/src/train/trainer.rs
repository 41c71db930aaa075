//! The loop over optimizer steps.

use std::path::Path;
use std::time::Instant;

use medinjection_fr::provenance::Lineage;
use tch::Tensor;

use super::memory::Keeping;
use super::{
    AdamW, Backward, Best, Evaluation, MetricsFile, MetricsLine, Plan, RunDirectory, Step, StepMetrics, ValidationSet,
};
use super::{clip, learning_rate, peak_memory_bytes, write_card};
use crate::adapter::{AdapterGradient, Dropout, flatten, peft};
use crate::chat::TokenizedRow;
use crate::checkpoint::{Checkpoint, Position};
use crate::comm::Communicator;
use crate::config::TrainConfig;
use crate::guard::guard;
use crate::model::{CausalLm, KeptActivations, repository_of, write_folder};
use crate::signals::{Signals, Stop};
use crate::{Error, Result};

/// What is told of a run while it goes on.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Something that the user must know.
    Note(&'a str),
    /// A step, and the number of steps of the run.
    Step(&'a StepMetrics, u64),
    /// An evaluation.
    Evaluated(&'a Evaluation),
}

/// Called on each rank with what happens.
pub type Progress<'a> = &'a dyn Fn(Event<'_>);

/// A run in progress on one rank.
#[derive(Debug)]
pub struct Trainer<'a> {
    config: &'a TrainConfig,
    plan: &'a Plan,
    model: CausalLm,
    optimizer: AdamW,
    gradient: AdapterGradient,
    keeping: Keeping,
    signals: Signals,
    validation: Option<ValidationSet>,
    best: Best,
    /// What checkpoints say that the run is made from; on rank 0.
    made_from: Option<Lineage>,
    num_steps: u64,
    /// Time that the steps before the last resume have taken.
    earlier_seconds: f64,
    /// Whether the evaluation that is due after the last step is still to be made.
    awaits_evaluation: bool,
    /// The checkpoint that the run went on from.
    resumed_at: Option<Position>,
}

/// What all ranks together know of a step's backward passes.
struct Sums {
    loss: f64,
    /// The values of [`Trainer::gradient`].
    gradient: Tensor,
    stop: Option<Stop>,
}

impl<'a> Trainer<'a> {
    /// A run that has made no step; the adapter of `model` is what it trains. `made_from`, on rank 0, goes into its checkpoints.
    ///
    /// # Errors
    /// [`Error::Torch`] if there is no memory for the optimizer.
    pub fn new(
        config: &'a TrainConfig,
        plan: &'a Plan,
        mut model: CausalLm,
        made_from: Option<Lineage>,
    ) -> Result<Self> {
        let optimizer = AdamW::new(flatten(&mut model)?, config.optim.weight_decay)?;
        let gradient = AdapterGradient::zeros(&model)?;
        let signals = Signals::catch()?;
        Ok(Self {
            config,
            plan,
            model,
            optimizer,
            gradient,
            keeping: Keeping::Fixed(KeptActivations::Last(0)),
            signals,
            validation: None,
            best: Best::new(&config.train),
            made_from,
            num_steps: 0,
            earlier_seconds: 0.0,
            awaits_evaluation: false,
            resumed_at: None,
        })
    }

    /// The run, evaluated on `validation` while it goes on.
    #[must_use]
    pub fn evaluated_on(self, validation: Option<ValidationSet>) -> Self {
        Self { validation, ..self }
    }

    /// Puts a run whose model has the adapter of `checkpoint` where that was.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] if the optimizer's moments are not those of this adapter.
    pub fn resume(mut self, checkpoint: &Checkpoint) -> Result<Self> {
        let (device, num_values) =
            (self.model.device(), i64::try_from(self.optimizer.num_values()).unwrap_or(i64::MAX));
        let Position { step, elapsed_seconds, awaits_evaluation, .. } = checkpoint.position;
        if step >= self.plan.num_steps() {
            let message =
                format!("expected a checkpoint before step {}, found one after {step}", self.plan.num_steps());
            return Err(Error::format(checkpoint.adapter(), message));
        }
        self.optimizer
            .restore(i32::try_from(step).unwrap_or(i32::MAX), |name| checkpoint.moment(name, num_values, device))?;
        (self.num_steps, self.earlier_seconds, self.awaits_evaluation) = (step, elapsed_seconds, awaits_evaluation);
        self.best.resume(checkpoint, &self.model)?;
        self.resumed_at = Some(checkpoint.position.clone());
        Ok(self)
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
        self.keeping = Keeping::new(self.config, &self.model, self.optimizer.num_values(), comm.world_size());
        let path = RunDirectory::of(self.config).metrics();
        let metrics = match (comm.is_root(), &self.resumed_at) {
            (false, _) => Ok(None),
            (true, None) => MetricsFile::create(&path).map(Some),
            (true, Some(position)) => {
                MetricsFile::resume(&path, position, self.config.train.log_every_steps.get()).map(Some)
            }
        };
        let mut metrics = comm.agree(metrics)?;
        let mut written = Ok(());
        if let Some(stop) = self.evaluate(comm, &mut metrics, &mut written, progress)? {
            return comm.agree(written).map(|()| Some(stop));
        }
        if self.best.is_exhausted() {
            return comm.agree(written).map(|()| None);
        }
        let (first_epoch, made_of_epoch) =
            (self.num_steps / self.plan.steps_an_epoch(), self.num_steps % self.plan.steps_an_epoch());
        let mut num_skipped = usize::try_from(made_of_epoch).unwrap_or(usize::MAX);
        for epoch in first_epoch.. {
            for rows in self.plan.epoch(epoch).into_iter().skip(std::mem::take(&mut num_skipped)) {
                let step = self.plan.step(rows);
                let step_began = Instant::now();
                let local = written.and_then(|()| guard(|| Ok(self.backward(&step, comm.rank()))));
                let sums = self.reduce(comm, local)?;
                let mut signal = sums.stop;
                let mut made = comm.agree(guard(|| self.update(&step, sums)))?;
                made.elapsed_seconds = self.earlier_seconds + began.elapsed().as_secs_f64();
                #[expect(clippy::cast_precision_loss, reason = "a rate")]
                let rate = step.num_tokens as f64 / step_began.elapsed().as_secs_f64();
                made.tokens_per_second = rate;
                progress(Event::Step(&made, self.plan.num_steps()));
                let is_last = self.num_steps == self.plan.num_steps();
                let is_logged = is_last || signal.is_some() || self.num_steps % self.config.train.log_every_steps == 0;
                written = append(&mut metrics, is_logged.then(|| made.clone().into()));
                self.awaits_evaluation =
                    self.validation.is_some() && (is_last || self.num_steps.is_multiple_of(self.eval_every_steps()));
                // Who is told to end has no time for it; it is made up for after the resume.
                if is_last || signal.is_none() {
                    signal = signal.or(self.evaluate(comm, &mut metrics, &mut written, progress)?);
                }
                let is_last = is_last || self.best.is_exhausted();
                let is_saved = !is_last && (signal.is_some() || self.num_steps.is_multiple_of(self.save_every_steps()));
                if is_saved {
                    written = written.and_then(|()| self.save_checkpoint(made.elapsed_seconds, comm.world_size()));
                }
                if is_last || signal.is_some() {
                    // A signal in the very last step comes too late to change anything.
                    return comm.agree(written).map(|()| signal.filter(|_| !is_last));
                }
            }
        }
        Ok(None)
    }

    /// Why a run that came to its end did, and of which step its adapter is.
    #[must_use]
    pub fn reason(&self) -> String {
        self.best.reason()
    }

    /// Writes the adapter into the run's directory: the best one where the configuration asks for it, else the last; with it its card.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be written; the same verdict on every rank.
    pub fn save(&mut self, comm: &dyn Communicator) -> Result<()> {
        let folder = RunDirectory::of(self.config).adapter();
        comm.agree(self.best.load_into(&mut self.model))?;
        comm.agree(if comm.is_root() { write_folder(&folder, |fresh| self.save_with_card(fresh)) } else { Ok(()) })
    }

    fn save_with_card(&self, folder: &Path) -> Result<()> {
        self.save_adapter(folder)?;
        let base_model = base_model_name(&self.config.model.path)?;
        let metrics = RunDirectory::of(self.config).metrics();
        write_card(folder, self.config, (&base_model, &self.reason()), &metrics)
    }

    fn save_adapter(&self, folder: &Path) -> Result<()> {
        let base_model = base_model_name(&self.config.model.path)?;
        peft::save(folder, &self.model, &self.config.adapter.shape, &base_model)
    }

    /// Makes the evaluation that is due, if one is, unless a signal comes, which it returns; `written` is whether its line could be
    /// written, and those before it.
    fn evaluate(
        &mut self,
        comm: &dyn Communicator,
        metrics: &mut Option<MetricsFile>,
        written: &mut Result<()>,
        progress: Progress<'_>,
    ) -> Result<Option<Stop>> {
        let Some(validation) = self.validation.as_ref().filter(|_| self.awaits_evaluation) else { return Ok(None) };
        let mut evaluation = match validation.evaluate(&self.model, self.num_steps, &self.signals, comm)? {
            Ok(evaluation) => evaluation,
            Err(stop) => return Ok(Some(stop)),
        };
        self.awaits_evaluation = false;
        if self.best.is_wanted() {
            // Every rank compares the number that rank 0 has, and so decides as it does.
            let agreed = comm.broadcast_bytes(evaluation.eval_loss.to_le_bytes().to_vec())?;
            evaluation.eval_loss = agreed.try_into().map_or(evaluation.eval_loss, f64::from_le_bytes);
            comm.agree(self.best.compare(&evaluation, &self.model))?;
        }
        progress(Event::Evaluated(&evaluation));
        if written.is_ok() {
            *written = append(metrics, Some(evaluation.into()));
        }
        Ok(None)
    }

    fn eval_every_steps(&self) -> u64 {
        self.config.train.eval_every_steps.map_or(self.plan.steps_an_epoch(), Into::into)
    }

    fn save_every_steps(&self) -> u64 {
        self.config.train.save_every_steps.map_or(self.plan.steps_an_epoch(), Into::into)
    }

    /// Writes a checkpoint of this moment, on rank 0.
    fn save_checkpoint(&self, elapsed_seconds: f64, num_ranks: usize) -> Result<()> {
        let Some(made_from) = self.made_from.clone() else { return Ok(()) };
        let awaits_evaluation = self.awaits_evaluation;
        let best = self.best.so_far();
        let position = Position { step: self.num_steps, elapsed_seconds, awaits_evaluation, num_ranks, best };
        let tensors: Vec<_> = self.optimizer.moments().into_iter().chain(self.best.tensor()).collect();
        RunDirectory::of(self.config).checkpoints().save(
            (position, made_from),
            &tensors,
            |folder| self.save_adapter(folder),
            self.config.train.keep_checkpoints.get(),
        )
    }

    /// Runs this rank's rows of `step`, leaving their gradients; the sum of their losses.
    fn backward(&mut self, step: &Step, rank: usize) -> f64 {
        let gradient = &mut self.gradient;
        let mut run = |positions: &Vec<usize>| {
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
            let num_tokens = rows.iter().map(|row| row.input_ids.len()).sum();
            let kept = self.keeping.of(num_tokens);
            let backward = Backward { model: &self.model, num_targets: step.num_targets, kept };
            backward.run(&rows, Some(&dropout), gradient)
        };
        step.micro_steps.iter().map(|ranks| run(&ranks[rank])).sum()
    }

    /// Adds up losses, gradients and signals over ranks, once all have come so far.
    fn reduce(&mut self, comm: &dyn Communicator, local: Result<f64>) -> Result<Sums> {
        let loss = comm.agree(local)?;
        let mut gradient = self.gradient.flat().shallow_clone();
        comm.all_reduce_sum_tensor(&mut gradient)?;
        let [terminate, interrupt, time_up] = self.signals.counts();
        let mut sums = [loss, terminate, interrupt, time_up];
        comm.all_reduce_sum_f64(&mut sums)?;
        Ok(Sums { loss: sums[0], gradient, stop: Signals::verdict([sums[1], sums[2], sums[3]]) })
    }

    /// Makes the optimizer's step, and the gradient zero for the next one; every rank makes the same one.
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
        self.gradient.reset();
        self.model.refresh()?;
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

/// Adds a line to the file, where there are both.
fn append(metrics: &mut Option<MetricsFile>, line: Option<MetricsLine>) -> Result<()> {
    match (metrics, line) {
        (Some(file), Some(line)) => file.append(&line),
        _ => Ok(()),
    }
}

/// The name that the model gives itself, its repository in the Hugging Face cache, or the name of its folder; never its place on this machine.
fn base_model_name(model: &Path) -> Result<String> {
    let path = model.join("config.json");
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
    let config: serde_json::Value = serde_json::from_str(&text).map_err(|error| Error::format(&path, error))?;
    let own = config["_name_or_path"].as_str().filter(|name| !name.is_empty() && !Path::new(name).is_absolute());
    if let Some(name) = own {
        return Ok(name.to_owned());
    }
    let folder = model.canonicalize().map_err(Error::io(model))?;
    if let Some(repository) = repository_of(&folder) {
        return Ok(repository);
    }
    Ok(folder.file_name().unwrap_or_default().to_string_lossy().into_owned())
}
