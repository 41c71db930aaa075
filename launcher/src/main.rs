//! Command line of the launcher: one file a command under `commands/`.

mod commands;

use std::process::ExitCode;

fn main() -> ExitCode {
    medinjection_launcher::ffi::keep_freed_memory();
    commands::main()
}
