//! Counts the planted copies of a corpus that its build found: `build_scale_score PLANTED DATASET` (`benches/build_scale.sh`).
//!
//! A copy and its model are a pair, and the pair is found where one of the two was rejected as the other's duplicate, near-duplicate
//! or leak: which of them stays is for the build to say. What else was rejected was not planted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use medinjection_fr::provenance::Dataset;
use medinjection_fr::record::Reason;
use medinjection_fr::{Error, Result};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [planted, dataset] = arguments.as_slice() else {
        return Err(Error::Data("expected two arguments: planted.json and a data set".to_owned()));
    };
    let planted = Path::new(planted);
    let text = std::fs::read(planted).map_err(Error::io(planted))?;
    let planted: BTreeMap<String, Vec<String>> =
        serde_json::from_slice(&text).map_err(|error| Error::format(planted, error))?;
    let kinds: BTreeMap<&str, &str> = planted
        .iter()
        .flat_map(|(kind, numbers)| numbers.iter().map(|number| (number.as_str(), kind.as_str())))
        .collect();
    let mut found: BTreeMap<&str, BTreeSet<String>> =
        planted.keys().map(|kind| (kind.as_str(), BTreeSet::new())).collect();
    let (mut others, mut num_others) = (BTreeMap::<String, u64>::new(), 0);
    for rejected in Dataset::open(Path::new(dataset))?.rejected() {
        let rejected = rejected?;
        let source_id = rejected.record.map(|record| record.source_id).unwrap_or_default();
        let number = source_id.rsplit('-').next().unwrap_or_default();
        let is_repeated = matches!(rejected.reason, Reason::Duplicate | Reason::NearDuplicate | Reason::Leak);
        if let Some(kind) = kinds.get(number).filter(|_| is_repeated) {
            found.entry(*kind).or_default().insert(number.to_owned());
        } else {
            num_others += 1;
            *others.entry(rejected.reason.to_string()).or_default() += 1;
        }
    }
    let found: BTreeMap<&str, usize> = found.iter().map(|(kind, numbers)| (*kind, numbers.len())).collect();
    let planted: BTreeMap<&str, usize> = planted.iter().map(|(kind, numbers)| (kind.as_str(), numbers.len())).collect();
    let score = serde_json::json!({
        "planted": planted, "found": found, "rejected_not_planted": num_others, "not_planted_by_reason": others,
    });
    #[expect(clippy::print_stdout, reason = "a program that prints its result")]
    {
        println!("{score}");
    }
    Ok(())
}
