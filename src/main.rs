//! Command line of MedInjection-FR.

use std::process::ExitCode;

fn main() -> ExitCode {
    medinjection_fr::cli::main()
}
