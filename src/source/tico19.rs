//! TICO-19: health texts on COVID-19 that professionals translated, as a translation memory.
//!
//! Each unit gives two open questions, one in each direction. Units are read as they stand. In the English–French file as it is
//! published, some 300 units hold the French of another unit: a French text that stands beside two English ones is said, with
//! the first such pair of units.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::columns::split_or;
use super::formats::tmx_units;
use super::parallel::{Pair, both_directions};
use super::{Place, RowKind, Sink, Source, SourceFiles, SourceInfo, say};
use crate::Result;
use crate::record::{Origin, Split};
use crate::text::fold;

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Anastasopoulos, A., Cattelan, A., Dou, Z.-Y., Federico, M., Federmann, C., Genzel, D., Guzmán, F., Hu, J., \
                    Hughes, M., Koehn, P., Lazar, R., Lewis, W., Neubig, G., Niu, M., Öktem, A., Paquin, E., Tang, G. and Tur, S. \
                    (2020). TICO-19: the Translation Initiative for COvid-19. NLP-COVID19 at EMNLP 2020. \
                    https://aclanthology.org/2020.nlpcovid19-2.5";
    SourceInfo::new("tico19", RowKind::Records(Origin::Native), "CC0-1.0")
        .with_citation(citation, "https://tico-19.github.io")
        .with_files(["*.en-fr.tmx", "*.fr-en.tmx"])
        .obtained("Download the English–French translation memory (all.en-fr.tmx) from its home page.")
});

/// What each file is.
const VARIANT: &str = "TICO-19, translation memory";

/// The corpus.
#[derive(Debug)]
pub(super) struct Tico19;

impl Source for Tico19 {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn part_of<'a>(&self, file_name: &'a str) -> Option<&'a str> {
        Some(file_name)
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let split = split_or(file, Split::Test, sink)?;
            say(file, VARIANT, sink)?;
            let mut translations = Translations::default();
            tmx_units(file, |row, unit| {
                let place = Place { revision: files.revision(), file, row, format: VARIANT };
                match unit {
                    Ok(mut unit) => {
                        let mut text = |language| unit.segments.remove(language).unwrap_or_default();
                        let (english, french) = (text("en"), text("fr"));
                        translations.see(row, &english, &french);
                        let id = unit.id.unwrap_or_else(|| format!("{}/{row}", file.name));
                        both_directions(&INFO, &place, split, Pair { english, french, id }, sink)
                    }
                    Err((detail, raw)) => sink(place.unreadable(detail, raw.as_bytes()).into()),
                }
            })?;
            if let Some(message) = translations.message() {
                say(file, message, sink)?;
            }
        }
        Ok(())
    }
}

/// The French texts of a file, each with the first unit that has it and that unit's English.
#[derive(Default)]
struct Translations {
    first: HashMap<String, (u64, String)>,
    first_contradiction: Option<(u64, u64)>,
    num_contradictions: u64,
}

impl Translations {
    fn see(&mut self, row: u64, english: &str, french: &str) {
        let (first, other) = self.first.entry(fold(french)).or_insert_with(|| (row, fold(english)));
        if *other != fold(english) {
            self.num_contradictions += 1;
            self.first_contradiction.get_or_insert((*first, row));
        }
    }

    fn message(&self) -> Option<String> {
        let (first, row) = self.first_contradiction?;
        Some(format!(
            "{} units have the French text of an earlier unit beside another English text, the first of them units {first} and \
             {row}: one of the two may be no translation",
            self.num_contradictions
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Task;
    use crate::source::SourceRow;
    use crate::source::fixture::read;

    #[test]
    fn a_french_text_beside_two_english_ones_is_said() {
        let unit = |english: &str| {
            format!(
                "<tu><tuv xml:lang=\"en\"><seg>{english}</seg></tuv><tuv xml:lang=\"fr\"><seg>La fièvre</seg></tuv></tu>"
            )
        };
        let text = format!("<tmx>{}{}{}</tmx>", unit("Fever"), unit("fever."), unit("Bats"));
        let rows = read(&Tico19, &[("all.en-fr.tmx", &text)]).unwrap();
        let Some(SourceRow::Note(note)) = rows.last() else { panic!("{rows:?}") };
        assert!(note.message.starts_with("1 units have the French text") && note.message.contains("units 1 and 3"));
    }

    #[test]
    fn a_unit_is_asked_in_both_directions_in_one_group() {
        let text = "<tmx version=\"1.4\"><body><tu tuid=\"CMU_1:3\"><tuv xml:lang=\"en\"><seg>and along with a fever</seg></tuv>\
                    <tuv xml:lang=\"fr\"><seg>et surtout si vous avez de la fièvre</seg></tuv></tu>\
                    <tu><tuv xml:lang=\"en\"><seg>alone</seg></tuv></tu></body></tmx>";
        let rows = read(&Tico19, &[("all.en-fr.tmx", text)]).unwrap();
        let [
            SourceRow::Note(_),
            SourceRow::Note(_),
            SourceRow::Record(into),
            SourceRow::Record(from),
            SourceRow::Unreadable(bad),
        ] = &rows[..]
        else {
            panic!("{rows:?}")
        };
        assert_eq!((into.context.as_str(), into.answer.as_str()), (from.answer.as_str(), from.context.as_str()));
        assert_eq!((into.context.as_str(), into.source_id.as_str()), ("and along with a fever", "CMU_1:3/en-fr"));
        assert_eq!((into.task, into.split, &into.group_id), (Task::Oeq, Split::Test, &from.group_id));
        assert_eq!(
            (bad.row, bad.detail.as_str()),
            (2, "expected a text in English and in French, found none in French")
        );
    }
}
