//! From a data set to the files of a mixture.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::draw::draw_key;
use super::number::{to_count, to_number};
use super::{Draw, MAX_RECORDS, Mixture, MixtureSummary, Preset, SplitSummary, check_leaks, draw, scaled_size};
use crate::columnar::RecordKey;
use crate::provenance::{
    AtomicFile, Dataset, Freshness, TEMPORARY_PREFIX, TOOL_VERSION, check_output_file, sha256_file, write_json,
};
use crate::record::{Record, Split};
use crate::render::TrainingRow;
use crate::{Error, Result};

/// Name of the file that describes a mixture; it is written last.
pub const MIXTURE: &str = "mixture.json";

/// What a mixture is asked to be.
#[derive(Debug, Clone)]
pub struct Request {
    /// Ratios, size and seed.
    pub mixture: Mixture,
    /// The preset that the mixture is, if it is one.
    pub preset: Option<Preset>,
    /// Number of validation records; 5 % of the size where not given.
    pub validation_size: Option<u64>,
    /// Draw open questions too.
    pub include_open: bool,
    /// How often a record may be drawn.
    pub allow_repetition: u64,
    /// Lower the size to what there is.
    pub scale_to_available: bool,
    /// Accept a data set whose groups cross splits.
    pub allow_leaks: bool,
}

/// Draws the mixture and writes `train.jsonl`, `validation.jsonl` and, last, `mixture.json` into `directory`.
///
/// Gives the summary, and whether anything had to be written: files made by the same request are left alone.
///
/// # Errors
/// [`Error::Data`] if the data set leaks or has too few records, or if `directory` holds another mixture and `force` is
/// false; [`Error::Format`] if it holds other things and no mixture; it and [`Error::Io`] if a file cannot be read or
/// written.
pub fn write_mixture(
    dataset: &Dataset,
    request: &Request,
    directory: &Path,
    force: bool,
) -> Result<(MixtureSummary, bool)> {
    let mut summary = request.summary(dataset);
    check_place(directory, dataset)?;
    let found = read_summary(directory)?;
    if let Some(found) = &found
        && !freshness(found, &summary, directory)?.must_make(directory, force)?
    {
        return Ok((found.clone(), false));
    }
    if !request.allow_leaks {
        let splits = Split::ALL.iter().flat_map(|split| dataset.keys(*split));
        check_leaks(&splits.collect::<Result<Vec<_>>>()?)?;
    }
    let train = candidates(dataset, Split::Train, request.include_open)?;
    let taken = draw(&request.train_mixture(&train)?, &train, request.allow_repetition)?;
    summary.train = SplitSummary::count(times(&train, &taken));
    let validation = candidates(dataset, Split::Validation, request.include_open)?;
    let held_out = request.draw_validation(&validation, &mut summary.notes)?;
    summary.validation = SplitSummary::count(times(&validation, &held_out));

    // Everything that can fail is done before the old files go.
    let mut files = Vec::new();
    for (split, taken) in [(Split::Train, &taken), (Split::Validation, &held_out)] {
        let path = directory.join(rows_name(split));
        files.push((split, write_rows(dataset, split, taken, request.mixture.seed(), &path)?));
    }
    let path = directory.join(MIXTURE);
    if found.is_some() {
        std::fs::remove_file(&path).map_err(Error::io(&path))?;
    }
    for (split, file) in files {
        file.commit()?;
        summary.files.insert(rows_name(split), sha256_file(&directory.join(rows_name(split)))?);
    }
    write_json(&path, &summary)?;
    Ok((summary, true))
}

/// The summary of the mixture in `directory`, if there is one.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Format`] if it is not the summary of a mixture.
pub fn read_summary(directory: &Path) -> Result<Option<MixtureSummary>> {
    let path = directory.join(MIXTURE);
    if !path.exists() {
        return Ok(None);
    }
    let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| Error::format(&path, format!("expected the summary of a mixture: {error}")))
}

impl Request {
    /// A request for `mixture` as the study makes them: multiple choice only, no repetition, nothing scaled.
    #[must_use]
    pub fn new(mixture: Mixture) -> Self {
        Self {
            mixture,
            preset: None,
            validation_size: None,
            include_open: false,
            allow_repetition: 1,
            scale_to_available: false,
            allow_leaks: false,
        }
    }

    fn summary(&self, dataset: &Dataset) -> MixtureSummary {
        MixtureSummary {
            tool_version: TOOL_VERSION.to_owned(),
            preset: self.preset.map(|preset| preset.as_str().to_owned()),
            field: self.mixture.field(),
            ratios: self.mixture.ratios().iter().cloned().collect(),
            size: self.mixture.num_records(),
            validation_size: self.validation_size(),
            seed: self.mixture.seed(),
            include_open: self.include_open,
            allow_repetition: self.allow_repetition,
            scale_to_available: self.scale_to_available,
            allow_leaks: self.allow_leaks,
            dataset: dataset.manifest_sha256().to_owned(),
            train: SplitSummary::default(),
            validation: SplitSummary::default(),
            notes: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    /// 5 % of the size, rounded, where no number was given.
    fn validation_size(&self) -> u64 {
        self.validation_size.unwrap_or_else(|| (self.mixture.num_records() + 10) / 20)
    }

    fn train_mixture(&self, candidates: &[RecordKey]) -> Result<Mixture> {
        if !self.scale_to_available {
            return Ok(self.mixture.clone());
        }
        match scaled_size(&self.mixture, candidates, self.allow_repetition) {
            0 => Err(Error::Data(format!(
                "a value of the mixture has no training record (it takes {}); take another mixture",
                self.mixture.ratios().iter().map(|(value, _)| value.as_str()).collect::<Vec<_>>().join(", ")
            ))),
            size => self.mixture.with_size(size),
        }
    }

    /// Validation records in the same ratios; a value without any contributes none, and the rest gives what it has.
    fn draw_validation(&self, candidates: &[RecordKey], notes: &mut Vec<String>) -> Result<Draw> {
        let mut present = Vec::new();
        for (value, ratio) in self.mixture.ratios() {
            if candidates.iter().any(|candidate| candidate.value(self.mixture.field()) == value) {
                present.push((value.clone(), *ratio));
            } else {
                notes.push(format!("{value} has no validation split and contributes no validation record"));
            }
        }
        let part: f64 = present.iter().map(|(_, ratio)| ratio).sum();
        if self.validation_size() > MAX_RECORDS {
            let message = format!("expected at most {MAX_RECORDS} records, found {}", self.validation_size());
            return Err(Error::config("validation size", message));
        }
        let wanted = to_count((to_number(self.validation_size()) * part).round());
        if wanted == 0 {
            return Ok(Draw::new());
        }
        for (_, ratio) in &mut present {
            *ratio /= part;
        }
        let mixture = Mixture::new(self.mixture.field(), present, wanted, self.mixture.seed())?;
        match scaled_size(&mixture, candidates, 1) {
            0 => Ok(Draw::new()),
            size => {
                if size < wanted {
                    notes.push(format!(
                        "{wanted} validation records were asked for, {size} are available in these ratios"
                    ));
                }
                draw(&mixture.with_size(size)?, candidates, 1)
            }
        }
    }
}

fn candidates(dataset: &Dataset, split: Split, include_open: bool) -> Result<Vec<RecordKey>> {
    let wanted = |key: &Result<RecordKey>| match key {
        Ok(key) => include_open || key.task.is_multiple_choice(),
        Err(_) => true,
    };
    dataset.keys(split).filter(wanted).collect()
}

fn times<'a>(candidates: &'a [RecordKey], taken: &'a Draw) -> impl Iterator<Item = (&'a RecordKey, u64)> {
    candidates.iter().filter_map(|candidate| taken.get(&candidate.id).map(|times| (candidate, *times)))
}

/// Checks that `directory` is absent, empty or a mixture, and that no file of the data set is where the mixture goes.
fn check_place(directory: &Path, dataset: &Dataset) -> Result<()> {
    let inputs = dataset.files();
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    for name in [MIXTURE.to_owned(), rows_name(Split::Train), rows_name(Split::Validation)] {
        check_output_file(&directory.join(name), &inputs)?;
    }
    if !directory.exists() || directory.join(MIXTURE).exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(directory).map_err(Error::io(directory))? {
        let name = entry.map_err(Error::io(directory))?.file_name();
        // A temporary file is what a kill left of an earlier try.
        if !name.to_string_lossy().starts_with(TEMPORARY_PREFIX) {
            let message = format!("expected a mixture or an empty directory, found {}", name.display());
            return Err(Error::format(directory, message + " and no mixture.json; give another directory"));
        }
    }
    Ok(())
}

/// Whether the mixture `found` in `directory` is the one that is asked for.
fn freshness(found: &MixtureSummary, asked: &MixtureSummary, directory: &Path) -> Result<Freshness> {
    Ok(if !found.same_request(asked) {
        Freshness::Other("it holds another mixture".to_owned())
    } else if unchanged(found, directory)? {
        Freshness::Same
    } else {
        Freshness::Other("its files were changed after they were made".to_owned())
    })
}

/// Name of the file of a split's rows.
fn rows_name(split: Split) -> String {
    format!("{split}.jsonl")
}

fn unchanged(summary: &MixtureSummary, directory: &Path) -> Result<bool> {
    for (name, expected) in &summary.files {
        let path = directory.join(name);
        if !path.exists() || sha256_file(&path)? != *expected {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes the rows in the order of the draw, so that no trainer meets one origin after the other.
fn write_rows(dataset: &Dataset, split: Split, taken: &Draw, seed: u64, path: &Path) -> Result<AtomicFile> {
    let mut lines = BTreeMap::new();
    for record in dataset.records(split) {
        let record = record?;
        let Some(&times) = taken.get(&record.id) else { continue };
        let line = row(&record, split).map_err(|error| Error::format(path, error))?;
        for repetition in 0..times {
            lines.insert((repetition, draw_key(seed, &record.id), record.id.clone()), line.clone());
        }
    }
    let mut file = AtomicFile::create(path)?;
    for line in lines.values() {
        file.write_all(line.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(Error::io(path))?;
    }
    Ok(file)
}

fn row(record: &Record, split: Split) -> serde_json::Result<String> {
    serde_json::to_string(&match split {
        Split::Train => TrainingRow::train(record),
        Split::Validation | Split::Test => TrainingRow::validation(record),
    })
}
