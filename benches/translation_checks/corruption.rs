//! One defect at a time, put into a good translation where the row allows it.

use medinjection_fr::record::{ChoiceLabel, Original, Record, format_answer};
use medinjection_fr::text::fold;

use super::random::Random;

/// A kind of defect.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Corruption {
    ChoiceDropped,
    ChoicesSwapped,
    NumberChanged,
    UnitChanged,
    DecimalCommaLost,
    NegationDropped,
    SentenceTruncated,
    ChoiceInEnglish,
    FieldInEnglish,
    SentenceRepeated,
    ChatterAdded,
    GoldShifted,
    ChoicesMadeEqual,
}

/// Units of one dimension: one is put for another.
const DIMENSIONS: &[&[&str]] = &[
    &["ng", "µg", "mg", "g", "kg"],
    &["µL", "mL", "ml", "dL", "L"],
    &["nm", "µm", "mm", "cm", "m", "km"],
    &["µmol", "mmol", "mol"],
    &["secondes", "minutes", "heures", "jours", "semaines", "mois", "ans"],
    &["seconde", "minute", "heure", "jour", "semaine", "mois", "an"],
    &["mmHg", "kPa"],
    &["°C", "°F"],
];

/// What a model says before a translation, and after it.
const CHATTER: &[(&str, &str)] = &[
    ("Voici la traduction en français :\n", ""),
    ("Voici la traduction : ", ""),
    ("Traduction : ", ""),
    ("Bien sûr ! Voici la question traduite :\n\n", ""),
    ("Here is the French translation:\n", ""),
    ("Sure! Here's the translation: ", ""),
    ("Français : ", ""),
    ("", "\n\nNote : j'ai conservé les termes techniques."),
    ("", " (Note du traducteur : terme conservé.)"),
    ("", "\nN'hésitez pas à me demander d'autres traductions."),
    ("Certainement, voici le texte traduit : ", ""),
    ("Note : la traduction suivante est littérale. ", ""),
];

impl Corruption {
    pub(crate) const ALL: [Self; 13] = [
        Self::ChoiceDropped,
        Self::ChoicesSwapped,
        Self::NumberChanged,
        Self::UnitChanged,
        Self::DecimalCommaLost,
        Self::NegationDropped,
        Self::SentenceTruncated,
        Self::ChoiceInEnglish,
        Self::FieldInEnglish,
        Self::SentenceRepeated,
        Self::ChatterAdded,
        Self::GoldShifted,
        Self::ChoicesMadeEqual,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ChoiceDropped => "choice_dropped",
            Self::ChoicesSwapped => "choices_swapped",
            Self::NumberChanged => "number_changed",
            Self::UnitChanged => "unit_changed",
            Self::DecimalCommaLost => "decimal_comma_lost",
            Self::NegationDropped => "negation_dropped",
            Self::SentenceTruncated => "sentence_truncated",
            Self::ChoiceInEnglish => "choice_in_english",
            Self::FieldInEnglish => "field_in_english",
            Self::SentenceRepeated => "sentence_repeated",
            Self::ChatterAdded => "chatter_added",
            Self::GoldShifted => "gold_shifted",
            Self::ChoicesMadeEqual => "choices_made_equal",
        }
    }

    /// The record with the defect; `None` where the row does not allow it.
    pub(crate) fn seed(self, record: &Record, original: &Original, random: &mut Random) -> Option<Record> {
        let mut record = record.clone();
        match self {
            Self::ChoiceDropped => choice_dropped(&mut record, random)?,
            Self::ChoicesSwapped => {
                let (left, right) = distinct_choices(&record, original, random)?;
                let text = record.choices[left].text.clone();
                record.choices[left].text = std::mem::replace(&mut record.choices[right].text, text);
            }
            Self::ChoicesMadeEqual => {
                let (left, right) = distinct_choices(&record, original, random)?;
                let text = record.choices[right].text.clone();
                record.choices[left].text = text;
            }
            Self::NumberChanged => in_some_field(&mut record, random, number_changed)?,
            Self::UnitChanged => in_some_field(&mut record, random, unit_changed)?,
            Self::DecimalCommaLost => in_some_field(&mut record, random, decimal_comma_lost)?,
            Self::NegationDropped => negation_dropped(&mut record, original, random)?,
            Self::SentenceTruncated => in_some_field(&mut record, random, sentence_truncated)?,
            Self::SentenceRepeated => in_some_field(&mut record, random, sentence_repeated)?,
            Self::ChatterAdded => in_some_field(&mut record, random, |text, random| {
                let (before, after) = random.choose(CHATTER)?;
                Some(format!("{before}{text}{after}"))
            })?,
            Self::ChoiceInEnglish => {
                let translated =
                    |index: &usize| fold(&record.choices[*index].text) != fold(&original.choices[*index].text);
                let indices: Vec<usize> = (0..record.choices.len()).filter(translated).collect();
                let index = *random.choose(&indices)?;
                record.choices[index].text.clone_from(&original.choices[index].text);
            }
            Self::FieldInEnglish => {
                if fold(&record.instruction) == fold(&original.question) {
                    return None;
                }
                record.instruction.clone_from(&original.question);
            }
            Self::GoldShifted => {
                let next = (record.answer_labels.first()?.index() + 1) % record.choices.len();
                record.answer_labels = vec![ChoiceLabel::from_index(next)?];
                record.answer = format_answer(&record.answer_labels);
            }
        }
        Some(record)
    }
}

fn choice_dropped(record: &mut Record, random: &mut Random) -> Option<()> {
    if record.choices.len() < 2 {
        return None;
    }
    record.choices.remove(random.below(record.choices.len()));
    for (index, choice) in record.choices.iter_mut().enumerate() {
        choice.label = ChoiceLabel::from_index(index)?;
    }
    Some(())
}

/// Two choices that differ in both languages.
fn distinct_choices(record: &Record, original: &Original, random: &mut Random) -> Option<(usize, usize)> {
    let n = record.choices.len();
    let differ = |left: usize, right: usize| {
        fold(&record.choices[left].text) != fold(&record.choices[right].text)
            && fold(&original.choices[left].text) != fold(&original.choices[right].text)
    };
    let pairs: Vec<(usize, usize)> = (0..n)
        .flat_map(|left| (left + 1..n).map(move |right| (left, right)))
        .filter(|(left, right)| differ(*left, *right))
        .collect();
    random.choose(&pairs).copied()
}

/// Changes one of the texts for which `change` has something to change.
fn in_some_field(
    record: &mut Record,
    random: &mut Random,
    change: impl Fn(&str, &mut Random) -> Option<String>,
) -> Option<()> {
    let mut texts = vec![&mut record.instruction];
    texts.extend(record.choices.iter_mut().map(|choice| &mut choice.text));
    let changed: Vec<(usize, String)> =
        texts.iter().enumerate().filter_map(|(index, text)| Some((index, change(text, random)?))).collect();
    let (index, text) = random.choose(&changed)?.clone();
    *texts[index] = text;
    Some(())
}

/// Places of the runs of digits.
fn numbers(text: &str) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in text.char_indices().filter(|(_, letter)| letter.is_ascii_digit()) {
        match runs.last_mut() {
            Some((_, end)) if *end == at => *end = at + 1,
            _ => runs.push((at, at + 1)),
        }
    }
    runs
}

/// One digit becomes another.
fn number_changed(text: &str, random: &mut Random) -> Option<String> {
    let (begin, end) = *random.choose(&numbers(text))?;
    let at = begin + random.below(end - begin);
    let old = text.as_bytes()[at] - b'0';
    let new = (old + 1 + u8::try_from(random.below(8)).ok()?) % 10;
    Some(format!("{}{new}{}", &text[..at], &text[at + 1..]))
}

fn unit_changed(text: &str, random: &mut Random) -> Option<String> {
    let mut places = Vec::new();
    for (_, end) in numbers(text) {
        let rest = text[end..].trim_start_matches([' ', '\u{a0}', '\u{202f}']);
        let begin = text.len() - rest.len();
        let length = rest
            .char_indices()
            .find(|(_, letter)| !(letter.is_alphabetic() || *letter == '°'))
            .map_or(rest.len(), |(at, _)| at);
        for (dimension, units) in DIMENSIONS.iter().enumerate() {
            if units.contains(&&rest[..length]) {
                places.push((begin, length, dimension));
            }
        }
    }
    let (begin, length, dimension) = *random.choose(&places)?;
    let old = &text[begin..begin + length];
    let others: Vec<&str> =
        DIMENSIONS[dimension].iter().copied().filter(|unit| !unit.eq_ignore_ascii_case(old)).collect();
    Some(format!("{}{}{}", &text[..begin], random.choose(&others)?, &text[begin + length..]))
}

/// `3,5` becomes `35`.
fn decimal_comma_lost(text: &str, random: &mut Random) -> Option<String> {
    let runs = numbers(text);
    let decimal = |pair: &&[(usize, usize)]| pair[0].1 + 1 == pair[1].0 && text.as_bytes()[pair[0].1] == b',';
    let commas: Vec<usize> = runs.windows(2).filter(decimal).map(|pair| pair[0].1).collect();
    let comma = *random.choose(&commas)?;
    Some(format!("{}{}", &text[..comma], &text[comma + 1..]))
}

/// English words of which one must stand in the field.
const ENGLISH_NEGATIONS: &[&str] =
    &["not", "no", "without", "except", "never", "cannot", "none", "neither", "least", "n't"];

/// French words that are taken out where they stand alone.
const FRENCH_NEGATIONS: &[&str] = &["sans", "sauf", "jamais", "non", "moins", "hormis", "excepté", "aucun", "aucune"];

/// A negation of a field whose original has one is taken out: `ne … pas`, `à l'exception de`, or a word alone.
fn negation_dropped(record: &mut Record, original: &Original, random: &mut Random) -> Option<()> {
    let negated = |text: &str| {
        let lower = text.to_lowercase().replace('’', "'");
        let mut words = lower.split(|letter: char| !(letter.is_alphabetic() || letter == '\''));
        words.any(|word| ENGLISH_NEGATIONS.contains(&word) || word.ends_with("n't")) && !lower.contains("at least")
    };
    let mut originals = vec![original.question.as_str()];
    originals.extend(original.choices.iter().map(|choice| choice.text.as_str()));
    let mut texts = vec![&mut record.instruction];
    texts.extend(record.choices.iter_mut().map(|choice| &mut choice.text));
    let changed: Vec<(usize, String)> = originals
        .iter()
        .zip(&texts)
        .enumerate()
        .filter(|(_, (original, _))| negated(original))
        .filter_map(|(index, (_, text))| Some((index, without_negation(text, random)?)))
        .collect();
    let (index, text) = random.choose(&changed)?.clone();
    *texts[index] = text;
    Some(())
}

fn without_negation(text: &str, random: &mut Random) -> Option<String> {
    let words: Vec<&str> = text.split(' ').collect();
    let bare = |word: &str| word.trim_matches(|letter: char| !letter.is_alphabetic()).to_lowercase();
    let elided = |word: &str| word.to_lowercase().starts_with("n'") || word.to_lowercase().starts_with("n’");
    let mut results = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if bare(word) == "ne" || elided(word) {
            let second = (at + 1..words.len().min(at + 8)).find(|next| {
                matches!(bare(words[*next]).as_str(), "pas" | "jamais" | "plus" | "aucun" | "aucune" | "rien")
            });
            if let Some(second) = second {
                let mut kept: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
                kept.remove(second);
                if elided(word) {
                    kept[at] = word.chars().skip(2).collect();
                } else {
                    kept.remove(at);
                }
                results.push(kept.join(" "));
            }
        } else if FRENCH_NEGATIONS.contains(&bare(word).as_str()) && !is_second_half(&words[..at], bare(word).as_str())
        {
            let mut kept = words.clone();
            kept.remove(at);
            results.push(kept.join(" "));
        } else if bare(word) == "l'exception" || bare(word) == "l’exception" {
            // `à l'exception de` goes whole.
            let mut kept = words.clone();
            let begin = if at > 0 && bare(words[at - 1]) == "à" { at - 1 } else { at };
            let end = (at + 2).min(kept.len());
            kept.drain(begin..end);
            results.push(kept.join(" "));
        }
    }
    random.choose(&results).cloned()
}

/// Whether a word after `before` belongs to a `ne`, with which it goes, or makes `au moins`, which negates nothing.
fn is_second_half(before: &[&str], word: &str) -> bool {
    let near = before.iter().rev().take(8).map(|word| word.to_lowercase());
    let negated = near.into_iter().any(|word| word == "ne" || word.starts_with("n'") || word.starts_with("n’"));
    let at_least = word == "moins" && before.last().is_some_and(|last| last.eq_ignore_ascii_case("au"));
    at_least || negated && matches!(word, "jamais" | "aucun" | "aucune")
}

/// A text of eight words or more keeps its first 40 to 75 %.
fn sentence_truncated(text: &str, random: &mut Random) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    (words.len() >= 8).then(|| words[..words.len() * (40 + random.below(36)) / 100].join(" "))
}

/// A sentence of four words or more stands again after itself, or after the text.
fn sentence_repeated(text: &str, random: &mut Random) -> Option<String> {
    let sentences: Vec<&str> = text.split_inclusive(['.', '?', '!']).collect();
    let long: Vec<usize> = (0..sentences.len()).filter(|at| sentences[*at].split_whitespace().count() >= 4).collect();
    let at = *random.choose(&long)?;
    let mut repeated = sentences.clone();
    let after = if random.below(2) == 0 { at + 1 } else { sentences.len() };
    repeated.insert(after, sentences[at]);
    let trimmed: Vec<&str> = repeated.iter().map(|sentence| sentence.trim()).collect();
    Some(trimmed.join(" "))
}
