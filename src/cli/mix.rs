//! `medinjection mix`: draws a mixture from a data set.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Context;

use super::{Outcome, Terminal};
use crate::mixture::{Mixture, MixtureSummary, Preset, Request, STUDY_SIZE, SplitSummary, write_mixture};
use crate::provenance::Dataset;

const PRESET_HELP: &str = "One of the study's seven mixtures: native, translated, synthetic, native_translated, \
                           native_synthetic, translated_synthetic, all";

/// Draw a mixture of native, translated and synthetic records: train.jsonl, validation.jsonl, mixture.json.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Args {
    #[arg(long, conflicts_with = "config", help = PRESET_HELP)]
    preset: Option<Preset>,
    /// A TOML file with a mixture of your own: field, size, seed and a table of ratios.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data set directory.
    #[arg(long, value_name = "DIR")]
    dataset: PathBuf,
    /// Where the three files go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Number of training records [default: 33493, or the file's].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    size: Option<u64>,
    /// Seed of the draw [default: 42, or the file's].
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Number of validation records [default: 5 % of the size, or what there is].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    validation_size: Option<u64>,
    /// Draw open questions too, not only multiple choice.
    #[arg(long)]
    include_open: bool,
    /// Let a record be drawn up to N times where there are too few.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    allow_repetition: u64,
    /// Lower the size to what there is, keeping the ratios.
    #[arg(long)]
    scale_to_available: bool,
    /// Accept a data set whose groups of records cross splits.
    #[arg(long)]
    allow_leaks: bool,
    /// Replace a mixture made from something else.
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps the mixture from being drawn or written.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let request = Request {
        mixture: mixture(args)?,
        preset: args.preset,
        validation_size: args.validation_size,
        include_open: args.include_open,
        allow_repetition: args.allow_repetition,
        scale_to_available: args.scale_to_available,
        allow_leaks: args.allow_leaks,
    };
    let dataset = Dataset::open(&args.dataset)?;
    let (summary, written) = write_mixture(&dataset, &request, &args.out, args.force)?;
    if !written {
        terminal.note(&format!("{}: up to date", args.out.display()));
    }
    terminal.result(&table(&summary)?, &summary)?;
    Ok(Outcome::Done)
}

fn mixture(args: &Args) -> anyhow::Result<Mixture> {
    let Some(path) = &args.config else {
        let preset = args.preset.context(
            "expected --preset NAME, one of the study's mixtures, or --config FILE, one of your own; found neither",
        )?;
        return Ok(preset.mixture(args.size.unwrap_or(STUDY_SIZE), args.seed.unwrap_or(42))?);
    };
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut mixture = Mixture::from_toml(&text).with_context(|| path.display().to_string())?;
    if let Some(size) = args.size {
        mixture = mixture.with_size(size)?;
    }
    Ok(args.seed.map_or(mixture.clone(), |seed| mixture.with_seed(seed)))
}

fn table(summary: &MixtureSummary) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let name = summary.preset.as_deref().unwrap_or("custom mixture");
    writeln!(text, "{name}, seed {}", summary.seed)?;
    for (split, drawn) in [("train", &summary.train), ("validation", &summary.validation)] {
        write_split(&mut text, split, drawn)?;
    }
    for note in &summary.notes {
        writeln!(text, "note: {note}")?;
    }
    Ok(text)
}

fn write_split(text: &mut String, split: &str, drawn: &SplitSummary) -> std::fmt::Result {
    writeln!(text, "\n{split:<12} {:<20} {:<5} {:>8}", "source", "task", "records")?;
    for share in &drawn.composition {
        writeln!(text, "{:<12} {:<20} {:<5} {:>8}", share.origin, share.source, share.task, share.num_records)?;
    }
    writeln!(text, "{:<12} {:<20} {:<5} {:>8}", "all", "", "", drawn.num_records)
}
