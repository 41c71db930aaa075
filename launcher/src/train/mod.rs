//! Fine-tuning: the loop, and the directory that a run leaves.
//!
//! The loss of a step is normalised by the targets of its whole global batch, and dropout masks belong to rows, so that
//! ranks, micro-batches and accumulation divide a step without changing it.

mod directory;
mod metrics;
mod micro_step;
mod optimizer;
mod plan;
mod schedule;
mod signals;
mod status;
mod trainer;

use tch::{Device, Kind};

use crate::adapter::{attach, parameters, peft};
use crate::chat::Chat;
use crate::comm::Communicator;
use crate::config::{Precision, TrainConfig};
use crate::data::Dataset;
use crate::device::{DeviceChoice, default_kind};
use crate::guard::guard;
use crate::model::CausalLm;
use crate::{Error, Result};

pub use directory::{RunDirectory, lineage};
pub use metrics::{MetricsFile, StepMetrics, peak_memory_bytes};
pub use micro_step::Backward;
pub use optimizer::{AdamW, clip};
pub use plan::{Plan, Step};
pub use schedule::learning_rate;
pub use signals::{Signals, Stop};
pub use status::{STATUS_FILE, State, Status};
pub use trainer::{Progress, Trainer};

/// How a run is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether a completed run made from something else is replaced, once the new one is completed.
    pub force: bool,
    /// Whether only the plan is wanted.
    pub dry_run: bool,
    /// Where the model computes.
    pub device: DeviceChoice,
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The run was there, made from the same inputs.
    UpToDate,
    /// The plan in words, of a dry run.
    Planned(String),
    /// All steps were made, this many.
    Completed(u64),
    /// A signal ended it.
    Stopped(Stop),
}

/// Makes the run that `config` describes, unless it is there.
///
/// `progress` is called on each rank after each step.
///
/// # Errors
/// What configuration, rows, model and adapter refuse; [`Error::Config`] if `output.dir` holds something and is no run; [`Error::Library`] if a completed run made from something else is in the way;
/// a loss that is no number. The same verdict on every rank; the run's `status.json` says `failed` where it had begun.
pub fn train(
    config: &TrainConfig,
    options: Options,
    comm: &dyn Communicator,
    progress: Progress<'_>,
) -> Result<Outcome> {
    let directory = RunDirectory::of(config);
    let device = comm.agree(options.device.resolve(comm.world_size()))?;
    let made_from = if comm.is_root() && !options.dry_run { lineage(config).map(Some) } else { Ok(None) };
    let made_from = comm.agree(made_from)?;
    let must_make = made_from.as_ref().map_or(Ok(true), |lineage| directory.must_make(lineage, options.force));
    let must_make = comm.agree(must_make)?;
    if comm.broadcast_bytes(vec![u8::from(must_make)])? == [0] {
        return Ok(Outcome::UpToDate);
    }
    let plan = comm.agree(plan(config, comm.world_size()))?;
    let model = guard(|| load_model(config, device)).and_then(|model| plan.check_tokens(&model).map(|()| model));
    let model = comm.agree(model)?;
    if options.dry_run {
        return Ok(Outcome::Planned(describe(&plan, &model, config)));
    }
    let prepared = if comm.is_root() { directory.prepare(config) } else { Ok(()) };
    comm.agree(prepared)?;
    let trainer = comm.agree(Trainer::new(config, &plan, model));
    let mut made = 0;
    let outcome = trainer.and_then(|mut trainer| {
        let stopped = trainer.run(comm, progress);
        made = trainer.num_steps();
        match stopped? {
            Some(stop) => Ok(Outcome::Stopped(stop)),
            None => trainer.save(comm).map(|()| Outcome::Completed(made)),
        }
    });
    finish(comm, &directory, outcome, made, made_from)
}

fn plan(config: &TrainConfig, world_size: usize) -> Result<Plan> {
    let chat = Chat::load(&config.model.path)?;
    let dataset = Dataset::load(&config.data.train, &chat, config.data.loss_on, config.data.max_tokens.get())?;
    Plan::new(config, dataset, world_size)
}

/// The frozen model with its adapter, new or read.
fn load_model(config: &TrainConfig, device: Device) -> Result<CausalLm> {
    let kind = match config.train.precision {
        Precision::Auto => default_kind(device),
        Precision::F32 => Kind::Float,
        Precision::Bf16 => Kind::BFloat16,
    };
    let mut model = CausalLm::load(&config.model.path, device, kind)?;
    let shape = &config.adapter.shape;
    let Some(folder) = &config.adapter.init_from else {
        attach(&mut model, shape, config.train.seed);
        return Ok(model);
    };
    let found = peft::load(folder, &mut model)?;
    let differing = [
        ("method", format!("{:?}", found.method), format!("{:?}", shape.method)),
        ("rank", found.rank.to_string(), shape.rank.to_string()),
        ("alpha", found.alpha.to_string(), shape.alpha.to_string()),
        ("target_modules", format!("{:?}", found.target_modules), format!("{:?}", shape.target_modules)),
    ];
    match differing.into_iter().find(|(_, found, expected)| found != expected) {
        None => Ok(model),
        Some((key, found, expected)) => Err(Error::config(
            format!("adapter.{key}"),
            format!("expected what adapter.init_from has, {found} ({}), found {expected}", folder.display()),
        )),
    }
}

fn describe(plan: &Plan, model: &CausalLm, config: &TrainConfig) -> String {
    let trainable: usize = parameters(model).iter().map(|(_, tensor)| tensor.numel()).sum();
    let shape = &config.adapter.shape;
    format!("{plan}\ntrainable        {trainable} parameters ({:?}, rank {})", shape.method, shape.rank)
}

/// Writes how the run ended.
fn finish(
    comm: &dyn Communicator,
    directory: &RunDirectory,
    outcome: Result<Outcome>,
    step: u64,
    made_from: Option<medinjection_fr::provenance::Lineage>,
) -> Result<Outcome> {
    let written = match (&outcome, made_from) {
        (Ok(Outcome::Completed(_)), Some(lineage)) => directory.complete(step, lineage),
        (Ok(Outcome::Stopped(signal)), Some(_)) => {
            Status { state: State::Stopped, step, reason: signal.name().to_owned() }.write(directory.root())
        }
        (Err(error), Some(_)) => {
            Status { state: State::Failed, step, reason: error.to_string() }.write(directory.root())
        }
        _ => Ok(()),
    };
    match outcome {
        // Its own error says more than that its status could not be written.
        Err(error) => Err(error),
        Ok(outcome) => comm.agree(written).map(|()| outcome),
    }
}
