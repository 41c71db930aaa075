//! The metrics against reference values by `NumPy` and `SciPy` (`tests/parity/metrics.py`), and by sacreBLEU
//! (`tests/parity/translation_metrics.py`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use medinjection_fr::metrics::{
    Answered, BleuCounts, ChrfCounts, LabelSet, aggregate, bleu, chrf, exact_match, hamming_score, jaccard,
    mean_intervals,
};
use medinjection_fr::record::{ChoiceLabel, Task};
use serde_json::Value;

fn reference() -> Value {
    fixture("metrics.json")
}

fn fixture(name: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parity").to_owned() + "/" + name;
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn labels(value: &Value) -> LabelSet {
    serde_json::from_value::<Vec<ChoiceLabel>>(value.clone()).unwrap().into_iter().collect()
}

fn close(found: f64, expected: &Value) {
    assert!((found - expected.as_f64().unwrap()).abs() < 1e-12, "{found} against {expected}");
}

#[test]
fn metrics_of_an_item_equal_scipys() {
    let reference = reference();
    let items = reference["items"].as_array().unwrap();
    assert_ne!(items.len(), 0);
    for item in items {
        let num_choices = u32::try_from(item["num_choices"].as_u64().unwrap()).ok();
        let answered = Answered { gold: labels(&item["gold"]), predicted: labels(&item["predicted"]), num_choices };
        close(exact_match(answered), &item["exact_match"]);
        close(jaccard(answered), &item["jaccard"]);
        close(hamming_score(answered).unwrap(), &item["hamming_score"]);
    }
}

#[test]
fn aggregates_equal_the_reference() {
    let reference = reference();
    for expected in reference["aggregates"].as_array().unwrap() {
        let sets = expected["sets"].as_array().unwrap().iter().map(|name| &reference["sets"][name.as_str().unwrap()]);
        let values = sets.map(|set| {
            let task: Task = serde_json::from_value(set["task"].clone()).unwrap();
            (task, set["exact_match"].as_f64().unwrap())
        });
        close(aggregate(values).unwrap(), &expected["exact_match"]);
    }
}

#[test]
fn intervals_agree_with_two_hundred_thousand_resamples() {
    let reference = reference();
    for (name, expected) in reference["bootstrap"].as_object().unwrap() {
        let values: Vec<f64> = serde_json::from_value(expected["values"].clone()).unwrap();
        let found = mean_intervals(&[&values], name)[0];
        // One item of the sample, and what 10,000 resamples leave to chance.
        let tolerance = 1.0 / f64::from(u32::try_from(values.len()).unwrap()) + 0.005;
        for (end, expected) in found.iter().zip(expected["interval"].as_array().unwrap()) {
            assert!((end - expected.as_f64().unwrap()).abs() < tolerance, "{name}: {found:?}");
        }
    }
}

/// Compares with sacreBLEU, whose scores are in [0, 100].
fn equals_sacrebleu(found: f64, expected: &Value, what: &str) {
    assert!((found - expected.as_f64().unwrap()).abs() < 1e-9, "{what}: {found} against {expected}");
}

#[test]
fn bleu_and_chrf_of_a_sentence_equal_sacrebleus() {
    let reference = fixture("translation_metrics.json");
    let sentences = reference["sentences"].as_array().unwrap();
    assert!(sentences.len() > 100);
    for sentence in sentences {
        let [hypothesis, expected] = ["hypothesis", "reference"].map(|side| sentence[side].as_str().unwrap());
        let chrf = ChrfCounts::of(hypothesis, expected);
        equals_sacrebleu(BleuCounts::of(hypothesis, expected).sentence_score(), &sentence["bleu"], hypothesis);
        equals_sacrebleu(chrf.chrf(), &sentence["chrf"], hypothesis);
        equals_sacrebleu(chrf.chrf_plus_plus(), &sentence["chrf_plus_plus"], hypothesis);
    }
}

#[test]
fn bleu_and_chrf_of_a_corpus_equal_sacrebleus() {
    let reference = fixture("translation_metrics.json");
    let pairs: Vec<(&str, &str)> = reference["sentences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sentence| (sentence["hypothesis"].as_str().unwrap(), sentence["reference"].as_str().unwrap()))
        .collect();
    // The odd texts come first, the real ones after them.
    let num_odd = usize::try_from(reference["num_odd"].as_u64().unwrap()).unwrap();
    for (name, pairs) in [("odd", &pairs[..num_odd]), ("real", &pairs[num_odd..]), ("all", &pairs[..])] {
        let expected = &reference["corpora"][name];
        equals_sacrebleu(bleu(pairs.iter().copied()), &expected["bleu"], name);
        equals_sacrebleu(chrf(pairs.iter().copied()), &expected["chrf"], name);
        let mut counts = ChrfCounts::default();
        for (hypothesis, reference) in pairs {
            counts.add(&ChrfCounts::of(hypothesis, reference));
        }
        equals_sacrebleu(counts.chrf_plus_plus(), &expected["chrf_plus_plus"], name);
    }
}
