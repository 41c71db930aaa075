//! `schema`: the JSON Schema of a file that the launcher writes.

use clap::Args;
use medinjection_fr::cli::schema::one_of;
use medinjection_fr::json_schema::WrittenFile;
use medinjection_launcher::json_schema::WRITTEN_FILES;

use super::print;

/// Print the JSON Schema of a file that the program writes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Which file, or a line of which
    #[arg(value_parser = one_of(WRITTEN_FILES))]
    name: WrittenFile,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) {
    print(&arguments.name.text());
}
