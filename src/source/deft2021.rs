//! DEFT-2021: French clinical cases with their annotations, as the brat tool writes them: `x.txt` beside `x.ann`.
//!
//! The text is the document; the folder, which names the split, stays in its provenance. Annotations are not kept, but an
//! annotated passage that is not where the text has it is said: the file was converted or edited since.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::columns::{document, split_in_path};
use super::formats::{TextLines, whole_text};
use super::{Place, RowKind, Sink, Source, SourceFile, SourceFiles, SourceInfo, say};
use crate::Result;

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Grouin, C., Grabar, N. and Illouz, G. (2021). Classification de cas cliniques et évaluation automatique de \
                    réponses d'étudiants : présentation de la campagne DEFT 2021. Actes de la 28e Conférence sur le Traitement \
                    Automatique des Langues Naturelles, atelier DÉfi Fouille de Textes. \
                    https://aclanthology.org/2021.jeptalnrecital-deft.1";
    let access = "Sign the campaign's agreement and ask its organisers (see its home page); put the folders with *.txt and *.ann \
                  files side by side. It may not be passed on.";
    SourceInfo::new("deft2021", RowKind::Documents, "DEFT-2021 user agreement")
        .with_citation(citation, "https://deft.lisn.upsaclay.fr/2021")
        .with_files(["*.txt", "*.ann", "*/*.txt", "*/*.ann", "*/*/*.txt", "*/*/*.ann"])
        .obtained(access)
});

/// The corpus.
#[derive(Debug)]
pub(super) struct Deft2021;

impl Source for Deft2021 {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        let stems = |ending: &'static str| files.iter().filter_map(move |file| file.name.strip_suffix(ending));
        let texts: BTreeSet<&str> = stems(".txt").collect();
        let has_annotations = stems(".ann").next().is_some();
        for stem in stems(".ann").filter(|stem| !texts.contains(stem)) {
            let Some(file) = files.get(&format!("{stem}.ann")) else { continue };
            say(file, "annotations without a text beside them", sink)?;
        }
        for file in files.iter() {
            let Some(stem) = file.name.strip_suffix(".txt") else { continue };
            match files.get(&format!("{stem}.ann")) {
                // What describes the corpus is text too, and has no annotations.
                None if has_annotations => say(file, "not read: no annotations beside it", sink)?,
                annotations => read_case(files, file, stem, annotations, sink)?,
            }
        }
        Ok(())
    }
}

fn read_case(
    files: &SourceFiles,
    file: &SourceFile,
    stem: &str,
    annotations: Option<&SourceFile>,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let variant = match stem.rsplit_once('/').and_then(|(folder, _)| split_in_path(folder)) {
        Some(split) => format!("DEFT-2021 case, {split}"),
        None => "DEFT-2021 case".to_owned(),
    };
    say(file, &variant, sink)?;
    let place = Place { revision: files.revision(), file, row: 1, format: &variant };
    let text = match whole_text(file)? {
        Ok(text) if text.trim().is_empty() => return sink(place.unreadable("expected a text, found none", b"").into()),
        Ok(text) => text,
        Err((detail, raw)) => return sink(place.unreadable(detail, raw.as_bytes()).into()),
    };
    if let Some(annotations) = annotations {
        let (num_misplaced, num_all) = misplaced(annotations, &text)?;
        if num_misplaced > 0 {
            let message = format!(
                "{num_misplaced} of {num_all} annotated passages are not where {} has them: it was converted or edited",
                file.name
            );
            say(annotations, message, sink)?;
        }
    }
    sink(document(&INFO, &place, stem.to_owned(), text.trim().to_owned()).into())
}

/// How many of the annotated passages do not stand at their offsets, and how many there are.
fn misplaced(annotations: &SourceFile, text: &str) -> Result<(u64, u64)> {
    let characters: Vec<char> = text.chars().collect();
    let (mut num_misplaced, mut num_all) = (0, 0);
    let mut lines = TextLines::open(annotations)?;
    while let Some((_, line)) = lines.next()? {
        let line = line.unwrap_or_default();
        let Some(rest) = line.strip_prefix('T') else { continue };
        num_all += 1;
        num_misplaced += u64::from(!is_in_place(rest, &characters).unwrap_or(false));
    }
    Ok((num_misplaced, num_all))
}

/// Whether the passage of `number\tlabel begin end;begin end\tpassage` is the text between its offsets; `None` where the line
/// has another form.
fn is_in_place(line: &str, characters: &[char]) -> Option<bool> {
    let mut columns = line.splitn(3, '\t').skip(1);
    let (spans, passage) = (columns.next()?, columns.next()?);
    let (_, offsets) = spans.split_once(' ')?;
    let mut found = Vec::new();
    for span in offsets.split(';') {
        let (begin, end) = span.trim().split_once(' ')?;
        let part = characters.get(begin.parse::<usize>().ok()?..end.parse::<usize>().ok()?)?;
        found.push(part.iter().map(|character| if character.is_whitespace() { ' ' } else { *character }).collect());
    }
    let found: Vec<String> = found;
    Some(found.join(" ") == passage.trim_end_matches(['\r', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Document;
    use crate::source::SourceRow;
    use crate::source::fixture::read;

    const TEXT: &str = "Une patiente âgée de 24 ans\nconsulte pour toux.\n";

    fn documents(rows: &[SourceRow]) -> Vec<&Document> {
        rows.iter()
            .filter_map(|row| if let SourceRow::Document(document) = row { Some(&**document) } else { None })
            .collect()
    }

    fn notes(rows: &[SourceRow]) -> Vec<&str> {
        rows.iter()
            .filter_map(|row| if let SourceRow::Note(note) = row { Some(note.message.as_str()) } else { None })
            .collect()
    }

    #[test]
    fn a_text_beside_its_annotations_is_a_document_of_its_folder() {
        let annotations = "T1\tage 13 27\tâgée de 24 ans\nT2\tsosy 28 36;42 46\tconsulte toux\nA1\tx T1\n";
        let files =
            [("train/c1.txt", TEXT), ("train/c1.ann", annotations), ("LISEZMOI.txt", "Le corpus"), ("test/c2.ann", "")];
        let rows = read(&Deft2021, &files).unwrap();
        let found = documents(&rows);
        assert_eq!((found.len(), found[0].source_id.as_str(), found[0].text.as_str()), (1, "train/c1", TEXT.trim()));
        assert_eq!(found[0].provenance.lineage[0].detail, "DEFT-2021 case, train");
        let said =
            ["annotations without a text beside them", "not read: no annotations beside it", "DEFT-2021 case, train"];
        assert_eq!(notes(&rows), said);
        assert!(!INFO.redistribution().is_allowed());
    }

    #[test]
    fn a_converted_text_is_said_and_texts_alone_are_read() {
        let annotations = "T1\tage 13 27\tâgée de 24 ans\nT2\tage 12 26\tâgée de 24 ans\nT3\tage 900 901\tx\nT4\n";
        let rows = read(&Deft2021, &[("c1.txt", TEXT), ("c1.ann", annotations)]).unwrap();
        assert!(notes(&rows)[1].starts_with("3 of 4 annotated passages are not where c1.txt has them"), "{rows:?}");
        let rows = read(&Deft2021, &[("c1.txt", TEXT), ("c2.txt", " ")]).unwrap();
        assert!(documents(&rows).len() == 1 && matches!(rows.last(), Some(SourceRow::Unreadable(_))), "{rows:?}");
    }
}
