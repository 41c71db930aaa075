//! Answers to a file of questions, shared among ranks.
//!
//! Each rank answers its share and sends the lines to rank 0, which writes them in the order of the questions. What is written depends neither on
//! the number of ranks nor on the batches, ties between equally probable answers aside. What was answered before a signal or a kill is not
//! answered again.

mod adapter;
mod answered;
mod rows;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use medinjection_fr::provenance::{AtomicFile, Lineage, check_output_file, fingerprint, sha256_file};
use tch::{Device, Kind};

use crate::adapter::{find, peft};
use crate::chat::Chat;
use crate::comm::Communicator;
use crate::decode::{Decoder, Decoding};
use crate::device::{DeviceChoice, default_kind};
use crate::guard::guard;
use crate::model::{CausalLm, model_fingerprint};
use crate::signals::{Signals, Stop};
use crate::{Error, Result};
use answered::{Answered, Answers};
use rows::Line;

/// What is to be answered, by which model, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Model folder.
    pub model: PathBuf,
    /// A run, or a folder in PEFT's format; `None` is the base model.
    pub adapter: Option<PathBuf>,
    /// Evaluation rows.
    pub data: PathBuf,
    /// Predictions.
    pub out: PathBuf,
    /// How answers are drawn.
    pub decoding: Decoding,
    /// Questions that share the model's passes.
    pub batch_size: usize,
    /// Longest free answer, in tokens.
    pub max_new_tokens: usize,
    /// Where the model computes.
    pub device: DeviceChoice,
    /// Whether predictions made from something else are replaced.
    pub force: bool,
    /// Whether the adapter of a run that is not completed is taken.
    pub allow_unfinished: bool,
}

/// What became of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The predictions were there, made from the same inputs.
    UpToDate,
    /// They were made, this many.
    Made(usize),
    /// A signal has ended the run; what was answered is kept beside `plan.out`.
    Stopped(Stop),
}

/// Called on each rank with its number of answered questions and of all that it answers.
pub type Progress<'a> = &'a dyn Fn(usize, usize);

/// Answers the questions of `plan.data`, unless that was done from the same inputs before, and goes on from what a run that was ended early
/// has answered.
///
/// # Errors
/// What model, adapter, template and rows refuse; [`Error::Library`] if `plan.out` is `plan.data` or no file, predictions made from something else are in the way and
/// `plan.force` is false, or a row's prompt is too long for the model; [`Error::Environment`] if another program makes the same predictions.
/// The same verdict on every rank.
pub fn predict(plan: &Plan, comm: &dyn Communicator, progress: Progress<'_>) -> Result<Outcome> {
    let signals = comm.agree(Signals::catch())?;
    let device = comm.agree(plan.device.resolve(comm.local_rank()))?;
    let kind = default_kind(device);
    comm.agree(check_output_file(&plan.out, &[&plan.data]).map_err(Error::from))?;
    let adapter = plan.adapter.as_deref().map(|path| find(path, plan.allow_unfinished)).transpose();
    let adapter = comm.agree(adapter)?;
    let lineage = if comm.is_root() { lineage(plan, adapter.as_ref(), kind).map(Some) } else { Ok(None) };
    let lineage = comm.agree(lineage)?;
    let must_make = lineage.as_ref().map_or(Ok(false), |lineage| lineage.must_make(&plan.out, plan.force));
    let must_make = comm.agree(must_make.map_err(Error::from))?;
    if comm.broadcast_bytes(vec![u8::from(must_make)])? == [0] {
        return Ok(Outcome::UpToDate);
    }
    let share = comm.agree(guard(|| Share::load(plan, adapter, (device, kind))))?;
    let (mut answered, before) = Answered::open(&plan.out, (lineage.as_ref(), plan.force), comm)?;
    let answers = guard(|| share.answer(plan, comm, (&mut answered, &before), (&signals, progress)));
    let answers = match comm.agree(answers) {
        Ok(answers) => answers,
        Err(error) => {
            // The failure says more than what could not be tidied up after it.
            let _ = comm.is_root().then(|| answered.leave());
            return Err(error);
        }
    };
    let mut counts = signals.counts();
    comm.all_reduce_sum_f64(&mut counts)?;
    let packed = comm.agree(serde_json::to_vec(&answers).map_err(|error| Error::format(&plan.out, error)))?;
    let gathered = comm.gather_bytes(&packed)?;
    let written = if comm.is_root() { write(plan, before, &gathered, share.lines.len(), lineage) } else { Ok(None) };
    let written = comm.agree(written)?;
    let is_done = comm.broadcast_bytes(vec![u8::from(written.is_some())])? == [1];
    match Signals::verdict(counts) {
        Some(stop) if !is_done => Ok(Outcome::Stopped(stop)),
        _ => {
            let removed = if comm.is_root() { answered.remove() } else { Ok(()) };
            comm.agree(removed).map(|()| Outcome::Made(written.unwrap_or(0)))
        }
    }
}

/// What a rank needs in order to answer.
struct Share {
    lines: Vec<Line>,
    chat: Chat,
    model: CausalLm,
}

impl Share {
    fn load(plan: &Plan, adapter: Option<PathBuf>, (device, kind): (Device, Kind)) -> Result<Self> {
        let lines = rows::read(&plan.data)?;
        let chat = Chat::load(&plan.model)?;
        let mut model = CausalLm::load(&plan.model, device, kind)?;
        if let Some(folder) = adapter {
            peft::load(&folder, &mut model)?;
            // In bf16 the folded weights would be rounded once more than the adapter beside them.
            if kind == Kind::Float {
                adapter::fold(&mut model)?;
            }
        }
        model.lay_out_for_answers();
        Ok(Self { lines, chat, model })
    }

    /// This rank's lines of the predictions file, but for those that were answered `before`, until a signal comes. Batches are the same whether or
    /// not a run was ended early.
    fn answer(
        &self,
        plan: &Plan,
        comm: &dyn Communicator,
        (answered, before): (&mut Answered, &Answers),
        (signals, progress): (&Signals, Progress<'_>),
    ) -> Result<Vec<(usize, String)>> {
        let decoder = Decoder::new(&self.model, &self.chat, plan.decoding, plan.max_new_tokens);
        let mine = share(&self.lines, comm.rank(), comm.world_size());
        let mut answers = Vec::with_capacity(mine.len());
        let mut num_done = 0;
        progress(0, mine.len());
        for batch in mine.chunks(plan.batch_size.max(1)).take_while(|_| !signals.any()) {
            num_done += batch.len();
            let batch: Vec<usize> = batch.iter().copied().filter(|index| !before.contains_key(index)).collect();
            let questions = batch
                .iter()
                .map(|&index| {
                    let line = &self.lines[index];
                    let row = |message: String| medinjection_fr::Error::row(&plan.data, line.number, message);
                    let question = decoder
                        .question(&line.row.messages, line.row.task, &line.labels())
                        .map_err(|error| row(error.to_string()))?;
                    let found = question.num_tokens() + decoder.max_answer_tokens(&question);
                    if usize::try_from(self.model.config().max_positions).is_ok_and(|longest| longest < found) {
                        let longest = self.model.config().max_positions;
                        let message = format!(
                            "expected a prompt and answer of at most {longest} tokens, the model's context, found {found}"
                        );
                        return Err(row(message).into());
                    }
                    Ok(question)
                })
                .collect::<Result<Vec<_>>>()?;
            let of_batch = batch.iter().zip(decoder.answer(&questions)?);
            let of_batch = of_batch
                .map(|(&index, answer)| Ok((index, rows::prediction_line(&self.lines[index].row, &answer)?)))
                .collect::<Result<Vec<_>>>()?;
            if !of_batch.is_empty() {
                answered.add(&of_batch)?;
            }
            answers.extend(of_batch);
            progress(num_done, mine.len());
        }
        Ok(answers)
    }
}

/// Indices of the lines that a rank answers: by descending length, dealt out in turn, so that batches hold rows of like
/// length and ranks have like work.
fn share(lines: &[Line], rank: usize, world_size: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(lines[index].num_bytes()), index));
    order.into_iter().skip(rank).step_by(world_size).collect()
}

fn lineage(plan: &Plan, adapter: Option<&PathBuf>, kind: Kind) -> Result<Lineage> {
    let mut inputs = BTreeMap::from([
        ("model".to_owned(), model_fingerprint(&plan.model)?),
        ("data".to_owned(), sha256_file(&plan.data)?),
    ]);
    if let Some(folder) = adapter {
        let hash = fingerprint(&[folder.join(peft::CONFIG_FILE), folder.join(peft::WEIGHTS_FILE)])?;
        inputs.insert("adapter".to_owned(), hash);
    }
    let config = serde_json::json!({
        "decoding": plan.decoding.as_str(),
        "max_new_tokens": plan.max_new_tokens,
        "precision": if kind == Kind::Float { "f32" } else { "bf16" },
    });
    Ok(Lineage::new("predict", config, inputs))
}

/// Puts the lines of the ranks and of earlier runs into the order of the questions and writes them, then their lineage; gives their number,
/// or `None` where some of the `num_rows` are still to be answered.
fn write(
    plan: &Plan,
    before: Answers,
    gathered: &[Vec<u8>],
    num_rows: usize,
    lineage: Option<Lineage>,
) -> Result<Option<usize>> {
    let mut ordered = before;
    for packed in gathered {
        let lines: Vec<(usize, String)> =
            serde_json::from_slice(packed).map_err(|error| Error::format(&plan.out, error))?;
        ordered.extend(lines);
    }
    if ordered.len() < num_rows {
        return Ok(None);
    }
    let mut file = AtomicFile::create(&plan.out)?;
    for line in ordered.values() {
        file.write_all(line.as_bytes()).map_err(Error::io(&plan.out))?;
    }
    file.commit()?;
    lineage.map_or(Ok(()), |lineage| lineage.write(&plan.out))?;
    Ok(Some(ordered.len()))
}
