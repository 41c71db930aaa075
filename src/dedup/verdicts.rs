//! What becomes of each record, once all are known.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::components::Components;
use super::config::DedupConfig;
use super::fingerprint::contradict;
use super::near::{Pairs, near_pairs};
use super::overlap::{Overlap, overlaps};
use super::spill::{Key, Sets, Spill};
use super::{Match, Verdict};
use crate::Result;
use crate::record::Split;

/// Why records do not stay: whether each is a leak, and in what it resembles the one that is kept.
type Matches = BTreeMap<u32, (bool, Match)>;

/// No record.
const NONE: u32 = u32::MAX;

/// The verdict on each record, in the order in which they were pushed.
#[derive(Debug)]
pub struct Verdicts {
    /// For each record the one that is kept in its place; itself where it stays.
    partners: Vec<u32>,
    /// Why the others do not stay.
    matches: Matches,
    /// Identifiers of partners.
    ids: BTreeMap<u32, String>,
}

impl Verdicts {
    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.partners.len()
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partners.is_empty()
    }

    /// Whether the record at `index` stays.
    #[must_use]
    pub fn keeps(&self, index: usize) -> bool {
        self.partners.get(index).is_some_and(|partner| *partner as usize == index)
    }

    /// The verdict on the record at `index`; on one that was never pushed, that it stays.
    #[must_use]
    pub fn get(&self, index: usize) -> Verdict {
        let record = u32::try_from(index).unwrap_or(NONE);
        let Some((is_leak, why)) = self.matches.get(&record) else { return Verdict::Keep };
        let partner_id = self.ids.get(&self.partners[index]).cloned().unwrap_or_default();
        match (is_leak, *why) {
            (true, why) => Verdict::Leak { partner_id, why },
            (false, Match::Near(similarity)) => Verdict::NearDuplicate { partner_id, similarity },
            (false, why) => Verdict::Duplicate { partner_id, contradicts: why == Match::Contradiction },
        }
    }

    /// The verdicts in order.
    pub fn iter(&self) -> impl Iterator<Item = Verdict> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Judges the records whose fingerprints are in `directory`.
    pub(super) fn judge(directory: &Path, config: &DedupConfig, num_threads: usize) -> Result<Self> {
        let spill = Spill::open(directory)?;
        let splits = spill.splits()?;
        let questions = spill.first_with_same(Key::Content)?;
        let is_first = |record: u32| questions[record as usize] == record;
        let near = near_pairs(&spill, config, &splits, &is_first, num_threads)?;
        let overlaps = overlaps(&spill, config, &splits, &is_first, num_threads)?;
        let groups = spill.first_with_same(Key::Group)?;
        let mut components = Components::new(splits.len());
        for (record, (question, group)) in (0..).zip(questions.iter().zip(&groups)) {
            components.join(*question, record);
            components.join(*group, record);
        }
        for (left, right) in near.keys() {
            components.join(*left, *right);
        }
        for overlap in &overlaps {
            components.join(overlap.record, overlap.test);
        }
        let mut judge = Judge::new(splits, questions, groups, components, spill.answers()?);
        judge.link(near, overlaps);
        judge.choose()?;
        let (partners, matches) = judge.partners()?;
        let rejected: BTreeSet<u32> = matches.keys().map(|record| partners[*record as usize]).collect();
        let ids = spill.ids(rejected.iter().copied())?;
        Ok(Self { partners, matches, ids: rejected.into_iter().zip(ids).collect() })
    }
}

/// A question that resembles another one.
#[derive(Debug, Clone, Copy)]
struct Link {
    question: u32,
    why: Match,
}

/// Everything that the judgement looks at. A question is named by the first record that asks it.
struct Judge {
    splits: Vec<Split>,
    questions: Vec<u32>,
    groups: Vec<u32>,
    components: Components,
    answers: Sets,
    /// Split that wins in each component, at its first record.
    winners: Vec<Split>,
    /// For each question those that resemble it, the most similar first.
    links: BTreeMap<u32, Vec<Link>>,
    /// The record that is kept for a question, at its first record, and in what they resemble one another.
    kept: Vec<u32>,
    kept_near: BTreeMap<u32, f64>,
    kept_of_group: Vec<u32>,
    kept_of_component: Vec<u32>,
}

impl Judge {
    fn new(
        splits: Vec<Split>,
        questions: Vec<u32>,
        groups: Vec<u32>,
        mut components: Components,
        answers: Sets,
    ) -> Self {
        let num_records = splits.len();
        let mut winners = vec![Split::Train; num_records];
        for (record, split) in (0..).zip(&splits) {
            let winner = &mut winners[components.first(record) as usize];
            *winner = (*winner).max(*split);
        }
        let none = || vec![NONE; num_records];
        Self {
            splits,
            questions,
            groups,
            components,
            answers,
            winners,
            links: BTreeMap::new(),
            kept: none(),
            kept_near: BTreeMap::new(),
            kept_of_group: none(),
            kept_of_component: none(),
        }
    }

    fn link(&mut self, near: Pairs, overlaps: Vec<Overlap>) {
        for ((left, right), similarity) in near {
            for (question, other) in [(left, right), (right, left)] {
                let link = Link { question: other, why: Match::Near(similarity) };
                self.links.entry(question).or_default().push(link);
            }
        }
        for Overlap { record, test, share } in overlaps {
            let link = Link { question: self.questions[test as usize], why: Match::Overlap(share) };
            self.links.entry(record).or_default().push(link);
        }
        for links in self.links.values_mut() {
            links.sort_by(|left, right| right.why.value().total_cmp(&left.why.value()));
        }
    }

    fn is_in_winning_split(&mut self, record: u32) -> bool {
        let component = self.components.first(record) as usize;
        self.splits[record as usize] == self.winners[component]
    }

    /// Decides which record is kept for each question that is asked in a split that wins: the first one, unless a question
    /// that is kept already is nearly the same and does not contradict it.
    fn choose(&mut self) -> Result<()> {
        for record in (0..).take(self.splits.len()) {
            let question = self.questions[record as usize] as usize;
            if self.kept[question] != NONE || !self.is_in_winning_split(record) {
                continue;
            }
            if let Some((kept, similarity)) = self.kept_like(record)? {
                self.kept[question] = kept;
                self.kept_near.insert(self.questions[record as usize], similarity);
                continue;
            }
            self.kept[question] = record;
            let component = self.components.first(record) as usize;
            let group = self.groups[record as usize] as usize;
            for first in [&mut self.kept_of_group[group], &mut self.kept_of_component[component]] {
                *first = (*first).min(record);
            }
        }
        Ok(())
    }

    /// The record that is kept for the most similar question that is nearly the same as that of `record`, and their similarity.
    fn kept_like(&self, record: u32) -> Result<Option<(u32, f64)>> {
        for link in self.links.get(&self.questions[record as usize]).into_iter().flatten() {
            let kept = self.kept[link.question as usize];
            let is_near = matches!(link.why, Match::Near(_)) && !self.kept_near.contains_key(&link.question);
            if is_near && kept != NONE && !self.contradict(record, kept)? {
                return Ok(Some((kept, link.why.value())));
            }
        }
        Ok(None)
    }

    fn contradict(&self, left: u32, right: u32) -> Result<bool> {
        Ok(contradict(&self.answers.get(left)?, &self.answers.get(right)?))
    }

    fn partners(mut self) -> Result<(Vec<u32>, Matches)> {
        let mut partners = Vec::with_capacity(self.splits.len());
        let mut matches = BTreeMap::new();
        for record in (0..).take(self.splits.len()) {
            let (partner, mut why) = self.partner(record);
            if partner != record {
                if why == Match::Question && self.contradict(record, partner)? {
                    why = Match::Contradiction;
                }
                matches.insert(record, (!self.is_in_winning_split(record), why));
            }
            partners.push(partner);
        }
        Ok((partners, matches))
    }

    /// The kept record that tells most about why `record` is not: of the same question, else of one like it, else of the
    /// same group, else of the same component.
    fn partner(&mut self, record: u32) -> (u32, Match) {
        let question = self.questions[record as usize];
        let kept = self.kept[question as usize];
        if kept != NONE {
            return (kept, self.kept_near.get(&question).map_or(Match::Question, |near| Match::Near(*near)));
        }
        let links = self.links.get(&question).into_iter().flatten();
        let of_links = links.map(|link| (self.kept[link.question as usize], link.why));
        let of_group = (self.kept_of_group[self.groups[record as usize] as usize], Match::Group);
        let mut known = of_links.chain([of_group]).filter(|(kept, _)| *kept != NONE);
        if let Some(found) = known.next() {
            return found;
        }
        let component = self.components.first(record) as usize;
        (self.kept_of_component[component], Match::Group)
    }
}
