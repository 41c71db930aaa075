//! A translation that ends before its original does.

use super::Pair;
use super::lexicon::similarity;
use super::pair::Field;
use super::words::{Word, Words};
use crate::record::{Finding, Reason};

/// Words that the original has at least.
const MIN_WORDS: usize = 5;

/// Evidence, in nats, from which a text is taken for cut, and from which it may be.
const CERTAIN: f32 = 1.4;
const SUSPECT: f32 = -0.5;

/// Logarithm of the usual length of French for one of English.
const USUAL_RATIO: f32 = 0.14;

/// An error where length, last words and last sign together say that the end is missing, a warning where they nearly do.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for field in &pair.fields {
        if field.english.len() < MIN_WORDS {
            continue;
        }
        let evidence = evidence(field);
        if evidence < SUSPECT {
            continue;
        }
        let end = |text: &str| text.chars().skip(text.chars().count().saturating_sub(40)).collect::<String>();
        let (expected, found) = (end(field.english_text), end(field.french_text));
        let detail =
            format!("expected a translation up to {expected:?}, found the end {found:?} (evidence {evidence:.1})");
        let finding = if evidence >= CERTAIN { Finding::error } else { Finding::warning };
        findings.push(finding(Reason::Truncated, field.name.clone(), detail));
    }
    findings
}

/// Log-odds that the end is missing: a logistic regression on the rows from which the lexicon was learned, cut and whole.
#[expect(clippy::cast_precision_loss, reason = "texts are far shorter than 2^23 letters")]
fn evidence(field: &Field<'_>) -> f32 {
    let (english, french) = (field.english.folded().len() as f32, field.french.folded().len() as f32);
    let shortfall = USUAL_RATIO - (french.max(1.0) / english).ln();
    let length = (english / 60.0).ln();
    let by_length = 10.9 * shortfall + 8.9 * shortfall * length + 6.0 * (shortfall - 0.2).max(0.0) - 1.2 * length;
    let (english_open, french_open) = (ends_open(&field.english, ENGLISH_OPEN), ends_open(&field.french, FRENCH_OPEN));
    // A question that its choices complete has a colon or none: `A fibre relaxes when:`.
    let english_ends =
        ends_sentence(field.english_text) && !(english_open && field.english_text.trim_end().ends_with(':'));
    let by_sign = match (english_ends, ends_sentence(field.french_text)) {
        (true, false) => 4.0,
        (true, true) => -4.7,
        (false, true) => -2.1,
        (false, false) => 0.0,
    };
    let by_last_word = if french_open && !english_open { 2.5 } else { 0.0 };
    let evidence = -2.8 + by_length + by_sign + by_last_word;
    let num_content = field.english.words().iter().filter(|word| is_content(word)).count();
    let most_by_words = (0.18 * num_content.min(20) as f32 - 1.9).max(0.0);
    if evidence + most_by_words < SUSPECT {
        return evidence;
    }
    evidence + by_words(field)
}

/// Whether the text ends with a mark that ends a sentence.
fn ends_sentence(text: &str) -> bool {
    let text = text.trim_end_matches([' ', '"', '\u{a0}', '»', '”', ')', '_', '\n']);
    text.ends_with(['.', '?', '!', ':', ';', '…'])
}

/// Whether the last word is one that another must follow.
fn ends_open(words: &Words, open: &[&str]) -> bool {
    words.words().last().is_some_and(|word| open.contains(&words.text(*word)))
}

/// Whether a word has a meaning of its own, by its length.
fn is_content(word: &Word) -> bool {
    word.len() > 3
}

/// Whether the words of the original's last quarter are translated, and whether the others are.
#[expect(clippy::cast_precision_loss, reason = "texts are far shorter than 2^23 words")]
fn by_words(field: &Field<'_>) -> f32 {
    let content: Vec<&Word> = field.english.words().iter().filter(|word| is_content(word)).collect();
    let (rest, last) = content.split_at(content.len() - (content.len() / 4).clamp(1, 6).min(content.len()));
    let translated = |word: &&Word| {
        let best = field.french.words().iter().map(|other| similarity(word, other)).fold(0.0, f32::max);
        2.0 * best.min(0.5)
    };
    let share = |part: &[&Word]| part.iter().map(translated).sum::<f32>() / part.len().max(1) as f32;
    let (rest, last) = (share(rest), share(last));
    let few = if content.len() < 4 { -1.2 } else { 0.0 };
    (1.7 + 0.18 * content.len().min(20) as f32) * (rest - last) - 3.6 * rest + few
}

/// Words after which a French text is not at its end.
const FRENCH_OPEN: &[&str] = &[
    "le",
    "la",
    "les",
    "l",
    "un",
    "une",
    "des",
    "de",
    "du",
    "d",
    "et",
    "ou",
    "a",
    "au",
    "aux",
    "en",
    "dans",
    "par",
    "pour",
    "sur",
    "avec",
    "qui",
    "que",
    "qu",
    "dont",
    "est",
    "sont",
    "ne",
    "n",
    "se",
    "s",
    "ce",
    "cette",
    "ces",
    "son",
    "sa",
    "ses",
    "leur",
    "leurs",
    "plus",
    "moins",
    "il",
    "elle",
    "ils",
    "elles",
    "on",
    "sans",
    "entre",
    "lors",
    "comme",
    "si",
    "mais",
    "vers",
    "chez",
    "sous",
    "tres",
    "peut",
    "peuvent",
    "etre",
    "ont",
    "a",
    "pas",
    "lequel",
    "laquelle",
    "lesquels",
    "lesquelles",
    "quel",
    "quelle",
    "quels",
    "quelles",
    "parmi",
    "y",
    "c",
    "j",
    "m",
    "t",
    "votre",
    "vos",
    "notre",
    "nos",
    "afin",
    "lorsque",
    "lorsqu",
    "puis",
    "ainsi",
    "doit",
    "doivent",
    "etait",
    "soit",
    "tout",
    "tous",
    "toute",
    "toutes",
];

/// English words after which a text is not at its end, unless its translation is no more.
const ENGLISH_OPEN: &[&str] = &[
    "the", "a", "an", "of", "to", "in", "is", "are", "by", "for", "with", "that", "which", "at", "on", "from", "as",
    "and", "or", "be", "was", "were", "than", "into", "their", "his", "her", "its", "has", "have", "had", "can",
    "will", "would", "should", "may", "who", "when", "because", "if", "called", "not", "it", "they", "he", "she",
    "you", "your", "been", "most", "more", "except", "but", "this", "these", "about", "must", "might", "could", "do",
    "does", "did", "where", "while", "through", "between", "during", "after", "before",
];

#[cfg(test)]
mod tests {
    use super::super::fixture::findings;
    use super::*;

    #[test]
    fn a_question_that_its_choices_complete_is_whole() {
        let (english, french) = ("A muscle fibre relaxes when:", "Une fibre musculaire se détend lorsque");
        assert_eq!(findings(check, (english, &[]), (french, &[])), Vec::<String>::new());
    }

    #[test]
    fn a_cut_question_is_an_error_and_a_whole_one_is_none() {
        let english = "A patient presents with fever and cough. Which of the following drugs should be given first?";
        let whole = "Un patient se présente avec de la fièvre et de la toux. Lequel des médicaments suivants faut-il donner d'abord ?";
        let cut = "Un patient se présente avec de la fièvre et de la toux. Lequel des";
        assert_eq!(findings(check, (english, &[]), (whole, &[])), Vec::<String>::new());
        assert_eq!(findings(check, (english, &[]), (cut, &[])).len(), 1);
    }
}
