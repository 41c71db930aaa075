//! How the data set is cited: its sources, and the study that it serves, as BibTeX.

use std::fmt::Write;

use crate::provenance::Manifest;

const STUDY: &str = "@article{belmadani2026medinjectionfr,\n  \
    title = {MedInjection-FR: Exploring the Role of Native, Synthetic, and Translated Data in Biomedical Instruction Tuning},\n  \
    author = {Belmadani and others},\n  year = {2026},\n  journal = {arXiv preprint arXiv:2603.06905}\n}\n";

/// An entry for each source with rows or originals, in the words of its authors, then the study's.
pub(in crate::build) fn entries(manifest: &Manifest) -> String {
    let mut text = String::new();
    for source in manifest.sources.iter().filter(|source| !source.citation.is_empty()) {
        let _ = writeln!(text, "@misc{{{},\n  note = {{{}}},", source.name, escape(&source.citation));
        if !source.homepage.is_empty() {
            let _ = writeln!(text, "  howpublished = {{\\url{{{}}}}},", source.homepage);
        }
        text.push_str("}\n");
    }
    text + STUDY
}

/// The text as it may stand between braces.
fn escape(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut escaped = String::new();
    for letter in words.join(" ").chars() {
        match letter {
            '{' | '}' => {}
            '&' | '%' | '#' | '_' | '$' => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_tex_are_escaped_and_braces_dropped() {
        assert_eq!(escape("R&D  {2020},\n50 %"), "R\\&D 2020, 50 \\%");
    }
}
