//! What a build, and the preview of one, say in the terminal.

use std::fmt::{Result, Write};
use std::path::Path;

use indicatif::{HumanBytes, HumanCount};

use crate::build::{BuiltShard, ExpectedRows, Preview, Standing};
use crate::provenance::{Manifest, SourceEntry};
use crate::record::Reason;

/// Files of a source that a preview names.
const NAMED_FILES: usize = 6;

/// What is in the data set, what each step let pass, and what was rejected.
pub(super) fn built(manifest: &Manifest) -> std::result::Result<String, std::fmt::Error> {
    let mut text = String::new();
    contents(manifest, &mut text)?;
    steps(manifest, &mut text)?;
    rejected(manifest, &mut text)?;
    Ok(text)
}

/// What a shard has read, and where it keeps what it found.
pub(super) fn shard(built: &BuiltShard) -> std::result::Result<String, std::fmt::Error> {
    let BuiltShard { shard, path, files, num_records, num_rejected, up_to_date: _ } = built;
    let mut text = String::new();
    for file in files {
        writeln!(text, "{file}")?;
    }
    let (records, rejected) = (grouped(*num_records), grouped(*num_rejected));
    let (num_files, path) = (files.len(), path.display());
    writeln!(text, "shard {shard}: {num_files} files, {records} records, {rejected} rows rejected: {path}")?;
    Ok(text)
}

fn contents(manifest: &Manifest, text: &mut String) -> Result {
    let row = |text: &mut String, [split, origin, source, task]: [&str; 4], [read, kept]: [&str; 2]| {
        writeln!(text, "{split:<11} {origin:<11} {source:<16} {task:<5} {read:>10} {kept:>10}")
    };
    row(text, ["split", "origin", "source", "task"], ["read", "kept"])?;
    let (mut num_read, mut num_kept) = (0, 0);
    for count in &manifest.counts {
        let [split, origin, task] = [count.split.to_string(), count.origin.to_string(), count.task.to_string()];
        let numbers = [count.num_read, count.num_records].map(grouped);
        row(text, [&split, &origin, &count.source, &task], numbers.each_ref().map(String::as_str))?;
        num_read += count.num_read;
        num_kept += count.num_records;
    }
    for source in &manifest.sources {
        if let Some(number) = source.rejected.get("unreadable") {
            row(text, ["unreadable", "", &source.name, ""], [&grouped(*number), "0"])?;
            num_read += number;
        }
    }
    if num_read > 0 {
        row(text, ["all", "", "", ""], [&grouped(num_read), &grouped(num_kept)])?;
    }
    for table in ["originals", "documents"] {
        let number = num_rows(manifest, table);
        if number > 0 {
            row(text, [table, "", "", ""], ["", &grouped(number)])?;
        }
    }
    Ok(())
}

fn steps(manifest: &Manifest, text: &mut String) -> Result {
    if manifest.steps.iter().all(|step| step.num_in == 0) {
        return Ok(());
    }
    writeln!(text, "\n{:<11} {:>10} {:>10}  rejected as", "step", "in", "out")?;
    for step in &manifest.steps {
        let reasons: Vec<String> =
            step.rejected.iter().map(|(reason, number)| format!("{reason} {}", grouped(*number))).collect();
        let line = format!(
            "{:<11} {:>10} {:>10}  {}",
            step.step,
            grouped(step.num_in),
            grouped(step.num_out),
            reasons.join(", ")
        );
        writeln!(text, "{}", line.trim_end())?;
    }
    Ok(())
}

fn rejected(manifest: &Manifest, text: &mut String) -> Result {
    let by_source = |source: &SourceEntry| -> Vec<(String, String, u64)> {
        let rejected = source.rejected.iter();
        rejected.map(|(reason, number)| (source.name.clone(), reason.clone(), *number)).collect()
    };
    let rows: Vec<_> = manifest.sources.iter().flat_map(by_source).collect();
    if !rows.is_empty() {
        writeln!(text, "\n{:<16} {:<18} {:>10}", "source", "rejected as", "rows")?;
        for (source, reason, number) in rows {
            writeln!(text, "{source:<16} {reason:<18} {:>10}", grouped(number))?;
        }
    }
    let warnings = manifest.steps.iter().flat_map(|step| &step.warnings);
    let warnings: Vec<String> = warnings.map(|(reason, number)| format!("{reason} {}", grouped(*number))).collect();
    if !warnings.is_empty() {
        writeln!(text, "\nwarnings: {}", warnings.join(", "))?;
    }
    Ok(())
}

/// What the user should know that the tables do not show: sources without rows, a data set without rows.
pub(super) fn remarks(manifest: &Manifest) -> Vec<String> {
    let has_rows = |source: &SourceEntry| {
        let is_counted = manifest.counts.iter().any(|count| count.source == source.name);
        is_counted || !source.licenses.is_empty() || !source.rejected.is_empty()
    };
    let empty = manifest.sources.iter().filter(|source| !has_rows(source)).map(|source| {
        let files: Vec<&str> = source.files.keys().map(String::as_str).collect();
        format!("{}: no row was found in {}; look whether the files are the right ones", source.name, some(&files))
    });
    let mut remarks: Vec<String> = empty.collect();
    let personal: u64 = manifest.steps.iter().filter_map(|step| step.warnings.get(Reason::PersonalData.as_str())).sum();
    if personal > 0 {
        remarks.push(format!(
            "personal data may stand in records that are kept ({} findings): list them with validate --csv before you publish",
            grouped(personal)
        ));
    }
    let num_records: u64 = manifest.counts.iter().map(|count| count.num_records).sum();
    let others = ["originals", "documents"].map(|table| num_rows(manifest, table));
    if num_records == 0 && others == [0, 0] {
        remarks.push("the data set is empty: no record, original or document was kept".to_owned());
    } else if num_records == 0 {
        remarks.push("the data set holds no record to train on, only what records are made from".to_owned());
    }
    remarks
}

/// The first names of many.
fn some(names: &[&str]) -> String {
    match names {
        [first, second, third, others @ ..] if !others.is_empty() => {
            format!("{first}, {second}, {third} and {} more", others.len())
        }
        _ => names.join(", "),
    }
}

fn num_rows(manifest: &Manifest, table: &str) -> u64 {
    let of_table = |name: &str| name.strip_prefix(table).is_some_and(|rest| rest.starts_with('/'));
    manifest.files.iter().filter(|(name, _)| of_table(name)).filter_map(|(_, entry)| entry.num_rows).sum()
}

/// What a build into `out` on `num_threads` threads would do.
pub(super) fn preview(
    preview: &Preview,
    out: &Path,
    num_threads: usize,
) -> std::result::Result<String, std::fmt::Error> {
    let mut text = String::new();
    for source in &preview.sources {
        writeln!(text, "{}: {}, licence {}", source.name, source.kind, source.license)?;
        // A corpus of one file a document has hundreds of them.
        let (named, others) = source.files.split_at(source.files.len().min(NAMED_FILES));
        for file in named {
            writeln!(text, "  {:<40} {:>12} {:>18}", file.name, bytes(file.num_bytes), rows(file.rows))?;
        }
        if !others.is_empty() {
            let num_bytes = others.iter().map(|file| file.num_bytes).sum();
            let name = format!("and {} more", others.len());
            let others = rows(others.iter().map(|file| file.rows).sum());
            writeln!(text, "  {name:<40} {:>12} {others:>18}", bytes(num_bytes))?;
        }
    }
    let files = || preview.sources.iter().flat_map(|source| &source.files);
    let (num_bytes, expected) = (files().map(|file| file.num_bytes).sum(), files().map(|file| file.rows).sum());
    writeln!(text, "{:<42} {:>12} {:>18}", "all", bytes(num_bytes), rows(expected))?;
    writeln!(text, "\n\"about\": estimated; the other rows were counted. How many are kept only the build can tell.")?;
    writeln!(text, "\nthreads = {num_threads}, seed = {}", preview.config["seed"])?;
    for section in ["dedup", "output"] {
        for (key, value) in preview.config[section].as_object().into_iter().flatten() {
            writeln!(text, "{section}.{key} = {value}")?;
        }
    }
    for source in preview.config["source"].as_array().into_iter().flatten() {
        for (key, value) in source.as_object().into_iter().flatten().filter(|(key, _)| *key != "name") {
            if !value.is_null() {
                writeln!(text, "source.{}.{key} = {value}", source["name"].as_str().unwrap_or_default())?;
            }
        }
    }
    let standing = match preview.standing {
        Standing::Make => "would be written; a table without rows has no file",
        Standing::Resume => "would be written, from where an interrupted build had come to",
        Standing::UpToDate => "is up to date: nothing would be done",
    };
    writeln!(text, "\n{} {standing}:", out.display())?;
    for file in &preview.files {
        writeln!(text, "  {file}")?;
    }
    Ok(text)
}

fn rows(ExpectedRows { num_rows, is_estimate }: ExpectedRows) -> String {
    let (about, plural) = (if is_estimate { "about " } else { "" }, if num_rows == 1 { "" } else { "s" });
    format!("{about}{} row{plural}", grouped(num_rows))
}

fn bytes(number: u64) -> String {
    HumanBytes(number).to_string()
}

fn grouped(number: u64) -> String {
    HumanCount(number).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{Plan, build};

    fn manifest_of(json: &serde_json::Value) -> Manifest {
        let mut manifest = serde_json::to_value(Manifest::new(serde_json::Value::Null)).unwrap();
        for (key, value) in json.as_object().unwrap() {
            manifest[key] = value.clone();
        }
        serde_json::from_value(manifest).unwrap()
    }

    #[test]
    fn a_data_set_of_documents_says_so_and_shows_them() {
        let file = serde_json::json!({ "sha256": "", "num_bytes": 1, "num_rows": 1_065 });
        let manifest =
            manifest_of(&serde_json::json!({ "files": { "documents/documents-00000-of-00001.parquet": file } }));
        let text = built(&manifest).unwrap();
        assert!(text.contains("documents") && text.contains("1,065") && !text.contains("all "), "{text}");
        assert_eq!(remarks(&manifest), ["the data set holds no record to train on, only what records are made from"]);
    }

    #[test]
    fn a_source_without_rows_and_an_empty_data_set_are_remarked() {
        let source = serde_json::json!({
            "name": "annales", "license": "MIT", "licenses": {}, "redistribution": "attribution", "citation": "",
            "homepage": "", "revision": "", "rejected": {}, "notes": [],
            "files": { "a.json": { "sha256": "", "num_bytes": 2 } },
        });
        let remarks = remarks(&manifest_of(&serde_json::json!({ "sources": [source] })));
        assert_eq!(remarks[0], "annales: no row was found in a.json; look whether the files are the right ones");
        assert_eq!(remarks[1], "the data set is empty: no record, original or document was kept");
    }

    #[test]
    fn rows_that_cannot_be_read_are_counted_among_those_read() {
        let source = serde_json::json!({
            "name": "annales", "license": "MIT", "licenses": {}, "redistribution": "attribution", "citation": "",
            "homepage": "", "revision": "", "rejected": { "unreadable": 3 }, "notes": [], "files": {},
        });
        let text = built(&manifest_of(&serde_json::json!({ "sources": [source] }))).unwrap();
        let line = text.lines().find(|line| line.starts_with("all")).unwrap();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["all", "3", "0"]);
    }

    #[test]
    fn the_steps_of_the_sample_are_shown() {
        let directory = tempfile::tempdir().unwrap();
        let manifest = build(&Plan::sample().unwrap(), &directory.path().join("out"), false).unwrap().manifest;
        let text = built(&manifest).unwrap();
        for step in ["read", "validate", "deduplicate"] {
            assert!(text.lines().any(|line| line.starts_with(step)), "{text}");
        }
        assert_eq!(remarks(&manifest), Vec::<String>::new());
    }
}
