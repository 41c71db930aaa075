//! Marks of French and of English that short medical texts bear: function words, elisions, word endings and diacritics.

/// Words that are French and not English (accents kept). Words of both (`a`, `or`, `on`, `son`, `pour`, `main`) are in neither list.
const FRENCH_WORDS: &[&str] = &[
    "au",
    "aucun",
    "aucune",
    "autre",
    "autres",
    "aux",
    "avec",
    "ce",
    "celle",
    "celles",
    "celui",
    "ces",
    "cet",
    "cette",
    "ceux",
    "chez",
    "comme",
    "comment",
    "contre",
    "dans",
    "de",
    "depuis",
    "des",
    "donc",
    "dont",
    "du",
    "elle",
    "elles",
    "en",
    "entre",
    "est",
    "et",
    "il",
    "ils",
    "la",
    "laquelle",
    "le",
    "lequel",
    "les",
    "lesquelles",
    "lesquels",
    "leur",
    "leurs",
    "lors",
    "mais",
    "ne",
    "ni",
    "notre",
    "nous",
    "ou",
    "où",
    "par",
    "parmi",
    "pas",
    "pendant",
    "peu",
    "peut",
    "peuvent",
    "quand",
    "que",
    "quel",
    "quelle",
    "quelles",
    "quels",
    "qui",
    "quoi",
    "sans",
    "se",
    "selon",
    "sera",
    "ses",
    "seul",
    "seule",
    "si",
    "sont",
    "sous",
    "sur",
    "toujours",
    "tous",
    "tout",
    "toute",
    "toutes",
    "très",
    "un",
    "une",
    "vers",
    "vous",
    "y",
    "à",
    "été",
    "être",
];

/// Words that are English and not French.
const ENGLISH_WORDS: &[&str] = &[
    "about",
    "according",
    "after",
    "all",
    "also",
    "always",
    "an",
    "and",
    "any",
    "appear",
    "appears",
    "are",
    "as",
    "at",
    "be",
    "because",
    "been",
    "before",
    "being",
    "best",
    "between",
    "both",
    "but",
    "by",
    "can",
    "could",
    "describe",
    "describes",
    "did",
    "do",
    "does",
    "down",
    "due",
    "during",
    "each",
    "either",
    "following",
    "for",
    "from",
    "had",
    "has",
    "have",
    "he",
    "her",
    "high",
    "his",
    "how",
    "if",
    "in",
    "increased",
    "into",
    "is",
    "it",
    "its",
    "kind",
    "known",
    "less",
    "likely",
    "lower",
    "many",
    "may",
    "more",
    "most",
    "much",
    "must",
    "neither",
    "never",
    "no",
    "none",
    "not",
    "occur",
    "occurs",
    "of",
    "off",
    "often",
    "one",
    "only",
    "or",
    "other",
    "our",
    "out",
    "over",
    "people",
    "refer",
    "refers",
    "she",
    "should",
    "since",
    "so",
    "some",
    "such",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "through",
    "to",
    "under",
    "up",
    "very",
    "was",
    "we",
    "well",
    "were",
    "what",
    "when",
    "where",
    "which",
    "while",
    "who",
    "whose",
    "why",
    "will",
    "with",
    "within",
    "without",
    "would",
    "you",
    "your",
];

/// Words of the lists that other languages have too: they tell French from English, but not from Spanish or Dutch.
const SHARED_WORDS: &[&str] = &[
    "all", "an", "as", "at", "de", "des", "du", "en", "he", "how", "in", "is", "it", "la", "le", "les", "may", "ne",
    "ni", "no", "of", "or", "ou", "par", "que", "se", "si", "to", "tous", "un", "we", "y",
];

/// What precedes an apostrophe in French.
const ELISIONS: &[&str] = &["c", "d", "j", "l", "m", "n", "qu", "s", "t", "jusqu", "lorsqu", "puisqu", "aujourd"];

/// Endings of French words of six letters and more that English words do not have.
const FRENCH_ENDINGS: &[&str] = &[
    "aire", "aires", "ement", "euse", "euses", "eux", "elle", "elles", "ique", "iques", "isme", "ismes", "ite", "ites",
    "ie", "eur", "eurs", "oire", "oires", "ance", "tre", "atif", "ogène", "ènes", "ase", "ée", "ées", "és", "ité",
];

/// Endings of English words of six letters and more that French words do not have.
const ENGLISH_ENDINGS: &[&str] = &[
    "ing", "ness", "ally", "ly", "ical", "ic", "ism", "ity", "ary", "ory", "ous", "ency", "ancy", "itis", "phy", "gy",
    "hood", "ship", "ful", "less", "ed", "ght", "sh", "wth",
];

/// Letters that French has and English has not.
const FRENCH_LETTERS: &str = "éèêëàâçùûîïôœ";

const WORD_LOG_ODDS: f64 = 1.6;
const ELISION_LOG_ODDS: f64 = 2.0;
const ENDING_LOG_ODDS: f64 = 0.9;
const LETTER_LOG_ODDS: f64 = 1.4;

/// Whether `word`, in lower case, is in the French list.
pub(super) fn is_french_function_word(word: &str) -> bool {
    FRENCH_WORDS.binary_search(&word).is_ok()
}

/// Marks of French and of English counted in one text.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Evidence {
    french: f64,
    english: f64,
    num_function_words: usize,
    num_words: usize,
}

impl Evidence {
    /// Counts the marks in `text`.
    pub(super) fn of(text: &str) -> Self {
        let lower = text.to_lowercase().replace('’', "'");
        let mut evidence = Self::default();
        for word in lower.split(|character: char| !character.is_alphabetic() && character != '\'') {
            evidence.add(word.trim_matches('\''));
        }
        evidence
    }

    /// Natural logarithm of the odds of French against English.
    pub(super) fn log_odds(&self) -> f64 {
        self.french - self.english
    }

    /// Whether so many of the words are function words of French or English alone that it is no third language.
    pub(super) fn is_strong(&self) -> bool {
        self.num_function_words >= 2 && self.num_function_words * 6 >= self.num_words
    }

    fn add(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        self.num_words += 1;
        if let Some((before, after)) = word.split_once('\'') {
            if ELISIONS.contains(&before) {
                self.french += ELISION_LOG_ODDS;
                self.num_function_words += 1;
            }
            return self.add_plain(after);
        }
        self.add_plain(word);
    }

    fn add_plain(&mut self, word: &str) {
        if is_french_function_word(word) {
            self.french += WORD_LOG_ODDS;
            self.num_function_words += usize::from(!SHARED_WORDS.contains(&word));
        } else if ENGLISH_WORDS.binary_search(&word).is_ok() {
            self.english += WORD_LOG_ODDS;
            self.num_function_words += usize::from(!SHARED_WORDS.contains(&word));
        } else if word.chars().any(|character| FRENCH_LETTERS.contains(character)) {
            self.french += LETTER_LOG_ODDS;
        } else if word.chars().count() >= 6 {
            let ends = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
            match (ends(FRENCH_ENDINGS), ends(ENGLISH_ENDINGS)) {
                (true, false) => self.french += ENDING_LOG_ODDS,
                (false, true) => self.english += ENDING_LOG_ODDS,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_lists_are_sorted_and_disjoint() {
        for words in [FRENCH_WORDS, ENGLISH_WORDS] {
            assert!(words.is_sorted(), "{words:?}");
        }
        assert!(FRENCH_WORDS.iter().all(|word| !ENGLISH_WORDS.contains(word)));
    }
}
