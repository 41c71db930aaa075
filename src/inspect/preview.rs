//! The first rows of a source, as a build would read them.

use crate::source::{Source, SourceFiles, SourceRow};
use crate::{Error, Result};

/// The first `num_rows` rows of a source, and what is said of its files up to there.
///
/// # Errors
/// Those of [`Source::read`] before that many rows were read.
pub fn preview(source: &dyn Source, files: &SourceFiles, num_rows: usize) -> Result<Vec<SourceRow>> {
    let mut rows = Vec::new();
    let mut num_left = num_rows;
    let outcome = source.read(files, &mut |row| {
        num_left -= usize::from(!matches!(row, SourceRow::Note(_)));
        rows.push(row);
        // An error is how a source is told that no more rows are wanted.
        if num_left == 0 { Err(Error::Data(String::new())) } else { Ok(()) }
    });
    if num_left > 0 {
        outcome?;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::find;

    #[test]
    fn reading_stops_at_the_rows_that_are_asked_for() {
        let source = find("frenchmedmcqa").unwrap();
        let files = SourceFiles::embedded(&[("train.json", b"[1, 2, 3")]);
        assert_eq!(preview(&*source, &files, 2).unwrap().len(), 2);
        // The fault of the file stands behind its third row.
        assert!(preview(&*source, &files, 4).unwrap_err().to_string().contains("train.json: expected a JSON list"));
    }
}
