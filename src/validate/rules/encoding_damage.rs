//! Text that was decoded, stored or typed wrongly.

use unicode_normalization::char::is_combining_mark;

use crate::record::{Finding, Reason, Record, Severity};

/// One kind of damage: how bad it is, what it is called, and whether it stands at a place of a text.
struct Kind {
    severity: Severity,
    name: &'static str,
    find: fn(&[char], usize) -> bool,
}

const KINDS: &[Kind] = &[
    Kind { severity: Severity::Error, name: "replacement character", find: |text, at| text[at] == '\u{fffd}' },
    Kind { severity: Severity::Error, name: "UTF-8 read as another encoding", find: is_mojibake },
    Kind { severity: Severity::Error, name: "control character", find: is_control },
    Kind { severity: Severity::Warning, name: "decomposed accent", find: is_decomposed },
    Kind { severity: Severity::Warning, name: "question mark for a lost letter", find: is_lost_letter },
    Kind {
        severity: Severity::Warning, name: "ligature of print", find: |text, at| ('ﬀ'..='ﬆ').contains(&text[at])
    },
    Kind { severity: Severity::Warning, name: "invisible or private character", find: is_invisible },
];

/// At most one finding for each kind of damage in each field: an error where letters are lost or wrong, a warning where
/// they can be read.
///
/// No-break spaces, `œ`, Greek letters, `µ` and typographic quotes are correct.
pub(super) fn check(record: &Record) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (field, text) in record.text_fields() {
        if text.contains(is_suspicious) {
            let characters: Vec<char> = text.chars().collect();
            let places: Vec<usize> = (0..characters.len()).filter(|at| is_suspicious(characters[*at])).collect();
            findings.extend(KINDS.iter().filter_map(|kind| finding(kind, field, &characters, &places)));
        }
    }
    findings
}

/// Whether damage of some kind can begin with the character; correct French holds few of these.
fn is_suspicious(character: char) -> bool {
    match character {
        '\0'..='\u{7f}' => character == '?' || (character.is_control() && !matches!(character, '\n' | '\r' | '\t')),
        'Ã' | 'Â' | 'Î' | 'Ï' | 'Å' | 'â' | '\u{80}'..='\u{9f}' | '\u{ad}' => true,
        '\u{a0}'..='\u{2ff}' | '\u{2010}'..='\u{2027}' => false,
        _ => true,
    }
}

/// The finding of one kind of damage among the suspicious `places` of a text.
fn finding(kind: &Kind, field: &str, text: &[char], places: &[usize]) -> Option<Finding> {
    let mut places = places.iter().copied().filter(|at| (kind.find)(text, *at));
    let first = places.next()?;
    let around: String = text[first.saturating_sub(8)..text.len().min(first + 8)].iter().collect();
    let detail = format!(
        "expected none, found {} {} (U+{:04X}), first in {around:?}",
        1 + places.count(),
        kind.name,
        u32::from(text[first])
    );
    Some(Finding { reason: Reason::EncodingDamage, severity: kind.severity, field: field.to_owned(), detail })
}

/// The first byte of a two- or three-byte UTF-8 sequence, shown as Windows-1252 shows it, before a continuation byte.
fn is_mojibake(text: &[char], at: usize) -> bool {
    let Some(next) = text.get(at + 1).copied() else { return false };
    match text[at] {
        'Ã' | 'Â' | 'Î' | 'Ï' => {
            ('\u{80}'..='\u{bf}').contains(&next) || "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ".contains(next)
        }
        'Å' => next == '“' || next == '\u{93}' || next == '’',
        'â' => next == '€' || next == '\u{80}' || next == '‰',
        _ => false,
    }
}

fn is_control(text: &[char], at: usize) -> bool {
    text[at].is_control() && !matches!(text[at], '\n' | '\r' | '\t')
}

fn is_decomposed(text: &[char], at: usize) -> bool {
    is_combining_mark(text[at]) && at > 0 && unicode_normalization::char::compose(text[at - 1], text[at]).is_some()
}

fn is_lost_letter(text: &[char], at: usize) -> bool {
    let letter = |index: usize| text.get(index).is_some_and(|character| character.is_lowercase());
    text[at] == '?' && at > 0 && letter(at - 1) && letter(at + 1)
}

fn is_invisible(text: &[char], at: usize) -> bool {
    matches!(text[at], '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fffc}' | '\u{e000}'..='\u{f8ff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::open_record;

    fn severities(text: &str) -> Vec<Severity> {
        check(&open_record(text, "Oui")).into_iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn correct_french_typography_is_no_damage() {
        for text in [
            "L’œdème\u{a0}: «\u{202f}aigu\u{202f}»\u{202f}?",
            "Âge, Île, Ångström : 5 µg/mL – β ≥ α…",
            "Quel ?\n(A) Foie",
        ] {
            assert!(severities(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn lost_text_is_an_error() {
        for text in ["thÃ©rapie", "lâ€™os", "th\u{fffd}rapie", "th\u{0}rapie", "5 Âµg", "Å“dÃ¨me", "th\u{85}"]
        {
            assert_eq!(severities(text), [Severity::Error], "{text:?}");
        }
    }

    #[test]
    fn readable_damage_is_a_warning() {
        for text in ["the\u{301}rapie", "th?rapie", "ﬁbrose", "fi\u{ad}brose", "Colchimax\u{f8e8} ?"] {
            assert_eq!(severities(text), [Severity::Warning], "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_looked_at_without_panic(text in "\\PC*|[ÃÂâÅ?éa\u{301}]*") {
            check(&open_record(&text, &text));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_damage_stands_where_nothing_is_suspicious(text in "\\PC*|[ÃÂâÅe\u{301}?a\u{ad}ﬁœ’\u{80}\u{0}\u{feff}é]*") {
            let characters: Vec<char> = text.chars().collect();
            for at in 0..characters.len() {
                let is_damaged = KINDS.iter().any(|kind| (kind.find)(&characters, at));
                proptest::prop_assert!(!is_damaged || is_suspicious(characters[at]), "{at}");
            }
        }
    }
}
