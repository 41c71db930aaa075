//! `medinjection inspect preview`: the first rows of each source of a configuration, as they would be read.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Outcome, Terminal};
use crate::build::declared_sources;
use crate::inspect::preview;
use crate::record::{Choice, ChoiceLabel, Document, Original, Record};
use crate::source::{Note, SourceFiles, SourceRow, Unreadable};

/// Show the first rows of the sources of a configuration as they would be read; nothing is checked or written.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Configuration of a build.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// This source only.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Rows of each source, 1 or more.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rows: u32,
}

/// Runs the command.
///
/// # Errors
/// If the configuration is wrong, or a file of a source cannot be read as a whole.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let mut declared = declared_sources(&args.config)?;
    if let Some(name) = &args.source {
        let names: Vec<String> = declared.iter().map(|source| source.source.info().name.clone()).collect();
        declared.retain(|source| source.source.info().name == *name);
        anyhow::ensure!(
            !declared.is_empty(),
            "--source: expected one of {} of {}, found {name:?}",
            names.join(", "),
            args.config.display()
        );
    }
    let (mut text, mut sources) = (String::new(), Vec::new());
    for declared in declared {
        let info = declared.source.info();
        let files = SourceFiles::at(&declared.path, info)?;
        let rows = preview(&*declared.source, &files, usize::try_from(args.rows)?)?;
        writeln!(text, "{}: {}, {}", info.name, info.kind, info.license)?;
        rows.iter().try_for_each(|row| write_row(&mut text, row))?;
        writeln!(text)?;
        sources.push(json!({ "source": info.name, "rows": rows.iter().map(as_json).collect::<Vec<_>>() }));
    }
    terminal.result(&text, &sources)?;
    Ok(Outcome::Done)
}

fn as_json(row: &SourceRow) -> Value {
    match row {
        SourceRow::Record(record) => json!({ "record": record }),
        SourceRow::Original(original) => json!({ "original": original }),
        SourceRow::Document(document) => json!({ "document": document }),
        SourceRow::Unreadable(Unreadable { file, row, detail, raw }) => {
            json!({ "unreadable": { "file": file, "row": row, "detail": detail, "raw": raw } })
        }
        SourceRow::Note(Note { file, message }) => json!({ "note": { "file": file, "message": message } }),
    }
}

fn write_row(text: &mut String, row: &SourceRow) -> std::fmt::Result {
    match row {
        SourceRow::Note(Note { file, message }) => writeln!(text, "  {file}: {message}"),
        SourceRow::Unreadable(Unreadable { file, row, detail, raw }) => {
            writeln!(text, "  {file} row {row}  unreadable: {detail}\n    {}", shortened(raw))
        }
        SourceRow::Record(record) => {
            let Record { task, split, source_id, provenance, .. } = &**record;
            let (file, row) = (&provenance.source_file, provenance.source_row);
            writeln!(text, "  {file} row {row}  {task} {split}, id {source_id}")?;
            write_question(text, (&record.instruction, &record.context), &record.choices, &record.answer_labels)?;
            if record.choices.is_empty() { writeln!(text, "    → {}", shortened(&record.answer)) } else { Ok(()) }
        }
        SourceRow::Original(original) => {
            let Original { task, source_id, provenance, .. } = &**original;
            let (file, row) = (&provenance.source_file, provenance.source_row);
            writeln!(text, "  {file} row {row}  {task}, original, id {source_id}")?;
            write_question(text, (&original.question, &original.context), &original.choices, &original.answer_labels)
        }
        SourceRow::Document(document) => {
            let Document { source_id, license, provenance, .. } = &**document;
            let (file, row) = (&provenance.source_file, provenance.source_row);
            writeln!(text, "  {file} row {row}  document, id {source_id}, {license}\n    {}", shortened(&document.text))
        }
    }
}

fn write_question(
    text: &mut String,
    (question, context): (&str, &str),
    choices: &[Choice],
    answers: &[ChoiceLabel],
) -> std::fmt::Result {
    writeln!(text, "    {}", shortened(question))?;
    if !context.is_empty() {
        writeln!(text, "    context: {}", shortened(context))?;
    }
    for choice in choices {
        let mark = if answers.contains(&choice.label) { '*' } else { ' ' };
        writeln!(text, "    {mark} ({}) {}", choice.label, shortened(&choice.text))?;
    }
    Ok(())
}

/// The text in one line of at most 300 characters, without what would command the terminal.
fn shortened(text: &str) -> String {
    const MAX_CHARS: usize = 300;
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    let mut line: String = text.chars().take(MAX_CHARS).map(plain).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        line.push('…');
    }
    line
}
