//! Recall and precision of near-duplicates: `near_duplicates SOURCE=PATH…`, one line of JSON a source (`benches/near_duplicates.sh`).
//!
//! Beside each record stands a copy of which one to six words of the question or of a choice were changed, left out, added or put in
//! another place (seed 42). All pairs of these records are compared one by one, by the Jaccard similarity of their pairs of words as
//! texts, without hashes: that is the truth. A pair at the threshold or above, whose questions are not the same, is *found* where not
//! both records are kept; a near-duplicate that was rejected is *right* where it and the record kept in its place are such a pair.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use medinjection_fr::dedup::{DedupConfig, Deduplicator, Fingerprinter, Verdict, Verdicts, content_key};
use medinjection_fr::record::{Record, Split};
use medinjection_fr::source::{SourceFiles, SourceRow, find};
use medinjection_fr::text::fold;
use medinjection_fr::{Error, Result};
use serde_json::json;

const SEED: u64 = 42;
/// Words that are put into copies.
const WORDS: [&str; 8] = ["rénal", "aigu", "enfant", "biopsie", "souvent", "dose", "gauche", "deux"];
/// Lower ends of the bands of similarity that are reported.
const BANDS: [f64; 4] = [0.8, 0.85, 0.9, 0.95];

fn main() -> Result<()> {
    for argument in std::env::args().skip(1) {
        let Some((source, path)) = argument.split_once('=') else {
            return Err(Error::Data(format!("expected SOURCE=PATH, found {argument:?}")));
        };
        let records = with_copies(read(source, Path::new(path))?);
        let result = measure(&records)?;
        #[expect(clippy::print_stdout, reason = "a program that prints its result")]
        {
            println!("{}", json!({ "source": source, "records": records.len(), "near_duplicates": result }));
        }
    }
    Ok(())
}

/// The records of a source, all in one split.
fn read(source: &str, path: &Path) -> Result<Vec<Record>> {
    let source = find(source)?;
    let mut records = Vec::new();
    source.read(&SourceFiles::at(path, source.info())?, &mut |row| {
        if let SourceRow::Record(record) = row {
            records.push(Record { split: Split::Train, ..*record });
        }
        Ok(())
    })?;
    Ok(records)
}

/// The records, and a copy of each.
fn with_copies(records: Vec<Record>) -> Vec<Record> {
    let mut random = Random(SEED);
    let copies: Vec<Record> = records.iter().map(|record| copy(record, &mut random)).collect();
    records.into_iter().chain(copies).collect()
}

fn copy(record: &Record, random: &mut Random) -> Record {
    let mut copy = record.clone();
    copy.id = format!("copy-{}", record.id);
    for _ in 0..=random.below(6) {
        let field = random.below(1 + 2 * copy.choices.len());
        // Half of the changes, or nearly, are in the question.
        let text = match copy.choices.get_mut(field / 2) {
            Some(choice) if field % 2 == 1 => &mut choice.text,
            _ => &mut copy.instruction,
        };
        *text = changed(text, random);
    }
    copy
}

fn changed(text: &str, random: &mut Random) -> String {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let at = random.below(words.len().max(1));
    let word = WORDS[random.below(WORDS.len())];
    match random.below(4) {
        0 if at < words.len() => words[at] = word,
        1 if words.len() > 1 => {
            words.remove(at);
        }
        2 if at + 1 < words.len() => words.swap(at, at + 1),
        _ => words.insert(at, word),
    }
    words.join(" ")
}

/// The generator `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % end as u64).unwrap_or_default()
    }
}

fn measure(records: &[Record]) -> Result<serde_json::Value> {
    let config = DedupConfig::default();
    let verdicts = judge(records, config)?;
    let sets = shingles(records);
    let keys: Vec<_> = records.iter().map(content_key).collect();
    let mut bands: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let (mut num_pairs, mut num_found) = (0_u64, 0_u64);
    for right in 0..records.len() {
        for left in 0..right {
            let similarity = jaccard(&sets[left], &sets[right]);
            if similarity < config.near_threshold || keys[left] == keys[right] {
                continue;
            }
            let is_found = !(verdicts.keeps(left) && verdicts.keeps(right));
            num_pairs += 1;
            num_found += u64::from(is_found);
            let band = BANDS.iter().rev().find(|from| similarity >= **from).copied().unwrap_or(config.near_threshold);
            let counts = bands.entry(format!("from {band:.2}")).or_default();
            *counts = (counts.0 + 1, counts.1 + u64::from(is_found));
        }
    }
    let places: BTreeMap<&str, usize> =
        records.iter().zip(0..).map(|(record, place)| (record.id.as_str(), place)).collect();
    let (mut num_rejected, mut num_right) = (0_u64, 0_u64);
    for (place, verdict) in verdicts.iter().enumerate() {
        if let Verdict::NearDuplicate { partner_id, .. } = verdict {
            num_rejected += 1;
            let partner = places.get(partner_id.as_str()).copied().unwrap_or(place);
            num_right += u64::from(partner != place && jaccard(&sets[place], &sets[partner]) >= config.near_threshold);
        }
    }
    Ok(json!({
        "threshold": config.near_threshold,
        "pairs": num_pairs, "found": num_found, "recall": share(num_found, num_pairs),
        "rejected": num_rejected, "right": num_right, "precision": share(num_right, num_rejected),
        "recall_by_similarity": bands.into_iter().map(|(band, (pairs, found))| (band, json!({ "pairs": pairs, "found": found }))).collect::<BTreeMap<_, _>>(),
    }))
}

fn judge(records: &[Record], config: DedupConfig) -> Result<Verdicts> {
    let directory = tempfile::tempdir().map_err(Error::io("a temporary folder"))?;
    let fingerprinter = Fingerprinter::new(&config);
    let mut deduplicator = Deduplicator::create(directory.path(), config)?;
    for record in records {
        deduplicator.push(&record.id, record.split, &fingerprinter.fingerprint(record))?;
    }
    deduplicator.finish()?.verdicts(2)
}

/// For each record its pairs of words, each pair as a number of its own; ascending.
fn shingles(records: &[Record]) -> Vec<Vec<u32>> {
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    let mut of_record = |record: &Record| {
        let choices: BTreeSet<String> = record.choices.iter().map(|choice| fold(&choice.text)).collect();
        let fields = [fold(&record.context), fold(&record.instruction)].into_iter().chain(choices);
        let mut set = BTreeSet::new();
        for field in fields.filter(|field| !field.is_empty()) {
            let words: Vec<&str> = field.split(' ').collect();
            for pair in words.windows(words.len().min(2)) {
                let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                set.insert(*numbers.entry(pair.join(" ")).or_insert(next));
            }
        }
        set.into_iter().collect()
    };
    records.iter().map(&mut of_record).collect()
}

fn jaccard(left: &[u32], right: &[u32]) -> f64 {
    let (mut first, mut second, mut shared) = (0, 0, 0_u64);
    while first < left.len() && second < right.len() {
        let (one, other) = (left[first], right[second]);
        shared += u64::from(one == other);
        first += usize::from(one <= other);
        second += usize::from(other <= one);
    }
    share(shared, (left.len() + right.len()) as u64 - shared)
}

/// `part / whole`; 0 where there is nothing.
#[expect(clippy::cast_precision_loss, reason = "numbers of pairs are far below 2^53")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
