//! What of its input one process reads: everything, or the share of one shard.
//!
//! The input is a sequence of parts, files that their source reads together. A shard has parts that follow one another, about
//! as many bytes as the other shards, so that the rows of all shards, one shard after the other, are those of one process.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::config::{Input, Plan};
use crate::source::{SourceFile, SourceFiles};

/// Most shards of a build, which the names of their directories have room for.
const MAX_SHARDS: u32 = 99_999;

/// One of several processes that build a data set together, written `2/4`. Invariant: `1 ≤ index ≤ count ≤ 99,999`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// The shards of a build by `count` processes, in order.
    ///
    /// # Errors
    /// A text, where `count` is 0 or more than 99,999.
    pub fn all(count: u32) -> Result<Vec<Self>, String> {
        if count == 0 || count > MAX_SHARDS {
            return Err(format!("expected 1 to {MAX_SHARDS} shards, found {count}"));
        }
        Ok((1..=count).map(|index| Self { index, count }).collect())
    }

    /// The name of its directory: `00002-of-00004`.
    pub(super) fn name(self) -> String {
        format!("{:05}-of-{:05}", self.index, self.count)
    }

    pub(super) const fn is_first(self) -> bool {
        self.index == 1
    }

    /// Whether the bytes from `begin` to `begin + num_bytes` of `total` are its own: where their middle is.
    const fn has(self, begin: u64, num_bytes: u64, total: u64) -> bool {
        let middle = 2 * begin as u128 + num_bytes as u128;
        middle * self.count as u128 / (2 * total as u128) == (self.index - 1) as u128
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.index, self.count)
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match parsed {
            Some((index, count)) if 1 <= index && index <= count && count <= MAX_SHARDS => Ok(Self { index, count }),
            _ => Err(format!(
                "expected I/N, the shard I of N, where I is 1 to N and N at most {MAX_SHARDS}, such as 2/4; found {text:?}"
            )),
        }
    }
}

impl schemars::JsonSchema for Shard {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Shard".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "One of several processes that build a data set together: the second of four is 2/4.",
            "type": "string",
            "pattern": "^[1-9][0-9]*/[1-9][0-9]*$",
        })
    }
}

/// Files that are read together.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// Number of the input in its plan.
    pub(super) number: usize,
    pub(super) input: &'a Input,
    /// Those files of it.
    pub(super) files: SourceFiles,
}

impl Part<'_> {
    /// Its size; at least 1, since an empty file is read too.
    fn num_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.num_bytes).sum::<u64>().max(1)
    }

    /// Its files, by the name of their source.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let source = &self.input.source.info().name;
        self.files.iter().map(move |file: &SourceFile| format!("{source}/{}", file.name))
    }
}

/// The parts that a process reads, and those that others do.
#[derive(Debug)]
pub(super) struct Share<'a> {
    pub(super) own: Vec<Part<'a>>,
    pub(super) others: Vec<Part<'a>>,
}

impl<'a> Share<'a> {
    /// Everything.
    pub(super) fn whole(plan: &'a Plan) -> Self {
        Self { own: parts(plan), others: Vec::new() }
    }

    /// What `shard` reads.
    pub(super) fn of(plan: &'a Plan, shard: Shard) -> Self {
        let parts = parts(plan);
        let total: u64 = parts.iter().map(Part::num_bytes).sum();
        let mut begin = 0;
        let (own, others) = parts.into_iter().partition(|part| {
            let num_bytes = part.num_bytes();
            begin += num_bytes;
            shard.has(begin - num_bytes, num_bytes, total)
        });
        Self { own, others }
    }
}

/// The parts of all inputs, in the order in which they are read.
fn parts(plan: &Plan) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for (number, input) in plan.inputs.iter().enumerate() {
        let of_input = input.files.parts(|name| input.source.part_of(name));
        parts.extend(of_input.into_iter().map(|files| Part { number, input, files }));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_written_as_its_number_of_how_many() {
        assert_eq!("2/4".parse::<Shard>().unwrap().name(), "00002-of-00004");
        assert_eq!(Shard::all(3).unwrap()[2].to_string(), "3/3");
        for text in ["0/4", "5/4", "1/0", "a/b", "1", "", "/", "-1/4", "1/4/4", " 1/4", "1/100000", "1/4294967296"] {
            let refusal = text.parse::<Shard>().unwrap_err();
            assert!(refusal.contains("such as 2/4") && refusal.contains(&format!("{text:?}")), "{refusal}");
        }
        assert!(Shard::all(0).is_err() && Shard::all(MAX_SHARDS + 1).is_err());
    }

    #[test]
    fn every_part_is_of_one_shard_and_the_shards_follow_one_another() {
        let plan = Plan::sample().unwrap();
        let names = |parts: &[Part<'_>]| parts.iter().flat_map(Part::names).collect::<Vec<_>>();
        let whole = Share::whole(&plan);
        // French and English files of a subject are one part, and so are documents and their questions.
        assert_eq!((whole.own.len(), names(&whole.own).len()), (3 + 6 + 1, 3 + 12 + 2));
        for count in [1, 2, 3, 4, 7, 10, 40] {
            let shares: Vec<Share<'_>> =
                Shard::all(count).unwrap().into_iter().map(|shard| Share::of(&plan, shard)).collect();
            let read: Vec<String> = shares.iter().flat_map(|share| names(&share.own)).collect();
            assert_eq!(read, names(&whole.own), "{count} shards");
            assert!(shares.iter().all(|share| share.own.len() + share.others.len() == whole.own.len()));
            let num_busy = shares.iter().filter(|share| !share.own.is_empty()).count();
            assert!(num_busy >= (count as usize).min(4), "{num_busy} of {count} shards have something to read");
        }
    }
}
