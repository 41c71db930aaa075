//! Translation memories (TMX 1.4): units that hold the same text in several languages.
//!
//! A file is read unit by unit. Nothing outside of it is read, no entity is expanded but the five of XML, and a unit of more
//! than [`MAX_ROW_BYTES`], or elements deeper than [`MAX_DEPTH`], end the reading: a small file cannot become a large text.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::MAX_ROW_BYTES;
use crate::source::SourceFile;
use crate::{Error, Result};

/// Elements that may stand in one another; the format needs about six.
const MAX_DEPTH: usize = 64;

/// One unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::source) struct Unit {
    /// Its identifier, where it has one.
    pub(in crate::source) id: Option<String>,
    /// Its text by language (`en`, `fr`), without regions.
    pub(in crate::source) segments: BTreeMap<String, String>,
}

/// Gives each unit of `file`, with its one-based place, to `each`, or what is wrong with it and its texts.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is no well-formed XML, declares entities, or has a unit
/// that is too large or too deep, and whatever `each` returns.
pub(in crate::source) fn tmx_units(
    file: &SourceFile,
    mut each: impl FnMut(u64, Result<Unit, (String, String)>) -> Result<()>,
) -> Result<()> {
    let mut reader = Reader::from_reader(Budgeted { reader: file.open()?, num_left: MAX_ROW_BYTES });
    let mut buffer = Vec::new();
    let mut reading = Reading::default();
    let refused = |row: u64, message: &str| Error::row(file.path(), row, format!("expected TMX, {message}"));
    loop {
        buffer.clear();
        let row = reading.num_units + 1;
        let event = reader.read_event_into(&mut buffer).map_err(|error| match error {
            quick_xml::Error::Io(cause) if cause.kind() == std::io::ErrorKind::FileTooLarge => {
                refused(row, &format!("found a unit of more than {MAX_ROW_BYTES} bytes"))
            }
            quick_xml::Error::Io(cause) => Error::io(file.path())(std::io::Error::new(cause.kind(), cause)),
            other => refused(row, &format!("found: {other}")),
        })?;
        match event {
            Event::DocType(declaration) if declaration.contains("<!ENTITY") => {
                return Err(refused(row, "found entities that are declared; they are not expanded"));
            }
            Event::Eof if reading.depth > 0 => return Err(refused(row, "found the end of the file inside a unit")),
            Event::Eof if !reading.is_tmx => return Err(refused(row, "found no element tmx")),
            Event::Eof => return Ok(()),
            Event::Start(start) => reading.begin(&start),
            Event::Empty(start) => {
                reading.begin(&start);
                reading.end();
            }
            Event::Text(text) => reading.text(&text),
            Event::CData(text) => reading.text(&text),
            Event::GeneralRef(reference) => reading.reference(&reference),
            Event::End(_) => reading.end(),
            _ => {}
        }
        if reading.depth > MAX_DEPTH {
            return Err(refused(row, &format!("found more than {MAX_DEPTH} elements in one another")));
        }
        if let Some(unit) = reading.finished.take() {
            reader.get_mut().num_left = MAX_ROW_BYTES;
            each(row, unit)?;
        }
    }
}

/// What is read, up to so many bytes.
struct Budgeted {
    reader: Box<dyn BufRead>,
    num_left: usize,
}

impl Read for Budgeted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let num_bytes = self.fill_buf()?.read(buffer)?;
        self.consume(num_bytes);
        Ok(num_bytes)
    }
}

impl BufRead for Budgeted {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        let bytes = self.reader.fill_buf()?;
        if self.num_left == 0 && !bytes.is_empty() {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        Ok(&bytes[..bytes.len().min(self.num_left)])
    }

    fn consume(&mut self, num_bytes: usize) {
        self.num_left = self.num_left.saturating_sub(num_bytes);
        self.reader.consume(num_bytes);
    }
}

/// Where reading is.
#[derive(Default)]
struct Reading {
    is_tmx: bool,
    depth: usize,
    num_units: u64,
    unit: Option<Unit>,
    /// Depth of the unit's element.
    unit_depth: usize,
    language: Option<String>,
    /// Text of the segment, and the depth of its element.
    segment: Option<(String, usize)>,
    /// Depth of an element in the segment whose text is another system's code.
    code_depth: Option<usize>,
    fault: Option<String>,
    finished: Option<Result<Unit, (String, String)>>,
}

impl Reading {
    fn begin(&mut self, start: &BytesStart<'_>) {
        self.depth += 1;
        match start.local_name().as_ref() {
            "tmx" => self.is_tmx = true,
            "tu" if self.unit.is_none() => {
                self.unit = Some(Unit { id: attribute(start, &["tuid"]), ..Unit::default() });
                self.unit_depth = self.depth;
            }
            "tuv" if self.unit.is_some() => {
                let language = attribute(start, &["xml:lang", "lang"]);
                self.language = language.map(|name| {
                    let primary = name.split(['-', '_']).next().unwrap_or_default();
                    primary.to_ascii_lowercase()
                });
                if self.language.is_none() {
                    self.blame("expected xml:lang on each tuv, found none");
                }
            }
            "seg" if self.unit.is_some() => self.segment = Some((String::new(), self.depth)),
            "bpt" | "ept" | "it" | "ph" | "ut" if self.segment.is_some() && self.code_depth.is_none() => {
                self.code_depth = Some(self.depth);
            }
            _ => {}
        }
    }

    fn end(&mut self) {
        if self.code_depth == Some(self.depth) {
            self.code_depth = None;
        }
        if let Some((text, _)) = self.segment.take_if(|(_, depth)| *depth == self.depth) {
            self.finish_segment(&text);
        }
        if self.unit_depth == self.depth
            && let Some(unit) = self.unit.take()
        {
            self.num_units += 1;
            (self.language, self.segment) = (None, None);
            self.finished = Some(match self.fault.take() {
                None => Ok(unit),
                Some(fault) => Err((fault, unit.segments.into_values().collect::<Vec<_>>().join("\n"))),
            });
        }
        // A tag that closes nothing is refused by the reader before.
        self.depth = self.depth.saturating_sub(1);
    }

    fn finish_segment(&mut self, text: &str) {
        let (Some(unit), Some(language)) = (&mut self.unit, &self.language) else { return };
        if unit.segments.insert(language.clone(), text.trim().to_owned()).is_some() {
            let fault = format!("expected each language once, found {language:?} twice");
            self.blame(&fault);
        }
    }

    fn text(&mut self, text: &str) {
        if text.contains('\0') {
            self.blame("expected text, found a NUL byte");
        }
        if let (Some((segment, _)), None) = (&mut self.segment, self.code_depth) {
            segment.push_str(text);
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>) {
        let name: &str = reference;
        match (resolve_predefined_entity(name), reference.resolve_char_ref()) {
            (Some(text), _) => self.text(text),
            (None, Ok(Some(character))) => self.text(character.encode_utf8(&mut [0; 4])),
            _ => self.blame(&format!("expected text, found the entity &{name}; which is not expanded")),
        }
    }

    fn blame(&mut self, fault: &str) {
        if self.unit.is_some() {
            self.fault.get_or_insert_with(|| fault.to_owned());
        }
    }
}

fn attribute(start: &BytesStart<'_>, names: &[&str]) -> Option<String> {
    let attributes: Vec<_> = start.attributes().flatten().collect();
    let found = names.iter().find_map(|name| attributes.iter().find(|attribute| attribute.key.as_ref() == *name));
    found.map(|attribute| attribute.value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFiles;

    type Read = Vec<(u64, Result<Unit, (String, String)>)>;

    fn read(text: &[u8]) -> Result<Read> {
        let files = SourceFiles::embedded(&[("x.tmx", Box::leak(text.into()))]);
        let mut seen = Vec::new();
        tmx_units(files.get("x.tmx").unwrap(), |row, unit| {
            seen.push((row, unit));
            Ok(())
        })?;
        Ok(seen)
    }

    fn body(units: &str) -> String {
        format!("<?xml version=\"1.0\"?><tmx version=\"1.4\"><header/><body>{units}</body></tmx>")
    }

    fn segments(unit: &Unit) -> Vec<(&str, &str)> {
        unit.segments.iter().map(|(language, text)| (language.as_str(), text.as_str())).collect()
    }

    #[test]
    fn a_unit_has_a_text_in_each_language_without_codes() {
        let unit = "<tu tuid=\"a:1\"><prop>note</prop><tuv xml:lang=\"en-GB\">\n<seg>Fever &amp; cough &#233;</seg></tuv>\
                    <tuv lang=\"FR\"><seg>Fièvre <bpt i=\"1\">&lt;b></bpt><hi>et</hi><ept i=\"1\"/> <![CDATA[toux]]></seg></tuv></tu>";
        let found = read(body(unit).as_bytes()).unwrap();
        let Ok(unit) = &found[0].1 else { panic!("{found:?}") };
        assert_eq!((found.len(), unit.id.as_deref()), (1, Some("a:1")));
        assert_eq!(segments(unit), [("en", "Fever & cough é"), ("fr", "Fièvre et toux")]);
    }

    #[test]
    fn a_wrong_unit_is_one_row_and_the_others_are_read() {
        let unit = |text: &str| format!("<tu><tuv xml:lang=\"fr\"><seg>{text}</seg></tuv></tu>");
        let twice = "<tuv xml:lang=\"fr\"><seg>a</seg></tuv>".repeat(2);
        let units = [
            unit("&bomb;"),
            unit("a\0"),
            format!("<tu>{twice}</tu>"),
            "<tu><tuv><seg>a</seg></tuv></tu>".into(),
            unit("b"),
        ];
        let found = read(body(&units.concat()).as_bytes()).unwrap();
        let faults: Vec<&str> =
            found.iter().filter_map(|(_, unit)| unit.as_ref().err()).map(|(fault, _)| fault.as_str()).collect();
        assert!(faults[0].contains("found the entity &bomb;") && faults[1].contains("NUL"), "{faults:?}");
        assert!(faults[2].contains("\"fr\" twice") && faults[3].contains("xml:lang"), "{faults:?}");
        assert_eq!((found.len(), found[4].0), (5, 5));
    }

    #[test]
    fn bombs_and_cut_files_are_refused_with_the_unit() {
        let refusal = |text: &[u8]| read(text).unwrap_err().to_string();
        let laughs = "<!DOCTYPE tmx [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]>".to_owned() + &body("");
        assert!(refusal(laughs.as_bytes()).contains("found entities that are declared"));
        let good = "<tu><tuv xml:lang=\"fr\"><seg>a</seg></tuv></tu>";
        let deep = body(&format!("{good}<tu>{}", "<x>".repeat(100_000)));
        assert!(refusal(deep.as_bytes()).starts_with("x.tmx, row 2: expected TMX, found more than 64 elements"));
        let long = body(&format!("{good}<tu><tuv xml:lang=\"fr\"><seg>{}</seg></tuv></tu>", "a".repeat(MAX_ROW_BYTES)));
        assert!(refusal(long.as_bytes()).starts_with("x.tmx, row 2: expected TMX, found a unit of more than"));
        assert!(refusal(&long.as_bytes()[..200]).contains("x.tmx, row 2: expected TMX, found the end of the file"));
        assert!(refusal(b"<html></html>").contains("found no element tmx"));
        assert!(refusal("<tmx><tu><tuv xml:lang=\"fr\"><seg>d\u{e9}j".as_bytes()).contains("row 1"));
        assert!(refusal(b"<tmx><tu>\xe9</tu></tmx>").contains("row 1: expected TMX, found: "));
        assert!(refusal(b"").contains("found no element tmx"));
        // A name of a file that describes the format is only a name.
        assert!(read(format!("<!DOCTYPE tmx SYSTEM \"tmx14.dtd\">{}", body(good)).as_bytes()).is_ok());
        assert_eq!(read(body(&good.repeat(100_000)).as_bytes()).unwrap().len(), 100_000);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>, text in "(<tu>|</tu>|<tuv lang='fr'>|</tuv>|<seg>|</seg>|&a;|&#0;|<|>|é|<!--|]]>){0,30}") {
            let _ = read(&bytes);
            let _ = read(format!("<tmx>{text}").as_bytes());
        }
    }
}
