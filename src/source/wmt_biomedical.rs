//! WMT biomedical, English–French: sentences of Medline abstracts and their translations, as pairs of text files.
//!
//! `x.en` stands beside `x.fr`, or `x_en.txt` beside `x_fr.txt`. Which of the two published forms a pair of files has is told
//! from its first line: one sentence a line, line by line the same in both; or a document, a sentence's number and the
//! sentence (or a document and its whole abstract), with tabs between them, where a document's sentences are joined by their numbers. A document whose sentences
//! are not the same in both files was never aligned, and is a row that cannot be read. Each sentence gives two open questions.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::columns::split_or;
use super::formats::{Bad, TextLines};
use super::parallel::{Pair, both_directions};
use super::{Place, RowKind, Sink, Source, SourceFile, SourceFiles, SourceInfo, say};
use crate::record::{Origin, Split};
use crate::{Error, Result};

static INFO: LazyLock<SourceInfo> = LazyLock::new(|| {
    let citation = "Bawden, R., Di Nunzio, G. M., Grozea, C., Jauregi Unanue, I., Jimeno Yepes, A., Mah, N., Martinez, D., \
                    Névéol, A., Neves, M., Oronoz, M., Perez-de-Viñaspre, O., Piccardi, M., Roller, R., Siu, A., Thomas, P., \
                    Vezzani, F., Vicente Navarro, M., Wiemann, D. and Yeganova, L. (2020). Findings of the WMT 2020 Biomedical \
                    Translation Shared Task. WMT 2020. https://aclanthology.org/2020.wmt-1.76";
    let patterns = ["*.en", "*.fr", "*_en.txt", "*_fr.txt", "*/*.en", "*/*.fr", "*/*_en.txt", "*/*_fr.txt"];
    SourceInfo::new("wmt_biomedical", RowKind::Records(Origin::Native), "not stated")
        .with_citation(citation, "https://github.com/biomedical-translation-corpora/corpora")
        .with_files(patterns)
        .obtained(
            "Download the English–French test sets that its home page links to; keep each file beside its translation.",
        )
});

/// The corpus.
#[derive(Debug)]
pub(super) struct WmtBiomedical;

/// Sentences of a document by their numbers, each with its row.
type Document = BTreeMap<u64, (u64, String)>;

impl Source for WmtBiomedical {
    fn info(&self) -> &SourceInfo {
        &INFO
    }

    fn read(&self, files: &SourceFiles, sink: &mut Sink<'_>) -> Result<()> {
        for file in files.iter() {
            let Some((other, is_english)) = counterpart(&file.name) else { continue };
            match files.get(&other) {
                None => say(file, format!("not read: expected {other} beside it, found none"), sink)?,
                Some(french) if is_english => read_pair(files, file, french, sink)?,
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// The name of the file in the other language, and whether this one is English.
fn counterpart(name: &str) -> Option<(String, bool)> {
    let endings =
        [(".en", ".fr", true), (".fr", ".en", false), ("_en.txt", "_fr.txt", true), ("_fr.txt", "_en.txt", false)];
    let other = |(ending, other, is_english)| Some((format!("{}{other}", name.strip_suffix(ending)?), is_english));
    endings.into_iter().find_map(other)
}

fn read_pair(files: &SourceFiles, english: &SourceFile, french: &SourceFile, sink: &mut Sink<'_>) -> Result<()> {
    let split = split_or(english, Split::Test, sink)?;
    let numbered = [is_numbered(english)?, is_numbered(french)?];
    if numbered[0] != numbered[1] {
        let form = |is_numbered: bool| if is_numbered { "documents and numbers" } else { "one sentence a line" };
        let message = format!("expected {} as in {}, found {}", form(numbered[0]), english.name, form(numbered[1]));
        return Err(Error::format(french.path(), message));
    }
    let variant = if numbered[0] { "WMT biomedical, numbered sentences" } else { "WMT biomedical, aligned lines" };
    say(english, variant, sink)?;
    let pairs = Pairs { revision: files.revision(), english, french, variant, split };
    if numbered[0] { pairs.by_number(sink) } else { pairs.by_line(sink) }
}

/// Whether the first line that is not blank is a document, a number and a sentence.
fn is_numbered(file: &SourceFile) -> Result<bool> {
    let mut lines = TextLines::open(file)?;
    while let Some((_, line)) = lines.next()? {
        match line {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => return Ok(numbered(&line).is_some()),
            Err(_) => return Ok(false),
        }
    }
    Ok(false)
}

/// Document, number and text of a line; an abstract in one line is the first and only text of its document.
fn numbered(line: &str) -> Option<(&str, u64, &str)> {
    let (document, rest) = line.split_once('\t')?;
    let (number, text) = match rest.split_once('\t') {
        Some((number, text)) => (number.trim().parse().ok()?, text),
        None if !document.trim().contains(char::is_whitespace) => (1, rest),
        None => return None,
    };
    Some((document.trim(), number, text.trim()))
}

/// Two files of which one translates the other.
struct Pairs<'a> {
    revision: &'a str,
    english: &'a SourceFile,
    french: &'a SourceFile,
    variant: &'a str,
    split: Split,
}

impl Pairs<'_> {
    fn place(&self, row: u64) -> Place<'_> {
        Place { revision: self.revision, file: self.english, row, format: self.variant }
    }

    /// The pair of the English and French texts that the corpus calls `id`.
    fn pair(&self, english: &str, french: &str, id: &str) -> Pair {
        let text = |text: &str| text.trim().to_owned();
        Pair { english: text(english), french: text(french), id: format!("{}/{id}", self.english.name) }
    }

    fn by_line(&self, sink: &mut Sink<'_>) -> Result<()> {
        let num_rows = [count(self.english)?, count(self.french)?];
        if num_rows[0] != num_rows[1] {
            let message = format!(
                "expected the {} lines of {}, found {}; take both files from the same release",
                num_rows[0], self.english.name, num_rows[1]
            );
            return Err(Error::format(self.french.path(), message));
        }
        let (mut english, mut french) = (TextLines::open(self.english)?, TextLines::open(self.french)?);
        while let (Some((row, english)), Some((_, french))) = (english.next()?, french.next()?) {
            match (english, french) {
                // Blank lines stand between documents.
                (Ok(english), Ok(french)) if english.trim().is_empty() && french.trim().is_empty() => {}
                (Ok(english), Ok(french)) => {
                    let pair = self.pair(&english, &french, &row.to_string());
                    both_directions(&INFO, &self.place(row), self.split, pair, sink)?;
                }
                (Err((detail, raw)), _) => sink(self.place(row).unreadable(detail, raw.as_bytes()).into())?,
                (_, Err((detail, raw))) => {
                    let place = Place { file: self.french, ..self.place(row) };
                    sink(place.unreadable(detail, raw.as_bytes()).into())?;
                }
            }
        }
        Ok(())
    }

    fn by_number(&self, sink: &mut Sink<'_>) -> Result<()> {
        let mut french = self.documents(self.french, sink)?;
        for (name, sentences) in self.documents(self.english, sink)? {
            let translated = french.remove(&name).unwrap_or_default();
            if !sentences.keys().eq(translated.keys()) {
                let first = sentences.values().map(|(row, _)| *row).min().unwrap_or(1);
                let detail = format!(
                    "expected the {} sentences of document {name:?} in {}, found {} or other numbers; take an aligned release",
                    sentences.len(),
                    self.french.name,
                    translated.len()
                );
                let texts: Vec<String> = sentences.into_values().map(|(_, text)| text).collect();
                sink(self.place(first).unreadable(detail, texts.join("\n").as_bytes()).into())?;
                continue;
            }
            for ((number, (row, english)), (_, french)) in sentences.into_iter().zip(translated.into_values()) {
                let pair = self.pair(&english, &french, &format!("{name}/{number}"));
                both_directions(&INFO, &self.place(row), self.split, pair, sink)?;
            }
        }
        for (name, sentences) in french {
            let first = sentences.values().map(|(row, _)| *row).min().unwrap_or(1);
            let place = Place { file: self.french, ..self.place(first) };
            let detail = format!("expected document {name:?} in {} too, found none", self.english.name);
            sink(place.unreadable(detail, b"").into())?;
        }
        Ok(())
    }

    /// The documents of a file by name; lines that cannot be read are given to `sink`.
    fn documents(&self, file: &SourceFile, sink: &mut Sink<'_>) -> Result<BTreeMap<String, Document>> {
        let mut documents: BTreeMap<String, Document> = BTreeMap::new();
        let mut lines = TextLines::open(file)?;
        while let Some((row, line)) = lines.next()? {
            let outcome: Result<(), Bad> = line.and_then(|line| {
                if line.trim().is_empty() {
                    return Ok(());
                }
                let Some((document, number, text)) = numbered(&line) else {
                    return Err(("expected a document, a number and a text with tabs between them".to_owned(), line));
                };
                let sentences = documents.entry(document.to_owned()).or_default();
                if let Some((first, _)) = sentences.get(&number) {
                    return Err((
                        format!("expected sentence {number} of {document:?} once, found it in row {first} too"),
                        line,
                    ));
                }
                sentences.insert(number, (row, text.to_owned()));
                Ok(())
            });
            if let Err((detail, raw)) = outcome {
                let place = Place { file, ..self.place(row) };
                sink(place.unreadable(detail, raw.as_bytes()).into())?;
            }
        }
        Ok(documents)
    }
}

fn count(file: &SourceFile) -> Result<u64> {
    let mut lines = TextLines::open(file)?;
    let mut last = 0;
    while let Some((row, line)) = lines.next()? {
        // What follows the last line that is not blank does not count.
        if !line.is_ok_and(|line| line.trim().is_empty()) {
            last = row;
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::source::fixture::read;
    use crate::source::{SourceRow, Unreadable};

    fn records(rows: &[SourceRow]) -> Vec<&Record> {
        rows.iter().filter_map(|row| if let SourceRow::Record(record) = row { Some(&**record) } else { None }).collect()
    }

    fn unreadable(rows: &[SourceRow]) -> Vec<&Unreadable> {
        rows.iter().filter_map(|row| if let SourceRow::Unreadable(bad) = row { Some(bad) } else { None }).collect()
    }

    #[test]
    fn lines_of_two_files_are_pairs_and_blank_lines_stand_between_documents() {
        let files = [("m_en2fr.en", "Fever.\n\n\nCough.\n"), ("m_en2fr.fr", "Fièvre.\n\n\nToux.\n"), ("x.en", "alone")];
        let rows = read(&WmtBiomedical, &files).unwrap();
        let found = records(&rows);
        assert_eq!((found.len(), found[2].context.as_str(), found[2].answer.as_str()), (4, "Cough.", "Toux."));
        assert_eq!((found[3].source_id.as_str(), found[3].split), ("m_en2fr.en/4/fr-en", Split::Test));
        let notes: Vec<_> =
            rows.iter().filter_map(|row| if let SourceRow::Note(note) = row { Some(note) } else { None }).collect();
        assert!(notes.iter().any(|note| note.message == "not read: expected x.fr beside it, found none"), "{notes:?}");
        let refusal = read(&WmtBiomedical, &[("m.en", "a\nb\n"), ("m.fr", "a\n")]).unwrap_err().to_string();
        assert!(refusal.starts_with("m.fr: expected the 2 lines of m.en, found 1"), "{refusal}");
        let rows = read(&WmtBiomedical, &[("m.en", "a\n"), ("m.fr", "\n")]);
        assert!(rows.unwrap_err().to_string().contains("m.fr: expected the 1 lines"));
    }

    #[test]
    fn abstracts_in_one_line_are_joined_by_document() {
        let rows =
            read(&WmtBiomedical, &[("m.en", "doc1\tFever. Cough.\n"), ("m.fr", "doc1\tFièvre. Toux.\n")]).unwrap();
        let found = records(&rows);
        assert_eq!(
            (found.len(), found[0].context.as_str(), found[0].answer.as_str()),
            (2, "Fever. Cough.", "Fièvre. Toux.")
        );
    }

    #[test]
    fn numbered_sentences_are_joined_by_document_and_number() {
        let english = "doc1\t1\tFever.\ndoc1\t2\tCough.\ndoc2\t1\tPain.\ndoc2\t2\tRash.\nfever\ndoc1\t1\tagain\n";
        let french = "doc2\t1\tDouleur et éruption.\ndoc1\t2\tToux.\ndoc1\t1\tFièvre.\ndoc3\t1\tSeul.\n";
        let rows =
            read(&WmtBiomedical, &[("medline_en2fr_en.txt", english), ("medline_en2fr_fr.txt", french)]).unwrap();
        let found = records(&rows);
        assert_eq!((found.len(), found[0].answer.as_str(), found[2].answer.as_str()), (4, "Fièvre.", "Toux."));
        let details: Vec<(u64, &str)> = unreadable(&rows).iter().map(|bad| (bad.row, bad.detail.as_str())).collect();
        assert!(details[0].0 == 5 && details[0].1.starts_with("expected a document, a number"), "{details:?}");
        assert!(details[1].0 == 6 && details[1].1.contains("once, found it in row 1 too"), "{details:?}");
        assert!(details[2].0 == 3 && details[2].1.contains("the 2 sentences of document \"doc2\""), "{details:?}");
        assert!(details[3].0 == 4 && details[3].1.contains("expected document \"doc3\""), "{details:?}");
        let refusal = read(&WmtBiomedical, &[("m.en", english), ("m.fr", "Fièvre.\n")]).unwrap_err().to_string();
        assert!(refusal.contains("m.fr: expected documents and numbers as in m.en"), "{refusal}");
    }
}
