//! `medinjection validate`: the findings in a file of records, counted, shown and listed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Outcome, Terminal};
use crate::Error;
use crate::build::{Input, Plan, validate_sources};
use crate::provenance::{AtomicFile, Dataset, Lineage, check_output_file, sha256_file};
use crate::record::Severity;
use crate::text::BYTE_ORDER_MARK;
use crate::validate::{Located, Summary, validate_path};

/// Check records and list what is wrong with them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Data set directory, parquet file of records (rejected.parquet too), or JSON Lines: records, or rows of
    /// instruction, choices, answer.
    #[arg(required_unless_present = "config", conflicts_with = "config")]
    path: Option<PathBuf>,
    /// Check the rows of the sources that this configuration of a build names, such as a CSV file whose columns it maps.
    #[arg(long, value_name = "F")]
    config: Option<PathBuf>,
    /// Write one line for each finding to this file (CSV, UTF-8 with byte-order mark).
    #[arg(long, value_name = "F")]
    csv: Option<PathBuf>,
    /// Replace the CSV file where it was made from something else.
    #[arg(long, requires = "csv")]
    force: bool,
}

/// What is validated.
enum Rows {
    /// Those of a file or a data set.
    At(PathBuf),
    /// Those of the sources of a build.
    Of(Box<Plan>),
}

impl Rows {
    fn validate(&self, sink: &mut dyn FnMut(&Located) -> crate::Result<()>) -> crate::Result<Summary> {
        match self {
            Self::At(path) => validate_path(path, sink),
            Self::Of(plan) => validate_sources(plan, sink),
        }
    }

    /// What a table of findings is made from, and the files that are read.
    fn inputs(&self) -> crate::Result<(Lineage, Vec<PathBuf>)> {
        let made_from = |config, inputs| Lineage::new("validate", config, inputs);
        // The rows of the table name the file as it was named here.
        let of_file = |path: &Path, sha256: String| {
            let config = serde_json::json!({ "file": path.display().to_string() });
            made_from(config, BTreeMap::from([("records".to_owned(), sha256)]))
        };
        Ok(match self {
            Self::At(path) if path.is_dir() => {
                let dataset = Dataset::open_any_layout(path)?;
                (of_file(path, dataset.manifest_sha256().to_owned()), dataset.files())
            }
            Self::At(path) => (of_file(path, sha256_file(path)?), vec![path.clone()]),
            Self::Of(plan) => {
                let revision = |input: &Input| (input.source.info().name.clone(), input.files.revision().to_owned());
                let files = plan.inputs.iter().flat_map(|input| input.files.iter());
                let files = files.map(|file| file.path().to_path_buf()).collect();
                (made_from(plan.resolved(), plan.inputs.iter().map(revision).collect()), files)
            }
        })
    }
}

/// Exit code 1 where a finding is an error.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let rows = match (&args.path, &args.config) {
        (_, Some(config)) => Rows::Of(Box::new(Plan::from_config(config)?)),
        (path, None) => Rows::At(path.clone().unwrap_or_default()),
    };
    let summary = match &args.csv {
        Some(csv) => validate_to_csv(&rows, csv, args.force, terminal)?,
        None => rows.validate(&mut |_| Ok(()))?,
    };
    terminal.result(&text(&summary), &summary)?;
    Ok(if summary.num_rows_with_errors() == 0 { Outcome::Done } else { Outcome::DoneWithFindings })
}

fn validate_to_csv(rows: &Rows, csv: &Path, force: bool, terminal: &Terminal) -> anyhow::Result<Summary> {
    let (lineage, files) = rows.inputs()?;
    check_output_file(csv, &files.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
    if !lineage.must_make(csv, force)? {
        terminal.note(&format!("{}: up to date", csv.display()));
        return Ok(rows.validate(&mut |_| Ok(()))?);
    }
    let mut file = AtomicFile::create(csv)?;
    // Without it, Excel takes a CSV file for Windows-1252 and spoils the accents.
    file.write_all(BYTE_ORDER_MARK)?;
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
    writer.write_record(["file", "row", "id", "severity", "reason", "field", "detail"])?;
    let summary = rows.validate(&mut |located| {
        writer.write_record(cells(located)).map_err(|error| Error::io(csv)(std::io::Error::other(error)))
    })?;
    writer.into_inner().map_err(|error| Error::io(csv)(std::io::Error::other(error.to_string())))?.commit()?;
    lineage.write(csv)?;
    Ok(summary)
}

fn cells(located: &Located) -> [String; 7] {
    let finding = &located.finding;
    [
        located.file.clone(),
        located.row.to_string(),
        located.id.clone(),
        severity_name(finding.severity).to_owned(),
        finding.reason.to_string(),
        finding.field.clone(),
        finding.detail.clone(),
    ]
}

const fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn text(summary: &Summary) -> String {
    let mut text = format!("{} rows, {} with an error\n", summary.num_rows(), summary.num_rows_with_errors());
    if summary.num_not_compared() > 0 {
        let number = summary.num_not_compared();
        let _ = writeln!(text, "{number} translated rows not compared with an English original, which is not at hand");
    }
    if summary.counts().next().is_some() {
        let _ = writeln!(text, "\n{:<8}  {:<18}  {:>8}  {:>8}", "severity", "reason", "findings", "rows");
    }
    for (severity, reason, count) in summary.counts() {
        let severity = severity_name(severity);
        let _ = writeln!(text, "{severity:<8}  {reason:<18}  {:>8}  {:>8}", count.num_findings, count.num_rows);
    }
    for (severity, reason, count) in summary.counts() {
        let _ = writeln!(text, "\n{} {reason}, for example:", severity_name(severity));
        for Located { file, row, finding, .. } in &count.examples {
            let _ = writeln!(text, "  {file}:{row} {}: {}", finding.field, finding.detail);
        }
    }
    text
}
