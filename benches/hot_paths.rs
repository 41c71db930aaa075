//! Speed of what a build does to every record, on the records of the built-in sample, on one thread:
//! `cargo bench --bench hot_paths [-- FILTER]`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medinjection_fr::Result;
use medinjection_fr::build::Plan;
use medinjection_fr::columnar::RecordWriter;
use medinjection_fr::dedup::{DedupConfig, Deduplicator, Fingerprint, Fingerprinter};
use medinjection_fr::language::detect_fields;
use medinjection_fr::record::Record;
use medinjection_fr::source::SourceRow;
use medinjection_fr::validate::Rules;

/// The records of the sample with their languages, as the first pass has them.
fn records() -> Vec<Record> {
    let mut records = Vec::new();
    for input in &Plan::sample().expect("the sample is whole").inputs {
        let read = input.source.read(&input.files, &mut |row| {
            if let SourceRow::Record(record) = row {
                records.push(Record { languages: detect_fields(&record), ..*record });
            }
            Ok(())
        });
        read.expect("the sample is whole");
    }
    records
}

/// Reading and parsing the sources of the sample, originals and documents among them.
fn parse() -> Result<usize> {
    let mut num_rows = 0;
    for input in &Plan::sample()?.inputs {
        input.source.read(&input.files, &mut |row| {
            num_rows += usize::from(!matches!(black_box(row), SourceRow::Note(_)));
            Ok(())
        })?;
    }
    Ok(num_rows)
}

fn verdicts(records: &[Record], fingerprints: &[Fingerprint]) -> Result<usize> {
    let directory = tempfile::tempdir().map_err(medinjection_fr::Error::io("a temporary folder"))?;
    let mut deduplicator = Deduplicator::create(directory.path(), DedupConfig::default())?;
    for (record, fingerprint) in records.iter().zip(fingerprints) {
        deduplicator.push(&record.id, record.split, fingerprint)?;
    }
    Ok(deduplicator.finish()?.verdicts(1)?.len())
}

fn parquet(records: Vec<Record>) -> Result<u64> {
    let directory = tempfile::tempdir().map_err(medinjection_fr::Error::io("a temporary folder"))?;
    let mut writer = RecordWriter::create(&directory.path().join("records.parquet"))?;
    records.into_iter().try_for_each(|record| writer.write(record))?;
    writer.finish()
}

fn hot_paths(criterion: &mut Criterion) {
    let records = records();
    let fingerprinter = Fingerprinter::new(&DedupConfig::default());
    let fingerprints: Vec<Fingerprint> = records.iter().map(|record| fingerprinter.fingerprint(record)).collect();
    let rules = Rules::standard();
    let mut group = criterion.benchmark_group("records");
    group.sample_size(20);
    group.throughput(Throughput::Elements(records.len() as u64));
    group.bench_function("parse", |bencher| bencher.iter(parse));
    group.bench_function("language", |bencher| {
        bencher.iter(|| records.iter().map(|record| detect_fields(record).len()).sum::<usize>());
    });
    group.bench_function("rules", |bencher| {
        bencher.iter(|| records.iter().map(|record| rules.check(record, None).len()).sum::<usize>());
    });
    group.bench_function("fingerprint", |bencher| {
        bencher.iter(|| records.iter().for_each(|record| drop(black_box(fingerprinter.fingerprint(record)))));
    });
    group.bench_function("duplicates", |bencher| bencher.iter(|| verdicts(&records, &fingerprints)));
    group.bench_function("parquet", |bencher| {
        bencher.iter_batched(|| records.clone(), parquet, criterion::BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, hot_paths);
criterion_main!(benches);
