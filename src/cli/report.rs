//! `medinjection report`: one page that compares base and tuned model of one run or several.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Outcome, Terminal};
use crate::provenance::{Lineage, check_output_file, write_atomic};
use crate::report::{Run, RunOverview, html, table};

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Run directories.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// HTML file for the page.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Accept a run whose training is not completed; the page says so.
    #[arg(long)]
    allow_unfinished: bool,
    /// Replace an output made from something else.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let runs = Run::open_all(&args.runs, args.allow_unfinished)?;
    let files: Vec<PathBuf> = runs.iter().flat_map(Run::paths).collect();
    check_output_file(&args.out, &files.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
    let inputs: BTreeMap<String, String> = runs.iter().flat_map(Run::inputs).collect();
    let lineage = Lineage::new("report", serde_json::json!({ "runs": names(&runs) }), inputs);
    if lineage.must_make(&args.out, args.force)? {
        write_atomic(&args.out, html(&runs).as_bytes())?;
        lineage.write(&args.out)?;
    } else {
        terminal.note(&format!("{}: up to date", args.out.display()));
    }
    let overviews: Vec<RunOverview<'_>> = runs.iter().map(Run::overview).collect();
    terminal.result(&table(&runs), &overviews)?;
    Ok(Outcome::Done)
}

fn names(runs: &[Run]) -> Vec<&str> {
    runs.iter().map(Run::name).collect()
}
