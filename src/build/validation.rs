//! Validation of sources, before there is a data set.

use super::config::Plan;
use crate::Result;
use crate::language::detect_fields;
use crate::source::{SourceRow, Unreadable};
use crate::validate::{Located, Row, Summary, Validator};

/// Validates each row of the sources of `plan` by its rules, as a build would, and gives every finding to `sink`, in the order of the rows.
/// A row is located by source, file and number, `annales/2024.csv`.
///
/// A translated record is compared with its English original where a source brings that. Duplicates and leaks are not looked for, as
/// they are no fault of a row. Memory does not grow with the number of rows, but for some forty bytes an original.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) or [`Error::Format`](crate::Error::Format) if a file cannot be read; what `sink` returns.
pub fn validate_sources(plan: &Plan, sink: &mut dyn FnMut(&Located) -> Result<()>) -> Result<Summary> {
    let mut validator = Validator::new(&plan.rules, sink)?;
    let with_originals = plan.inputs.iter().filter(|input| input.source.info().kind.has_originals());
    for input in with_originals {
        input.source.read(&input.files, &mut |row| match row {
            SourceRow::Original(original) => validator.original(&original),
            _ => Ok(()),
        })?;
    }
    for input in &plan.inputs {
        let name = &input.source.info().name;
        input.source.read(&input.files, &mut |row| match row {
            SourceRow::Record(mut record) => {
                record.languages = detect_fields(&record);
                let (file, number) =
                    (format!("{name}/{}", record.provenance.source_file), record.provenance.source_row);
                validator.row(&file, number, Row::Record(record))
            }
            SourceRow::Unreadable(Unreadable { file, row, detail, .. }) => {
                validator.row(&format!("{name}/{file}"), row, Row::Unreadable(detail))
            }
            SourceRow::Original(_) | SourceRow::Document(_) | SourceRow::Note(_) => Ok(()),
        })?;
    }
    Ok(validator.finish())
}
