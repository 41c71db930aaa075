//! `import-gguf`: a GGUF file as a model folder.

use std::path::PathBuf;

use clap::Args;
use medinjection_launcher::Result;
use medinjection_launcher::import::{Imported, import_gguf};

use super::note;

/// Turn a GGUF file into a model folder, as transformers writes it: weights in f32, tokenizer and chat template.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// GGUF file (architectures llama and qwen2)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Model folder to make: new, empty, or one that holds nothing but a model
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace a folder that was made from something else
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let said = match import_gguf(&arguments.file, &arguments.out, arguments.force)? {
        Imported::Made => "imported",
        Imported::UpToDate => "up to date",
    };
    note(&format!("{}: {said}", arguments.out.display()));
    Ok(())
}
