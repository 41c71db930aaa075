//! Exact duplicates and leaks: which of several records that ask the same thing is kept.
//!
//! Two records are the same question where context, question and the set of choices fold to the same text. Records of one
//! group (a case, a passage, an original) must share a split, and so must groups that share a question. Where they do
//! not, test wins over validation over train; inside a split the first record wins. Near-duplicates are not looked for.

mod key;
mod split;

use std::collections::BTreeMap;

pub use key::{ContentKey, content_key};
pub use split::{SplitRatios, assign_split};

use crate::record::{Finding, Reason, Record, Split};

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep,
    /// The same question is kept in the same split.
    Duplicate {
        /// Identifier of the record that is kept.
        partner_id: String,
    },
    /// The same question or group is kept in a split that wins.
    Leak {
        /// Identifier of the record that is kept.
        partner_id: String,
    },
}

impl Verdict {
    /// The finding for which the build rejects the record; `None` if it stays.
    #[must_use]
    pub fn finding(&self) -> Option<Finding> {
        match self {
            Self::Keep => None,
            Self::Duplicate { partner_id } => Some(Finding::error(
                Reason::Duplicate,
                "instruction",
                format!("the same question and choices are kept in this split as record {partner_id}"),
            )),
            Self::Leak { partner_id } => Some(Finding::error(
                Reason::Leak,
                "group_id",
                format!("the same question or group is kept in a split that wins, with record {partner_id}"),
            )),
        }
    }
}

/// First pass over the records: remembers of each what the verdicts need, under 100 bytes.
#[derive(Debug, Default)]
pub struct Deduplicator {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    id: Box<str>,
    key: ContentKey,
    group: ContentKey,
    split: Split,
}

impl Deduplicator {
    /// A de-duplicator that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers the next record, in its present split.
    pub fn push(&mut self, record: &Record) {
        self.entries.push(Entry {
            id: record.id.as_str().into(),
            key: content_key(record),
            group: key::group_key(&record.group_id),
            split: record.split,
        });
    }

    /// The verdict on each record, in the order in which they were pushed.
    #[must_use]
    pub fn verdicts(&self) -> Vec<Verdict> {
        let components = self.components();
        let mut winning_splits: BTreeMap<usize, Split> = BTreeMap::new();
        for (entry, component) in self.entries.iter().zip(&components) {
            let winner = winning_splits.entry(*component).or_insert(entry.split);
            *winner = (*winner).max(entry.split);
        }
        let kept = self.kept(&components, &winning_splits);
        let partner = |index: usize| self.entries[index].id.to_string();
        let judge = |(index, (entry, component)): (usize, (&Entry, &usize))| {
            if entry.split < winning_splits[component] {
                return Verdict::Leak { partner_id: partner(kept.partner(entry, *component)) };
            }
            match kept.keys[&entry.key] {
                first if first == index => Verdict::Keep,
                first => Verdict::Duplicate { partner_id: partner(first) },
            }
        };
        self.entries.iter().zip(&components).enumerate().map(judge).collect()
    }

    /// For each record the first record of its component: groups joined wherever they share a key.
    fn components(&self) -> Vec<usize> {
        let mut parents: Vec<usize> = (0..self.entries.len()).collect();
        let mut by_key: BTreeMap<ContentKey, usize> = BTreeMap::new();
        let mut by_group: BTreeMap<ContentKey, usize> = BTreeMap::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let same_key = *by_key.entry(entry.key).or_insert(index);
            join(&mut parents, same_key, index);
            let same_group = *by_group.entry(entry.group).or_insert(index);
            join(&mut parents, same_group, index);
        }
        (0..parents.len()).map(|index| root(&mut parents, index)).collect()
    }

    fn kept(&self, components: &[usize], winning_splits: &BTreeMap<usize, Split>) -> Kept {
        let mut kept = Kept::default();
        for (index, (entry, component)) in self.entries.iter().zip(components).enumerate() {
            if entry.split == winning_splits[component] {
                let first = *kept.keys.entry(entry.key).or_insert(index);
                kept.groups.entry(entry.group).or_insert(first);
                kept.components.entry(*component).or_insert(first);
            }
        }
        kept
    }
}

/// The first kept record of each key, group and component.
#[derive(Default)]
struct Kept {
    keys: BTreeMap<ContentKey, usize>,
    groups: BTreeMap<ContentKey, usize>,
    components: BTreeMap<usize, usize>,
}

impl Kept {
    /// The kept record that tells most about why `entry` is not: of the same question, else group, else component.
    fn partner(&self, entry: &Entry, component: usize) -> usize {
        let same = self.keys.get(&entry.key).or_else(|| self.groups.get(&entry.group));
        same.copied().unwrap_or_else(|| self.components[&component])
    }
}

/// The root of `index`, halving the path on the way.
fn root(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}

/// Joins two components; the smaller root stays, so that a component is named by its first record.
fn join(parents: &mut [usize], left: usize, right: usize) {
    let (left, right) = (root(parents, left), root(parents, right));
    let (first, second) = (left.min(right), left.max(right));
    parents[second] = first;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::choice_record;

    fn record(id: &str, question: &str, choices: [&str; 2], split: Split) -> Record {
        let mut record = choice_record(question, &choices, "A");
        (record.id, record.group_id, record.split) = (id.to_owned(), crate::text::fold(question), split);
        record
    }

    fn verdicts(records: &[Record]) -> Vec<Verdict> {
        let mut deduplicator = Deduplicator::new();
        for record in records {
            deduplicator.push(record);
        }
        deduplicator.verdicts()
    }

    fn duplicate(id: &str) -> Verdict {
        Verdict::Duplicate { partner_id: id.to_owned() }
    }

    fn leak(id: &str) -> Verdict {
        Verdict::Leak { partner_id: id.to_owned() }
    }

    #[test]
    fn the_first_wins_inside_a_split_whatever_case_accents_and_order_of_choices() {
        let first = record("1", "Où se fixe l’œstradiol ?", ["Rein", "Foie"], Split::Train);
        let second = record("2", "OU SE FIXE L'ŒSTRADIOL", ["foie", "rein."], Split::Train);
        assert_eq!(verdicts(&[first, second]), [Verdict::Keep, duplicate("1")]);
    }

    #[test]
    fn test_wins_over_validation_over_train() {
        let at = |id, split| record(id, "Quel os ?", ["Tibia", "Ulna"], split);
        let records = [at("1", Split::Train), at("2", Split::Validation), at("3", Split::Test), at("4", Split::Test)];
        assert_eq!(verdicts(&records), [leak("3"), leak("3"), Verdict::Keep, duplicate("3")]);
    }

    #[test]
    fn a_group_never_crosses_splits() {
        let train = record("1", "Quel os ?", ["Tibia", "Ulna"], Split::Train);
        let test = record("2", "Quel os ?", ["Radius", "Fibula"], Split::Test);
        assert_eq!(verdicts(&[train, test]), [leak("2"), Verdict::Keep]);
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
        assert_eq!(verdicts(&records), [leak("3"), leak("3"), Verdict::Keep, Verdict::Keep]);
    }

    #[test]
    fn the_same_question_about_another_case_is_another_question() {
        let mut records = [0, 1].map(|_| record("1", "Quel diagnostic ?", ["Grippe", "Rougeole"], Split::Train));
        "Fièvre et toux.".clone_into(&mut records[0].context);
        "Éruption.".clone_into(&mut records[1].context);
        assert_eq!(verdicts(&records), [Verdict::Keep, Verdict::Keep]);
    }

    proptest::proptest! {
        /// What is kept has no question twice and no group in two splits, and every partner is kept.
        #[test]
        fn what_is_kept_is_free_of_duplicates_and_leaks(rows in proptest::collection::vec((0..6_u8, 0..6_u8, 0..3_usize), 0..40)) {
            let records: Vec<Record> = rows.iter().enumerate().map(|(index, (question, group, split))| {
                let mut record = record(&index.to_string(), &question.to_string(), ["a", "b"], Split::ALL[*split]);
                record.group_id = group.to_string();
                record
            }).collect();
            let verdicts = verdicts(&records);
            let kept: Vec<&Record> =
                records.iter().zip(&verdicts).filter(|(_, verdict)| **verdict == Verdict::Keep).map(|(record, _)| record).collect();
            for (place, left) in kept.iter().enumerate() {
                for right in &kept[place + 1..] {
                    proptest::prop_assert_ne!(content_key(left), content_key(right));
                    proptest::prop_assert!(left.group_id != right.group_id || left.split == right.split);
                }
            }
            for verdict in &verdicts {
                if let Verdict::Duplicate { partner_id } | Verdict::Leak { partner_id } = verdict {
                    proptest::prop_assert!(kept.iter().any(|record| record.id == *partner_id));
                }
            }
        }
    }
}
