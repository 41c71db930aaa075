//! Duplicates, near-duplicates and leaks: which of several records that ask the same thing is kept.
//!
//! Two records ask the same question where context, question and the set of choices fold to the same text. They are
//! near-duplicates where their word shingles ([`SHINGLE_WORDS`] words, inside a field) have at least the Jaccard similarity
//! [`DedupConfig::near_threshold`]; candidates are found by `MinHash` signatures and then compared exactly. A record leaks a
//! test record where it holds at least the share [`DedupConfig::leak_threshold`] of its n-grams ([`GRAM_WORDS`] words, inside
//! a field; a shorter field is one), and of those of its question and context.
//!
//! Records of one group (a case, a passage, an original) must share a split, and so must all that are the same question,
//! near-duplicates, or leak one another: together they are a component. Where a component has several splits, test wins
//! over validation over train, and the records of the other splits are leaks. Inside a split the first record wins; a near-duplicate
//! stays where a choice that both offer is correct in one and wrong in the other, since one word made it another question.
//!
//! What must be known of each record is kept in a directory, so that memory holds about 40 bytes a record.

mod components;
mod config;
mod fingerprint;
mod key;
mod near;
mod overlap;
mod parallel;
mod spill;
mod split;
mod verdicts;

use std::path::{Path, PathBuf};

pub use config::{DedupConfig, GRAM_WORDS, MIN_GRAMS, SHINGLE_WORDS};
pub use fingerprint::{Fingerprint, Fingerprinter};
pub use key::{ContentKey, content_key, question_key, source_key};
pub use split::{SplitRatios, assign_split};
pub use verdicts::Verdicts;

use crate::Result;
use crate::record::{Finding, Reason, Split};

/// In what a record that is not kept resembles the one that is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Match {
    /// They ask the same question.
    Question,
    /// They ask the same question, and a choice is correct in one and wrong in the other.
    Contradiction,
    /// They are near-duplicates of this Jaccard similarity.
    Near(f64),
    /// The record holds this share of the n-grams of the one that is kept.
    Overlap(f64),
    /// They belong to the same group, or to groups that share a question.
    Group,
}

impl Match {
    /// The similarity or share; 1 where there is nothing to measure.
    #[must_use]
    pub const fn value(self) -> f64 {
        match self {
            Self::Near(value) | Self::Overlap(value) => value,
            Self::Question | Self::Contradiction | Self::Group => 1.0,
        }
    }
}

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It stays.
    Keep,
    /// The same question is kept in the same split.
    Duplicate {
        /// Identifier of the record that is kept.
        partner_id: String,
        /// Whether a choice is correct in one and wrong in the other.
        contradicts: bool,
    },
    /// Nearly the same question is kept in the same split.
    NearDuplicate {
        /// Identifier of the record that is kept.
        partner_id: String,
        /// Their Jaccard similarity.
        similarity: f64,
    },
    /// The same question, one like it, or its group is kept in a split that wins.
    Leak {
        /// Identifier of the record that is kept.
        partner_id: String,
        /// In what it resembles that record.
        why: Match,
    },
}

/// Said of a question whose answer key differs from that of the record that is kept.
const OTHER_ANSWER: &str = ", with another answer,";

impl Verdict {
    /// The finding for which the build rejects the record, and the record that is kept in its place; `None` if it stays.
    #[must_use]
    pub fn finding(&self) -> Option<(Finding, &str)> {
        let error = Finding::error;
        match self {
            Self::Keep => None,
            Self::Duplicate { partner_id, contradicts } => {
                let answer = if *contradicts { OTHER_ANSWER } else { "" };
                let detail =
                    format!("the same question and choices{answer} are kept in this split as record {partner_id}");
                Some((error(Reason::Duplicate, "instruction", detail), partner_id))
            }
            Self::NearDuplicate { partner_id, similarity } => {
                let detail = format!(
                    "nearly the same question and choices (Jaccard similarity {similarity:.2}) are kept in this split as record {partner_id}"
                );
                Some((error(Reason::NearDuplicate, "instruction", detail), partner_id))
            }
            Self::Leak { partner_id, why } => {
                let (field, what) = match why {
                    Match::Question => ("instruction", "the same question and choices are".to_owned()),
                    Match::Contradiction => ("instruction", format!("the same question and choices{OTHER_ANSWER} are")),
                    Match::Near(similarity) => (
                        "instruction",
                        format!("nearly the same question and choices (Jaccard similarity {similarity:.2}) are"),
                    ),
                    Match::Overlap(share) => {
                        let what = format!(
                            "a question of which {:.0} % of the {GRAM_WORDS}-grams stand here is",
                            100.0 * share
                        );
                        ("instruction", what)
                    }
                    Match::Group => ("group_id", "the same group is".to_owned()),
                };
                let detail = format!("{what} kept in a split that wins, with record {partner_id}");
                Some((error(Reason::Leak, field, detail), partner_id))
            }
        }
    }
}

/// First pass over the records: writes down what the verdicts need to know of each.
#[derive(Debug)]
pub struct Deduplicator {
    directory: PathBuf,
    config: DedupConfig,
    spill: spill::SpillWriter,
}

impl Deduplicator {
    /// A de-duplicator that has seen nothing and keeps its notes in `directory`.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if a file cannot be created there.
    pub fn create(directory: &Path, config: DedupConfig) -> Result<Self> {
        let spill = spill::SpillWriter::create(directory, &config)?;
        Ok(Self { directory: directory.to_path_buf(), config, spill })
    }

    /// Notes the next record, in its present split.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if a file cannot be written.
    pub fn push(&mut self, id: &str, split: Split, fingerprint: &Fingerprint) -> Result<()> {
        self.spill.push(id, split, fingerprint)
    }

    /// Ends the notes.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if a file cannot be written.
    pub fn finish(self) -> Result<Notes> {
        let Self { directory, config, spill } = self;
        spill.finish()?;
        Ok(Notes { directory, config })
    }
}

/// The notes of a [`Deduplicator`] that has seen every record.
#[derive(Debug, Clone)]
pub struct Notes {
    directory: PathBuf,
    config: DedupConfig,
}

impl Notes {
    /// Notes that were ended earlier, in `directory`, with the same `config`.
    #[must_use]
    pub fn open(directory: &Path, config: DedupConfig) -> Self {
        Self { directory: directory.to_path_buf(), config }
    }

    /// The verdict on each record; the number of threads does not change it.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if a file cannot be read.
    pub fn verdicts(&self, num_threads: usize) -> Result<Verdicts> {
        Verdicts::judge(&self.directory, &self.config, num_threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Record, fixture::choice_record};

    fn record(id: &str, question: &str, choices: [&str; 2], split: Split) -> Record {
        let mut record = choice_record(question, &choices, "A");
        (record.id, record.group_id, record.split) = (id.to_owned(), crate::text::fold(question), split);
        record
    }

    fn verdicts(records: &[Record]) -> Vec<Verdict> {
        let directory = tempfile::tempdir().unwrap();
        let config = DedupConfig::default();
        let fingerprinter = Fingerprinter::new(&config);
        let mut deduplicator = Deduplicator::create(directory.path(), config).unwrap();
        for record in records {
            deduplicator.push(&record.id, record.split, &fingerprinter.fingerprint(record)).unwrap();
        }
        let notes = deduplicator.finish().unwrap();
        let verdicts: Vec<Verdict> = notes.verdicts(1).unwrap().iter().collect();
        assert_eq!(verdicts, notes.verdicts(3).unwrap().iter().collect::<Vec<_>>());
        verdicts
    }

    fn duplicate(id: &str) -> Verdict {
        Verdict::Duplicate { partner_id: id.to_owned(), contradicts: false }
    }

    fn leak(id: &str, why: Match) -> Verdict {
        Verdict::Leak { partner_id: id.to_owned(), why }
    }

    #[test]
    fn the_first_wins_inside_a_split_whatever_case_accents_and_order_of_choices() {
        let first = record("1", "Où se fixe l’œstradiol ?", ["Rein", "Foie"], Split::Train);
        let mut second = record("2", "OU SE FIXE L'ŒSTRADIOL", ["foie", "rein."], Split::Train);
        second.answer_labels = vec!["B".parse().unwrap()];
        assert_eq!(verdicts(&[first, second]), [Verdict::Keep, duplicate("1")]);
    }

    #[test]
    fn test_wins_over_validation_over_train() {
        let at = |id, split| record(id, "Quel os ?", ["Tibia", "Ulna"], split);
        let records = [at("1", Split::Train), at("2", Split::Validation), at("3", Split::Test), at("4", Split::Test)];
        assert_eq!(
            verdicts(&records),
            [leak("3", Match::Question), leak("3", Match::Question), Verdict::Keep, duplicate("3")]
        );
    }

    #[test]
    fn a_group_never_crosses_splits() {
        let train = record("1", "Quel os ?", ["Tibia", "Ulna"], Split::Train);
        let test = record("2", "Quel os ?", ["Radius", "Fibula"], Split::Test);
        assert_eq!(verdicts(&[train, test]), [leak("2", Match::Group), Verdict::Keep]);
    }

    #[test]
    fn groups_that_share_a_question_are_one() {
        let mut records = [
            record("1", "Cas : âge ?", ["20", "30"], Split::Train),
            record("2", "Cas : sexe ?", ["F", "M"], Split::Train),
            record("3", "Cas : sexe ?", ["F", "M"], Split::Test),
            record("4", "Autre ?", ["F", "M"], Split::Train),
        ];
        for (record, group) in records.iter_mut().zip(["case 1", "case 1", "case 2", "case 3"]) {
            group.clone_into(&mut record.group_id);
        }
        assert_eq!(
            verdicts(&records),
            [leak("3", Match::Group), leak("3", Match::Question), Verdict::Keep, Verdict::Keep]
        );
    }

    #[test]
    fn the_same_question_about_another_case_is_another_question() {
        let mut records = [0, 1].map(|_| record("1", "Quel diagnostic ?", ["Grippe", "Rougeole"], Split::Train));
        "Fièvre et toux.".clone_into(&mut records[0].context);
        "Éruption.".clone_into(&mut records[1].context);
        assert_eq!(verdicts(&records), [Verdict::Keep, Verdict::Keep]);
    }

    /// A question of sixty words; variants differ in one of them, Jaccard similarity 0.94.
    fn long_question(number: u8, variant: u8) -> String {
        let word = |place| if place == 30 { format!("v{variant}") } else { format!("q{number}m{place}") };
        (0..60).map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn one_word_changed_is_a_near_duplicate_and_a_leak_across_splits() {
        let at = |id, variant, split| record(id, &long_question(0, variant), ["Tibia", "Ulna"], split);
        let records =
            [at("1", 0, Split::Train), at("2", 1, Split::Test), at("3", 2, Split::Test), at("4", 2, Split::Test)];
        let similarity = 59.0 / 63.0;
        let near = Verdict::NearDuplicate { partner_id: "2".to_owned(), similarity };
        assert_eq!(verdicts(&records), [leak("2", Match::Near(similarity)), Verdict::Keep, near.clone(), near]);
    }

    #[test]
    fn another_answer_makes_a_near_duplicate_another_question_and_a_duplicate_a_contradiction() {
        let answered = |id, variant, answer| {
            let mut record = choice_record(&long_question(0, variant), &["Tibia", "Ulna"], answer);
            (record.id, record.group_id) = (String::from(id), String::from(id));
            record
        };
        let records = [answered("1", 0, "A"), answered("2", 1, "B"), answered("3", 2, "A"), answered("4", 0, "B")];
        let similarity = 59.0 / 63.0;
        let near = Verdict::NearDuplicate { partner_id: "1".to_owned(), similarity };
        let contradiction = Verdict::Duplicate { partner_id: "1".to_owned(), contradicts: true };
        assert_eq!(verdicts(&records), [Verdict::Keep, Verdict::Keep, near, contradiction.clone()]);
        assert!(contradiction.finding().unwrap().0.detail.contains("choices, with another answer, are kept"));
        let mut test = answered("5", 1, "B");
        test.split = Split::Test;
        assert_eq!(verdicts(&[answered("1", 0, "A"), test])[0], leak("5", Match::Near(similarity)));
    }

    #[test]
    fn a_record_that_holds_a_test_question_leaks_it_and_its_group_with_it() {
        let test = record("1", &long_question(1, 0), ["Tibia", "Ulna"], Split::Test);
        let mut holder = record("2", "Résumez ce texte.", ["oui", "non"], Split::Train);
        holder.context = format!("Début. {} et {}", long_question(1, 0), long_question(2, 0));
        let mut sibling = record("3", "Autre question sur ce texte ?", ["oui", "non"], Split::Train);
        sibling.group_id.clone_from(&holder.group_id);
        let found = verdicts(&[test, holder, sibling]);
        let share = 53.0 / 55.0;
        assert_eq!(found, [Verdict::Keep, leak("1", Match::Overlap(share)), leak("1", Match::Group)]);
    }

    #[test]
    fn a_short_stem_that_many_questions_share_is_no_leak() {
        let stem = "Parmi les propositions suivantes, laquelle est exacte ?";
        let test = record("1", stem, ["Elle est virale", "Elle est bactérienne"], Split::Test);
        let mut train = record("2", stem, ["Elle touche l'enfant", "Elle touche le chien"], Split::Train);
        "another group".clone_into(&mut train.group_id);
        assert_eq!(verdicts(&[train, test]), [Verdict::Keep, Verdict::Keep]);
    }

    #[test]
    fn a_long_choice_under_another_question_is_no_leak() {
        let choice = long_question(3, 0);
        let test = record(
            "1",
            "Quelle est la définition exacte de cette maladie rare du foie ?",
            [&choice, "ulna"],
            Split::Test,
        );
        let train = record(
            "2",
            "Laquelle de ces phrases est tirée du traité de pathologie ?",
            [&choice, "tibia"],
            Split::Train,
        );
        assert_eq!(verdicts(&[test.clone(), train]), [Verdict::Keep, Verdict::Keep]);
        let mut holder = record("3", "Résumez ce texte.", ["oui", "non"], Split::Train);
        holder.context = format!("{} {choice}", test.instruction);
        assert!(matches!(verdicts(&[test, holder])[1], Verdict::Leak { .. }));
    }

    proptest::proptest! {
        /// What is kept has no question twice, no group and no near-duplicate in two splits, and every partner is kept.
        #[test]
        fn what_is_kept_is_free_of_duplicates_and_leaks(
            rows in proptest::collection::vec((0..6_u8, 0..3_u8, 0..12_u8, 0..3_usize), 0..40)
        ) {
            let records: Vec<Record> = rows.iter().enumerate().map(|(index, (question, variant, group, split))| {
                let question = long_question(*question, *variant);
                let mut record = record(&index.to_string(), &question, ["a", "b"], Split::ALL[*split]);
                record.group_id = group.to_string();
                record
            }).collect();
            let verdicts = verdicts(&records);
            let kept: Vec<&Record> =
                records.iter().zip(&verdicts).filter(|(_, verdict)| **verdict == Verdict::Keep).map(|(record, _)| record).collect();
            let fingerprinter = Fingerprinter::new(&DedupConfig::default());
            for (place, left) in kept.iter().enumerate() {
                for right in &kept[place + 1..] {
                    proptest::prop_assert_ne!(content_key(left), content_key(right));
                    proptest::prop_assert!(left.group_id != right.group_id || left.split == right.split);
                    let [one, other] = [left, right].map(|record| fingerprinter.fingerprint(record).shingles);
                    proptest::prop_assert!(fingerprint::jaccard(&one, &other) < 0.8);
                }
            }
            for verdict in &verdicts {
                if let Some((_, partner_id)) = verdict.finding() {
                    proptest::prop_assert!(kept.iter().any(|record| record.id == partner_id));
                }
            }
        }
    }
}
