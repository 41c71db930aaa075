//! Labels out of what a model wrote.

use super::LabelSet;
use crate::record::ChoiceLabel;
use crate::text::fold;

/// The labels that an answer names; empty where it names none, or where one cannot tell.
///
/// The first rule that finds a label decides:
/// 1. the text is nothing but labels (`B`, `a, c`, `A et C`, `(B).`), or capital labels run together (`ACE`);
/// 2. after the last "réponse", "réponses", "answer" or "answers" that a label follows: the first list of labels
///    (`La bonne réponse est B, car…`);
/// 3. the labels that begin a line, followed by a bracket, a full stop or a colon (`A) … ⏎ C) …`);
/// 4. the only list of labels in the text (`Je choisis B et D`).
///
/// A list is labels between which stand only separators, `et`, `and` or `&`. Outside rule 1 a label is a capital letter,
/// or any letter in brackets, that stands alone: neither `l'A`, `B12` nor the verb `a` is one.
///
/// ```
/// assert_eq!(medinjection_fr::metrics::parse_labels("Réponse : A et C, car…").to_string(), "A, C");
/// ```
#[must_use]
pub fn parse_labels(text: &str) -> LabelSet {
    let tokens = tokens(text);
    bare_labels(&tokens)
        .or_else(|| after_marker(&tokens))
        .or_else(|| line_starts(text))
        .or_else(|| match lists(&tokens).as_slice() {
            [only] => Some(*only),
            _ => None,
        })
        .unwrap_or_default()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'text> {
    /// A letter that stands alone, and whether it can be taken for a label inside a sentence.
    Letter(ChoiceLabel, bool),
    /// Any other word.
    Word(&'text str),
}

/// Words of `text`; what stands between them is dropped, except that an apostrophe ties a letter to the next word.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut start = None;
    let ends = text.char_indices().chain(std::iter::once((text.len(), ' ')));
    for (index, character) in ends {
        let inside = character.is_alphanumeric() || matches!(character, '\'' | '’' | '_');
        match (inside, start) {
            (true, None) => start = Some(index),
            (false, Some(begin)) => {
                tokens.push(token(text, begin, index));
                start = None;
            }
            _ => {}
        }
    }
    tokens
}

fn token(text: &str, begin: usize, end: usize) -> Token<'_> {
    let word = &text[begin..end];
    let in_brackets = text[..begin].ends_with(['(', '[', '*']) && text[end..].starts_with([')', ']', '*']);
    let is_capital = word.starts_with(|letter: char| letter.is_ascii_uppercase());
    word.parse().map_or(Token::Word(word), |label| Token::Letter(label, is_capital || in_brackets))
}

fn is_link(word: &str) -> bool {
    matches!(word, "et" | "and" | "ET" | "AND")
}

/// Rule 1.
fn bare_labels(tokens: &[Token<'_>]) -> Option<LabelSet> {
    if let [Token::Word(word)] = tokens {
        let labels: Option<Vec<ChoiceLabel>> =
            word.chars().map(|letter| ChoiceLabel::try_from(letter).ok().filter(|_| letter.is_uppercase())).collect();
        let labels = labels?;
        let set: LabelSet = labels.iter().copied().collect();
        // A word with a letter twice, or with letters that no question offers, is a word.
        let is_run = set.len() as usize == labels.len() && labels.iter().all(|label| label.index() < MAX_RUN_LABELS);
        return is_run.then_some(set);
    }
    let mut set = Vec::new();
    for token in tokens {
        match token {
            Token::Letter(label, _) => set.push(*label),
            Token::Word(word) if is_link(word) => {}
            Token::Word(_) => return None,
        }
    }
    (!set.is_empty()).then(|| set.into_iter().collect())
}

/// Labels that a run of capitals can hold, `A` to `J`: the largest number of choices of the known benchmarks.
const MAX_RUN_LABELS: usize = 10;

/// Rule 2.
fn after_marker(tokens: &[Token<'_>]) -> Option<LabelSet> {
    let is_marker = |token: &Token<'_>| match token {
        Token::Word(word) => matches!(fold(word).as_str(), "reponse" | "reponses" | "answer" | "answers"),
        Token::Letter(..) => false,
    };
    let mut markers = (0..tokens.len()).rev().filter(|index| is_marker(&tokens[*index]));
    markers.find_map(|index| lists(&tokens[index..]).first().copied())
}

/// Rule 3.
fn line_starts(text: &str) -> Option<LabelSet> {
    let label = |line: &str| {
        let line = line.trim_start_matches([' ', '\t', '-', '*', '(', '[', '•']);
        let letter = line.chars().next().filter(char::is_ascii_uppercase)?;
        let followed = line[1..].trim_start().starts_with([')', ']', '.', ':']);
        followed.then(|| ChoiceLabel::try_from(letter).ok()).flatten()
    };
    let set: LabelSet = text.lines().filter_map(label).collect();
    (!set.is_empty()).then_some(set)
}

/// Every list of labels, in the order of the text.
fn lists(tokens: &[Token<'_>]) -> Vec<LabelSet> {
    let mut lists = Vec::new();
    let mut open = LabelSet::default();
    for token in tokens {
        match token {
            Token::Letter(label, true) => open = open.union(std::iter::once(*label).collect()),
            Token::Word(word) if is_link(word) => {}
            _ if !open.is_empty() => lists.push(std::mem::take(&mut open)),
            _ => {}
        }
    }
    if !open.is_empty() {
        lists.push(open);
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_models_write_is_read() {
        let read = [
            ("B", "B"),
            (" b ", "B"),
            ("(B).", "B"),
            ("**C**", "C"),
            ("A, C, E", "A, C, E"),
            ("e;a / c", "A, C, E"),
            ("A et C", "A, C"),
            ("ACE", "A, C, E"),
            ("Réponse : B", "B"),
            ("Re\u{301}ponse\u{a0}: (d)", "D"),
            ("La bonne réponse est B, car la vitamine B12 manque.", "B"),
            ("Les réponses sont A, B et D.", "A, B, D"),
            ("A. Furosémide", "A"),
            ("A) Furosémide\nC) Digoxine", "A, C"),
            ("Je choisis B et D", "B, D"),
            ("Réponse attendue ? Le choix (A) est tentant. Réponse : E", "E"),
        ];
        for (text, expected) in read {
            assert_eq!(parse_labels(text).to_string(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_names_no_label_is_empty() {
        let empty =
            ["", " ", "Je ne sais pas.", "Il y a une erreur", "D'abord l'anamnèse", "OUI", "1", "é", "\u{fffd}"];
        for text in empty.into_iter().chain(["A mon avis, B", "BONNE"]) {
            assert_eq!(parse_labels(text), LabelSet::default(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            let _ = parse_labels(&text);
        }

        #[test]
        fn canonical_answers_are_read_back(indices in proptest::collection::btree_set(0_usize..26, 1..8)) {
            let set: LabelSet = indices.into_iter().filter_map(ChoiceLabel::from_index).collect();
            proptest::prop_assert_eq!(parse_labels(&set.to_string()), set);
        }
    }
}
