//! Counts in and out of each step and per reason.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::columnar::RecordKey;
use crate::provenance::{RecordCount, StepCounts};
use crate::record::{Origin, Reason, Record, Severity, Split, Task};
use crate::source::Note;

/// What a record is counted under.
type Kind = (Split, Origin, String, Task);

/// Counts of a build.
#[derive(Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Tally {
    /// Rows that were read; the names of steps are empty here.
    read: StepCounts,
    /// Records that were checked one by one.
    validate: StepCounts,
    /// Records that were compared with one another.
    deduplicate: StepCounts,
    /// Records read and kept, by split, origin, source and task.
    #[serde(with = "kinds")]
    #[schemars(with = "Vec<RecordCount>")]
    kinds: BTreeMap<Kind, (u64, u64)>,
    /// Rows that were rejected, by source and reason.
    rejected: BTreeMap<String, BTreeMap<String, u64>>,
    /// What reading brought to light: the files that a message is about, by source and message.
    notes: BTreeMap<String, Notes>,
    /// Translated records whose English original is not at hand, by source.
    not_compared: BTreeMap<String, u64>,
    /// Originals that were there already, by source.
    repeated_originals: BTreeMap<String, u64>,
    /// Rows that are kept, by source and licence.
    licenses: BTreeMap<String, BTreeMap<String, u64>>,
    /// Records that are kept, by language of the instruction.
    languages: BTreeMap<String, u64>,
}

/// The files that a message is about, by message.
type Notes = BTreeMap<String, Vec<String>>;

impl Tally {
    /// A row of `source` that could not be read.
    pub(super) fn unreadable(&mut self, source: &str) {
        self.read.num_in += 1;
        reject(&mut self.read, &mut self.rejected, source, Reason::Unreadable);
    }

    /// Something that reading a file of `source` brought to light.
    pub(super) fn note(&mut self, source: &str, note: Note) {
        self.notes.entry(source.to_owned()).or_default().entry(note.message).or_default().push(note.file);
    }

    /// A translated record from `source` whose English original is not at hand.
    pub(super) fn not_compared(&mut self, source: &str) {
        *self.not_compared.entry(source.to_owned()).or_default() += 1;
    }

    /// An original of `source` that was there already.
    pub(super) fn repeated_original(&mut self, source: &str) {
        *self.repeated_originals.entry(source.to_owned()).or_default() += 1;
    }

    /// A record that was read, in its final split, with its findings.
    pub(super) fn read(&mut self, record: &Record) {
        self.read.num_in += 1;
        self.read.num_out += 1;
        self.validate.num_in += 1;
        let kind = (record.split, record.origin, record.source.clone(), record.task);
        self.kinds.entry(kind).or_default().0 += 1;
        for finding in record.findings.iter().filter(|finding| finding.severity == Severity::Warning) {
            *self.validate.warnings.entry(finding.reason.to_string()).or_default() += 1;
        }
    }

    /// A record that validation rejects.
    pub(super) fn invalid(&mut self, record: &Record, reason: Reason) {
        reject(&mut self.validate, &mut self.rejected, &record.source, reason);
    }

    /// A record that validation lets pass.
    pub(super) fn valid(&mut self) {
        self.validate.num_out += 1;
        self.deduplicate.num_in += 1;
    }

    /// A record that is another one's duplicate or leak.
    pub(super) fn repeated(&mut self, record: &Record, reason: Reason) {
        reject(&mut self.deduplicate, &mut self.rejected, &record.source, reason);
    }

    /// A record that is kept, with the language of its instruction.
    pub(super) fn kept(&mut self, key: &RecordKey, language: Option<&str>) {
        self.deduplicate.num_out += 1;
        self.kinds.entry((key.split, key.origin, key.source.clone(), key.task)).or_default().1 += 1;
        self.licensed(&key.source, &key.license);
        if let Some(language) = language {
            *self.languages.entry(language.to_owned()).or_default() += 1;
        }
    }

    /// A record, an original or a document of `source` that is in the data set under `license`.
    pub(super) fn licensed(&mut self, source: &str, license: &str) {
        *self.licenses.entry(source.to_owned()).or_default().entry(license.to_owned()).or_default() += 1;
    }

    /// Adds the counts of another part of the same build.
    pub(super) fn add(&mut self, other: Self) {
        let Self { read, validate, deduplicate, kinds, rejected, notes, licenses, languages, .. } = other;
        add_step(&mut self.read, read);
        add_step(&mut self.validate, validate);
        add_step(&mut self.deduplicate, deduplicate);
        for (kind, (num_read, num_kept)) in kinds {
            let total = self.kinds.entry(kind).or_default();
            *total = (total.0 + num_read, total.1 + num_kept);
        }
        for (source, reasons) in rejected {
            add_counts(self.rejected.entry(source).or_default(), reasons);
        }
        for (source, notes) in notes {
            for (message, files) in notes {
                self.notes.entry(source.clone()).or_default().entry(message).or_default().extend(files);
            }
        }
        for (source, numbers) in licenses {
            add_counts(self.licenses.entry(source).or_default(), numbers);
        }
        add_counts(&mut self.not_compared, other.not_compared);
        add_counts(&mut self.repeated_originals, other.repeated_originals);
        add_counts(&mut self.languages, languages);
    }

    /// The steps in order.
    pub(super) fn steps(&self) -> Vec<StepCounts> {
        let named = |name: &str, step: &StepCounts| StepCounts { step: name.to_owned(), ..step.clone() };
        vec![named("read", &self.read), named("validate", &self.validate), named("deduplicate", &self.deduplicate)]
    }

    /// Records read and kept of each kind.
    pub(super) fn counts(&self) -> Vec<RecordCount> {
        self.kinds.iter().map(count).collect()
    }

    /// What reading a source brought to light: each message once, after the file that it is about or the first of them; and how
    /// many translated records were not compared with an original.
    pub(super) fn notes(&self, source: &str) -> Vec<String> {
        let said = |(message, files): (&String, &Vec<String>)| match files.as_slice() {
            [] => message.clone(),
            [only] => format!("{only}: {message}"),
            [first, others @ ..] => format!("{first} and {} more: {message}", others.len()),
        };
        let not_compared = self.not_compared.get(source).map(|number| {
            format!("{number} translated records not compared with an English original, which is not at hand")
        });
        let repeated = self.repeated_originals.get(source).map(|number| {
            format!("{number} originals were left out: they had been read already, and are written once")
        });
        self.notes.get(source).into_iter().flatten().map(said).chain(not_compared).chain(repeated).collect()
    }

    /// Rows of a source that are in the data set, by licence.
    pub(super) fn licenses(&self, source: &str) -> BTreeMap<String, u64> {
        self.licenses.get(source).cloned().unwrap_or_default()
    }

    /// Records that are kept, by language of the instruction.
    pub(super) fn languages(&self) -> BTreeMap<String, u64> {
        self.languages.clone()
    }

    /// Rows of a source that were rejected, by reason.
    pub(super) fn rejected(&self, source: &str) -> BTreeMap<String, u64> {
        self.rejected.get(source).cloned().unwrap_or_default()
    }
}

fn count(((split, origin, source, task), (num_read, num_records)): (&Kind, &(u64, u64))) -> RecordCount {
    RecordCount {
        split: *split,
        origin: *origin,
        source: source.clone(),
        task: *task,
        num_read: *num_read,
        num_records: *num_records,
    }
}

fn add_step(step: &mut StepCounts, other: StepCounts) {
    let StepCounts { step: _, num_in, num_out, rejected, warnings } = other;
    step.num_in += num_in;
    step.num_out += num_out;
    add_counts(&mut step.rejected, rejected);
    add_counts(&mut step.warnings, warnings);
}

fn add_counts(counts: &mut BTreeMap<String, u64>, others: BTreeMap<String, u64>) {
    for (reason, number) in others {
        *counts.entry(reason).or_default() += number;
    }
}

fn reject(step: &mut StepCounts, sources: &mut BTreeMap<String, BTreeMap<String, u64>>, source: &str, reason: Reason) {
    *step.rejected.entry(reason.to_string()).or_default() += 1;
    *sources.entry(source.to_owned()).or_default().entry(reason.to_string()).or_default() += 1;
}

/// Kinds as a list: JSON has no keys of several parts.
mod kinds {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Kind, RecordCount, count};

    pub(super) fn serialize<S: Serializer>(
        kinds: &BTreeMap<Kind, (u64, u64)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        kinds.iter().map(count).collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Kind, (u64, u64)>, D::Error> {
        let counts = Vec::<RecordCount>::deserialize(deserializer)?;
        let kind = |count: RecordCount| {
            ((count.split, count.origin, count.source, count.task), (count.num_read, count.num_records))
        };
        Ok(counts.into_iter().map(kind).collect())
    }
}
