//! Fine-tuning: the loop, and the directory that a run leaves.
//!
//! The loss of a step is normalised by the targets of its whole global batch, and dropout masks belong to rows, so that
//! ranks, micro-batches and accumulation divide a step without changing it.

mod best;
mod card;
mod directory;
mod environment;
mod evaluation;
mod memory;
mod metrics;
mod micro_step;
mod optimizer;
mod plan;
mod preview;
mod schedule;
mod status;
mod trainer;

use std::fs::File;

use medinjection_fr::provenance::Lineage;
use tch::{Device, Kind};

use crate::adapter::{attach, parameters, peft};
use crate::chat::Chat;
use crate::checkpoint::Checkpoint;
use crate::comm::{Communicator, Nccl, NcclSettings};
use crate::config::{Precision, TrainConfig};
use crate::data::Dataset;
use crate::device::{DeviceChoice, default_kind};
use crate::guard::guard;
use crate::model::CausalLm;
use crate::signals::Stop;
use crate::{Error, Result};

pub use best::Best;
pub use card::{CARD_FILE, write_card};
pub use directory::{Beginning, RunDirectory, lineage};
pub use environment::{ENVIRONMENT_FILE, Environment, Rank, Start};
pub use evaluation::{Evaluation, ValidationSet};
pub use metrics::{MetricsFile, MetricsLine, StepMetrics, peak_memory_bytes};
pub use micro_step::Backward;
pub use optimizer::{AdamW, clip};
pub use plan::{Plan, Step};
pub use preview::PreviewRow;
pub use schedule::learning_rate;
pub use status::{STATUS_FILE, State, Status};
pub use trainer::{Event, Progress, Trainer};

/// How a run is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether a completed run made from something else is replaced, once the new one is completed.
    pub force: bool,
    /// Whether an unfinished run goes on from its last checkpoint.
    pub resume: bool,
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
    /// The plan in words, of a dry run, and the first rows.
    Planned(String, Vec<PreviewRow>),
    /// All steps were made, this many.
    Completed(u64),
    /// A signal ended it.
    Stopped(Stop),
}

/// Makes the run that `config` describes, unless it is there.
///
/// `progress` is called on each rank with what happens.
///
/// A run that is stopped by a signal leaves a checkpoint of the step that it was making.
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
    let device = comm.agree(options.device.resolve(comm.local_rank()))?;
    let made_from = if comm.is_root() && !options.dry_run { lineage(config).map(Some) } else { Ok(None) };
    let made_from = comm.agree(made_from)?;
    let held = if comm.is_root() && !options.dry_run { directory.hold() } else { Ok(None) };
    let mut held = comm.agree(held)?;
    let beginning = begin(&directory, made_from.as_ref(), options, comm, progress)?;
    let start = match beginning {
        Beginning::UpToDate => return Ok(Outcome::UpToDate),
        Beginning::Anew => None,
        Beginning::From(checkpoint) => Some(checkpoint),
    };
    let nccl = if options.dry_run { None } else { join(comm, device)? };
    let (plan, preview) = comm.agree(plan(config, comm.world_size()))?;
    let validation = comm.agree(ValidationSet::load(config))?;
    let model = guard(|| load_model(config, device, start.as_ref())).and_then(|model| {
        plan.check_tokens(&model)?;
        validation.iter().try_for_each(|validation| validation.check_tokens(&model))?;
        Ok(model)
    });
    let model = comm.agree(model)?;
    if options.dry_run {
        return Ok(Outcome::Planned(describe(&plan, validation.as_ref(), &model, config), preview));
    }
    let step = start.as_ref().map_or(0, |start| start.position.step);
    let here = comm.agree(Start::gather(comm, device, step))?;
    let prepared = if comm.is_root() { prepare(&directory, config, start.as_ref(), here, &mut held) } else { Ok(()) };
    comm.agree(prepared)?;
    if validation.is_none() {
        progress(Event::Note(
            "no data.validation: nothing is evaluated in training, and the last step counts as the best",
        ));
    }
    let trainer = Trainer::new(config, &plan, model, made_from.clone())
        .map(|trainer| trainer.evaluated_on(validation))
        .and_then(|trainer| start.iter().try_fold(trainer, Trainer::resume));
    let trainer = comm.agree(trainer);
    let (mut made, mut reason) = (0, String::new());
    let outcome = trainer.and_then(|mut trainer| {
        let stopped = trainer.run(nccl.as_ref().map_or(comm, |nccl| nccl), progress);
        made = trainer.num_steps();
        let stopped = stopped?;
        nccl.map_or(Ok(()), Nccl::leave)?;
        if let Some(stop) = stopped {
            return Ok(Outcome::Stopped(stop));
        }
        reason = trainer.reason();
        trainer.save(comm).map(|()| Outcome::Completed(made))
    });
    finish(comm, &directory, outcome, (made, &reason), made_from)
}

/// NCCL, where it carries the gradients.
fn join(comm: &dyn Communicator, device: Device) -> Result<Option<Nccl<'_>>> {
    let settings = comm.agree(NcclSettings::from_environment())?;
    settings.apply(device, comm.world_size()).then(|| Nccl::join(comm, device, &settings)).transpose()
}

/// What rank 0 finds in the run's directory, told to all; a dry run begins anew.
fn begin(
    directory: &RunDirectory,
    made_from: Option<&Lineage>,
    options: Options,
    comm: &dyn Communicator,
    progress: Progress<'_>,
) -> Result<Beginning> {
    let found = made_from.map(|lineage| directory.beginning(lineage, options, comm.world_size())).transpose();
    let (beginning, notes) = comm.agree(found)?.unwrap_or((Beginning::Anew, Vec::new()));
    for note in &notes {
        progress(Event::Note(note));
    }
    let step = match &beginning {
        Beginning::UpToDate => vec![0],
        Beginning::Anew => vec![1],
        Beginning::From(checkpoint) => checkpoint.position.step.to_le_bytes().to_vec(),
    };
    let opened = match comm.broadcast_bytes(step)?.as_slice() {
        _ if comm.is_root() => Ok(beginning),
        [0] => Ok(Beginning::UpToDate),
        [1] => Ok(Beginning::Anew),
        step => {
            let step = step.try_into().map(u64::from_le_bytes).unwrap_or_default();
            Checkpoint::open(&directory.checkpoints().folder(step)).map(Beginning::From)
        }
    };
    comm.agree(opened)
}

/// Makes the directory ready, says in it where the run starts, and holds it if it was not there before.
fn prepare(
    directory: &RunDirectory,
    config: &TrainConfig,
    start: Option<&Checkpoint>,
    here: Start,
    held: &mut Option<File>,
) -> Result<()> {
    if held.is_none() {
        std::fs::create_dir_all(directory.root()).map_err(Error::io(directory.root()))?;
        *held = directory.hold()?;
    }
    directory.prepare(config, start)?;
    here.write(directory.root())
}

/// The steps of the run, and its first rows as they are read.
fn plan(config: &TrainConfig, world_size: usize) -> Result<(Plan, Vec<PreviewRow>)> {
    let chat = Chat::load(&config.model.path)?;
    let dataset = Dataset::load(&config.data.train, &chat, config.data.loss_on, config.data.max_tokens.get())?;
    let preview =
        dataset.rows.iter().take(2).map(|row| PreviewRow::new(row, chat.tokenizer())).collect::<Result<_>>()?;
    Ok((Plan::new(config, dataset, world_size)?, preview))
}

/// The frozen model with its adapter: new, that of a checkpoint, or the one to start from.
fn load_model(config: &TrainConfig, device: Device, start: Option<&Checkpoint>) -> Result<CausalLm> {
    let kind = match config.train.precision {
        Precision::Auto => default_kind(device),
        Precision::F32 => Kind::Float,
        Precision::Bf16 => Kind::BFloat16,
    };
    let mut model = CausalLm::load(&config.model.path, device, kind)?;
    let shape = &config.adapter.shape;
    if let Some(checkpoint) = start {
        peft::load(&checkpoint.adapter(), &mut model)?;
        return Ok(model);
    }
    let Some(folder) = &config.adapter.init_from else {
        attach(&mut model, shape, config.train.seed)?;
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

fn describe(plan: &Plan, validation: Option<&ValidationSet>, model: &CausalLm, config: &TrainConfig) -> String {
    let validation = validation.map_or("none".to_owned(), |validation| {
        let (num_rows, num_questions) = validation.sizes();
        format!("{num_rows} rows ({num_questions} with choices)")
    });
    let trainable: usize = parameters(model).iter().map(|(_, tensor)| tensor.numel()).sum();
    let shape = &config.adapter.shape;
    let (method, rank) = (shape.method, shape.rank);
    format!("{plan}\nvalidation       {validation}\ntrainable        {trainable} parameters ({method:?}, rank {rank})")
}

/// Writes how the run ended: after which step, and why where it is completed.
fn finish(
    comm: &dyn Communicator,
    directory: &RunDirectory,
    outcome: Result<Outcome>,
    (step, completed): (u64, &str),
    made_from: Option<Lineage>,
) -> Result<Outcome> {
    let written = match (&outcome, made_from) {
        (Ok(Outcome::Completed(_)), Some(lineage)) => directory.complete(step, completed, lineage),
        (Ok(Outcome::Stopped(signal)), Some(_)) => {
            let state = if *signal == Stop::TimeUp { State::Requeue } else { State::Stopped };
            Status { state, step, reason: signal.name().to_owned() }.write(directory.root())
        }
        // As of a rank that has died: whoever started the ranks may try again.
        (Err(Error::Collective { .. }), _) => Ok(()),
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
