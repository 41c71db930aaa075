//! The released MedInjection-FR files: `Native`, `Synthetic` and `Translated` (JSON), and `ALL` (parquet).
//!
//! All have the five columns of the published layout, see [`PublishedRecord`]. The published totals disagree with one another;
//! what is found is compared with them, and what differs is said.

use std::collections::BTreeMap;

use super::columns::split_of;
use super::formats::{Format, each_row};
use super::{Place, RowKind, Sink, Source, SourceFiles, SourceInfo, SourceRow, say};
use crate::Result;
use crate::record::{Origin, PublishedRecord, Record, Split, short_hash};
use crate::text::fold;

/// Which of the releases.
#[derive(Debug)]
pub(super) struct Released {
    info: SourceInfo,
    /// Rows of train, validation and test that were published.
    published: [u64; 3],
}

impl Released {
    /// The four releases.
    pub(super) fn all() -> [Self; 4] {
        // Only files with a split in their names: a data set that this tool wrote has others beside them.
        let words = ["train", "Train", "dev", "Dev", "validation", "Validation", "test", "Test"];
        let named = words.iter().flat_map(|word| [format!("*{word}*.json"), format!("*{word}*.parquet")]);
        let deeper = ["data/*.parquet", "*/*/*.json", "*/*/*.parquet"].map(str::to_owned);
        let files: Vec<String> = named.chain(deeper).collect();
        let release = |name: &str, repository: &str, kind, published| {
            let citation = "Belmadani, I. et al. (2026). MedInjection-FR. https://arxiv.org/abs/2603.06905";
            let homepage = format!("https://huggingface.co/datasets/MedInjection-FR/{repository}");
            let info = SourceInfo::new(format!("medinjection_{name}"), kind, "MIT")
                .with_citation(citation, homepage)
                .on_hub(format!("MedInjection-FR/{repository}"))
                .with_files(files.iter().map(String::as_str));
            Self { info, published }
        };
        [
            release("all", "ALL", RowKind::RecordsOfAnyOrigin, [500_439, 43_066, 27_931]),
            release("native", "Native", RowKind::Records(Origin::Native), [57_563, 5_055, 14_629]),
            release("synthetic", "Synthetic", RowKind::Records(Origin::Synthetic), [76_506, 0, 0]),
            release("translated", "Translated", RowKind::Records(Origin::Translated), [366_370, 38_011, 13_293]),
        ]
    }

    fn row(&self, row: PublishedRecord, split: Split, place: &Place<'_>) -> Result<SourceRow, String> {
        let mut record = Record::try_from(row)?;
        let group = fold(if record.context.trim().is_empty() { &record.instruction } else { &record.context });
        record.split = split;
        record.source.clone_from(&self.info.name);
        record.source_id = format!("{}/{}", place.file.name, place.row);
        record.group_id = format!("{}/{}", self.info.name, short_hash(group.as_bytes()));
        record.license.clone_from(&self.info.license);
        record.provenance = place.provenance();
        Ok(record.into())
    }
}

impl Source for Released {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        let mut num_rows: BTreeMap<Split, u64> = BTreeMap::new();
        for file in files.iter() {
            let (format, split) = (Format::of(file)?, split_of(file)?);
            let variant = format!("published layout, {}", format.name());
            say(file, &variant, sink)?;
            let mut counted = |row| {
                *num_rows.entry(split).or_default() += 1;
                sink(row)
            };
            each_row(files, (file, format, &variant), &mut counted, |row, place| self.row(row, split, place))?;
        }
        let Some(first) = files.iter().next() else { return Ok(()) };
        let found: u64 = num_rows.values().sum();
        if 2 * found < self.published.iter().sum() {
            let message = "fewer than half of the release's rows: taken for another data set in its layout, whose totals are not compared";
            return say(first, message, sink);
        }
        for (split, published) in Split::ALL.iter().zip(self.published) {
            let found = num_rows.get(split).copied().unwrap_or(0);
            if found != published {
                say(first, format!("{split}: {published} rows were published, found {found} in all files"), sink)?;
            }
        }
        if self.info.kind == RowKind::RecordsOfAnyOrigin {
            let published = "571436 rows were stated, its parts sum to 571427 or 570154";
            say(first, format!("all splits: {published}, found {found} in all files"), sink)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Task;
    use crate::source::fixture::read;

    #[test]
    fn rows_are_read_and_totals_that_differ_are_said() {
        let text = r#"[{"instruction": "Quel os ?\nChoix de réponses :\n(A) Tibia\n(B) Foie", "context": "", "answer": "A",
            "type": "MCQU", "origin": "Native"}, {"instruction": "Q ?", "context": "", "answer": "A", "type": "MCQU", "origin": "native"}]"#;
        let [all, native, ..] = Released::all();
        let rows = read(&native, &[("Train/mcqu/mcqu_train.json", text)]).unwrap();
        let SourceRow::Record(record) = &rows[1] else { panic!("{rows:?}") };
        assert_eq!((record.instruction.as_str(), record.choices.len(), record.task), ("Quel os ?", 2, Task::Mcqu));
        assert!(matches!(&rows[2], SourceRow::Unreadable(bad) if bad.row == 2), "{rows:?}");
        let SourceRow::Note(note) = &rows[3] else { panic!("{rows:?}") };
        assert!(note.message.starts_with("fewer than half of the release's rows") && rows.len() == 4, "{rows:?}");
        let row = r#"{"instruction": "Q ?", "context": "", "answer": "R", "type": "OEQ", "origin": "Native"}"#;
        let text = format!("[{}]", vec![row; 40].join(","));
        let all = Released { published: [50, 3, 2], ..all };
        let rows = read(&all, &[("train.json", &text)]).unwrap();
        let notes = rows.iter().filter_map(|row| match row {
            SourceRow::Note(note) => Some(note.message.as_str()),
            _ => None,
        });
        let notes: Vec<&str> = notes.skip(1).collect();
        assert_eq!(notes[0], "train: 50 rows were published, found 40 in all files");
        assert!(notes.len() == 4 && notes[3].contains("571427 or 570154, found 40"), "{notes:?}");
    }
}
