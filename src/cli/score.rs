//! `medinjection score`: the scores of a file of predictions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;

use super::{Outcome, Terminal};
use crate::metrics::{NUM_RESAMPLES, Predictions, SEED, Scores, score};
use crate::provenance::{Lineage, check_output_file, sha256_file, write_json};
use crate::report::scores_table;

/// Arguments of `score`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// JSON Lines of predictions: `task`, `prediction`, and `answer_labels` or `reference`.
    #[arg(long, value_name = "FILE")]
    predictions: PathBuf,
    /// JSON file for the scores.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace an output made from something else.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    check_output_file(&args.out, &[&args.predictions])?;
    let sha256 = sha256_file(&args.predictions)?;
    let config = serde_json::json!({ "num_resamples": NUM_RESAMPLES, "seed": SEED });
    let lineage = Lineage::new("score", config, BTreeMap::from([("predictions".to_owned(), sha256.clone())]));
    let scores = if lineage.must_make(&args.out, args.force)? {
        let scores = score(&Predictions::read(&args.predictions)?, sha256);
        write_json(&args.out, &scores)?;
        lineage.write(&args.out)?;
        scores
    } else {
        terminal.note(&format!("{}: up to date", args.out.display()));
        let text = std::fs::read_to_string(&args.out).with_context(|| args.out.display().to_string())?;
        serde_json::from_str::<Scores>(&text).with_context(|| args.out.display().to_string())?
    };
    terminal.result(&scores_table(&scores), &scores)?;
    Ok(Outcome::Done)
}
