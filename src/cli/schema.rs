//! `schema`, of both programs: the JSON Schema of a file that the program writes.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::{Outcome, Terminal};
use crate::json_schema::{WRITTEN_FILES, WrittenFile};

/// Print the JSON Schema of a file that the program writes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which file, or a row of which.
    #[arg(value_parser = one_of(WRITTEN_FILES))]
    name: WrittenFile,
}

/// Reads the name of one of `files`; help says what each is.
#[must_use]
pub fn one_of(files: &'static [WrittenFile]) -> impl TypedValueParser<Value = WrittenFile> {
    let value = |file: &WrittenFile| PossibleValue::new(file.name).help(file.what);
    let named = move |name: String| files.iter().find(|file| file.name == name).copied().ok_or("no such file");
    PossibleValuesParser::new(files.iter().map(value)).try_map(named)
}

/// Runs the command.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    terminal.result(&args.name.text(), &(args.name.json_schema)())?;
    Ok(Outcome::Done)
}
