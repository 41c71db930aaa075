//! BLEU: n-gram precision of a text against one reference, up to four words, with a penalty for being shorter.
//!
//! Equal to sacreBLEU's `BLEU(tokenize="13a", smooth_method="exp")`, case kept; of a sentence with `effective_order`. In
//! [0, 100], as it is reported everywhere. Several references a text are refused by the types.

use super::ngrams::{Overlap, is_space, share};

/// Longest n-gram.
const MAX_ORDER: usize = 4;

/// What BLEU counts in one text, or in many: scores of many are made of summed counts, not of scores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BleuCounts([Overlap; MAX_ORDER]);

impl BleuCounts {
    /// Counts in a text and its reference.
    #[must_use]
    pub fn of(hypothesis: &str, reference: &str) -> Self {
        let (hypothesis, reference) = (tokenized(hypothesis), tokenized(reference));
        let (hypothesis, reference) = (words(&hypothesis), words(&reference));
        Self(std::array::from_fn(|index| Overlap::of(&hypothesis, &reference, index + 1)))
    }

    /// Adds the counts of other texts.
    pub fn add(&mut self, other: &Self) {
        for (overlap, other) in self.0.iter_mut().zip(other.0) {
            overlap.add(other);
        }
    }

    /// BLEU of everything that was counted, as of one corpus.
    ///
    /// # Source
    /// Papineni et al., 2002, <https://aclanthology.org/P02-1040>; smoothing: Chen and Cherry, 2014, method 3,
    /// <https://aclanthology.org/W14-3346>
    #[must_use]
    pub fn score(&self) -> f64 {
        self.score_to(MAX_ORDER)
    }

    /// BLEU of one sentence: n-grams longer than the sentence do not count.
    #[must_use]
    pub fn sentence_score(&self) -> f64 {
        self.score_to(self.0.iter().take_while(|overlap| overlap.hypothesis > 0).count())
    }

    /// The score with n-grams of up to `order` words.
    fn score_to(&self, order: usize) -> f64 {
        if self.0.iter().all(|overlap| overlap.matched == 0) {
            return 0.0;
        }
        let mut smoothing = 1.0;
        let mut total = 0.0;
        for overlap in &self.0[..order] {
            if overlap.hypothesis == 0 {
                return 0.0;
            }
            if overlap.matched == 0 {
                smoothing *= 2.0;
                total += (100.0 * share(1, overlap.hypothesis) / smoothing).ln();
            } else {
                total += (100.0 * share(overlap.matched, overlap.hypothesis)).ln();
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "at most four")]
        let mean = total / order as f64;
        let Overlap { hypothesis, reference, .. } = self.0[0];
        let brevity_penalty = if hypothesis < reference { (1.0 - share(reference, hypothesis)).exp() } else { 1.0 };
        brevity_penalty * mean.exp()
    }
}

/// BLEU of a corpus of texts, each with its reference.
///
/// ```
/// # use medinjection_fr::metrics::bleu;
/// let score = bleu([("Le foie sécrète la bile.", "Le foie sécrète la bile.")]);
/// assert!((score - 100.0).abs() < 1e-9);
/// ```
#[must_use]
pub fn bleu<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> f64 {
    let mut counts = BleuCounts::default();
    for (hypothesis, reference) in pairs {
        counts.add(&BleuCounts::of(hypothesis, reference));
    }
    counts.score()
}

fn words(tokenized: &str) -> Vec<&str> {
    tokenized.split(is_space).filter(|word| !word.is_empty()).collect()
}

/// The text with spaces around its signs, as the script `mteval-v13a` of the WMT puts them.
fn tokenized(text: &str) -> String {
    let text = text.trim_end_matches(is_space).replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    let text = text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    let mut spaced = String::with_capacity(text.len() + text.len() / 4);
    spaced.push(' ');
    for character in text.chars() {
        if is_separate(character) {
            spaced.extend([' ', character, ' ']);
        } else {
            spaced.push(character);
        }
    }
    spaced.push(' ');
    let is_point = |character: char| matches!(character, '.' | ',');
    // A point or comma stands alone unless a digit is before it and after it; a dash after a digit does.
    let spaced =
        pairs(&spaced, |left, right| (!left.is_ascii_digit() && is_point(right)).then_some([false, true, true]));
    let spaced =
        pairs(&spaced, |left, right| (is_point(left) && !right.is_ascii_digit()).then_some([true, true, false]));
    pairs(&spaced, |left, right| (left.is_ascii_digit() && right == '-').then_some([false, true, true]))
}

/// Puts spaces before, between and after neighbours as `spaces` says, from the left and without overlap.
fn pairs(text: &str, spaces: impl Fn(char, char) -> Option<[bool; 3]>) -> String {
    let mut result = String::with_capacity(text.len() + text.len() / 8);
    let mut characters = text.chars().peekable();
    while let Some(left) = characters.next() {
        let found = characters.peek().and_then(|right| Some((*right, spaces(left, *right)?)));
        let Some((right, [before, between, after])) = found else {
            result.push(left);
            continue;
        };
        characters.next();
        for (space, character) in [(before, Some(left)), (between, Some(right)), (after, None)] {
            if space {
                result.push(' ');
            }
            result.extend(character);
        }
    }
    result
}

/// Whether a sign stands alone wherever it is: ASCII signs but apostrophe, comma, dash and point.
fn is_separate(character: char) -> bool {
    character.is_ascii_punctuation() && !matches!(character, '\'' | ',' | '-' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stand_alone_and_numbers_stay_whole() {
        let text = tokenized("Le patient (72 kg) a 1,5 g/L; pH 7.4, n=3... 10-20 &lt; l'os.");
        let expected = "Le patient ( 72 kg ) a 1,5 g / L ; pH 7.4 , n = 3 . . . 10 - 20 < l'os .";
        assert_eq!(words(&text).join(" "), expected);
    }

    #[test]
    fn nothing_in_common_is_0_and_a_short_sentence_is_scored_by_what_it_has() {
        assert!(bleu([("foie", "rein"), ("", "")]).abs() < f64::EPSILON);
        assert!((BleuCounts::of("Le foie", "Le foie").sentence_score() - 100.0).abs() < 1e-9);
        assert!(BleuCounts::of("Le foie", "Le foie").score().abs() < f64::EPSILON);
    }
}
