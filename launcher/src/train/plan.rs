//! What a run will do, known before it begins.

use std::fmt;

use crate::chat::TokenizedRow;
use crate::config::TrainConfig;
use crate::data::{Dataset, epoch_batches, num_targets, spread};
use crate::model::CausalLm;
use crate::{Error, Result};

/// The steps of a run.
#[derive(Debug)]
pub struct Plan {
    dataset: Dataset,
    lengths: Vec<usize>,
    config: TrainConfig,
    world_size: usize,
    steps_an_epoch: u64,
    num_steps: u64,
}

/// One optimizer step: its rows, and who runs them when.
#[derive(Debug)]
pub struct Step {
    /// Indices of the rows of the global batch.
    pub rows: Vec<usize>,
    /// `[micro_step][rank]`: positions in `rows`.
    pub micro_steps: Vec<Vec<Vec<usize>>>,
    /// Tokens of all rows.
    pub num_tokens: u64,
    /// Targets of all rows.
    pub num_targets: usize,
}

impl Plan {
    /// The plan of training on `dataset` with `world_size` ranks.
    ///
    /// # Errors
    /// [`Error::Config`] if ranks and micro-batch do not divide the global batch.
    pub fn new(config: &TrainConfig, dataset: Dataset, world_size: usize) -> Result<Self> {
        let (global, micro) = (config.train.global_batch_size.get(), config.train.micro_batch_size.get());
        if global % (micro * world_size) != 0 {
            return Err(Error::config(
                "train.global_batch_size",
                format!(
                    "expected a multiple of {world_size} ranks x {micro} rows (train.micro_batch_size), found {global}"
                ),
            ));
        }
        let lengths = dataset.lengths();
        let steps_an_epoch = lengths.len().div_ceil(global) as u64;
        let num_steps = config.train.max_steps.map_or(config.train.epochs.get() * steps_an_epoch, Into::into);
        Ok(Self { dataset, lengths, config: config.clone(), world_size, steps_an_epoch, num_steps })
    }

    /// Checks that `model` has every token of the rows.
    ///
    /// # Errors
    /// [`Error::Format`] naming the model's folder if it has not: the tokenizer belongs to another model.
    pub fn check_tokens(&self, model: &CausalLm) -> Result<()> {
        let known = self.dataset.rows.iter().try_for_each(|row| model.check_ids(&row.input_ids));
        known.map_err(|error| Error::format(&self.config.model.path, error))
    }

    /// Optimizer steps of the run.
    #[must_use]
    pub fn num_steps(&self) -> u64 {
        self.num_steps
    }

    /// Optimizer steps of one pass over the rows.
    #[must_use]
    pub fn steps_an_epoch(&self) -> u64 {
        self.steps_an_epoch
    }

    /// The global batches of the pass at index `epoch`.
    #[must_use]
    pub fn epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        let train = &self.config.train;
        epoch_batches(&self.lengths, self.config.data.order, train.global_batch_size.get(), (train.seed, epoch))
    }

    /// The step that trains on the global batch `rows`.
    #[must_use]
    pub fn step(&self, rows: Vec<usize>) -> Step {
        let lengths: Vec<usize> = rows.iter().map(|row| self.lengths[*row]).collect();
        Step {
            micro_steps: spread(&lengths, self.world_size, self.config.train.micro_batch_size.get()),
            num_tokens: lengths.iter().sum::<usize>() as u64,
            num_targets: rows.iter().map(|row| num_targets(&self.dataset.rows[*row])).sum(),
            rows,
        }
    }

    /// Tokens of padding that the micro-batches of the first pass would hold if they were padded.
    fn num_padding(&self) -> usize {
        let padding = |rows: &Vec<usize>, places: &Vec<usize>| {
            let lengths = places.iter().map(|place| self.lengths[rows[*place]]);
            let longest = lengths.clone().max().unwrap_or(0);
            lengths.map(|length| longest - length).sum::<usize>()
        };
        let of_step = |rows: Vec<usize>| {
            let step = self.step(rows);
            step.micro_steps.iter().flatten().map(|places| padding(&step.rows, places)).sum::<usize>()
        };
        self.epoch(0).into_iter().map(of_step).sum()
    }

    /// The row at index `row`.
    #[must_use]
    pub fn row(&self, row: usize) -> &TokenizedRow {
        &self.dataset.rows[row]
    }
}

/// `part` of `whole` in percent.
#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let train = &self.config.train;
        let (global, micro) = (train.global_batch_size.get(), train.micro_batch_size.get());
        let targets: usize = self.dataset.rows.iter().map(num_targets).sum();
        let (num_tokens, longest) = (self.lengths.iter().sum(), self.lengths.iter().max().copied().unwrap_or(0));
        writeln!(
            formatter,
            "rows             {} ({} shortened to {} tokens)",
            self.lengths.len(),
            self.dataset.num_truncated,
            self.config.data.max_tokens
        )?;
        writeln!(
            formatter,
            "tokens           {num_tokens} ({targets} targets, {:.1} %; longest row {longest})",
            share(targets, num_tokens)
        )?;
        writeln!(
            formatter,
            "padding          none (batches padded to their longest row would hold {:.1} % of it)",
            share(self.num_padding(), num_tokens + self.num_padding())
        )?;
        writeln!(
            formatter,
            "global batch     {global} rows = {} ranks x {micro} rows x {} micro-steps",
            self.world_size,
            global / micro / self.world_size
        )?;
        write!(formatter, "steps            {} ({} an epoch)", self.num_steps, self.steps_an_epoch)
    }
}
