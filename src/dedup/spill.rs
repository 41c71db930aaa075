//! What is known of every record, on disk: memory holds one column of it at a time.
//!
//! A directory of flat files, each with one entry a record in the order of the records: identifiers, keys, one file a band,
//! shingles, n-grams.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::config::{Banding, DedupConfig};
use super::fingerprint::Fingerprint;
use crate::record::Split;
use crate::{Error, Result};

/// Bytes of an entry of the file of keys: content, group, split.
const KEY_BYTES: usize = 33;

/// Writer of the files.
#[derive(Debug)]
pub(super) struct SpillWriter {
    ids: Column,
    keys: Column,
    shingles: Column,
    grams: Column,
    question_grams: Column,
    answers: Column,
    bands: Vec<Column>,
}

/// One file being written.
#[derive(Debug)]
struct Column {
    path: PathBuf,
    writer: BufWriter<File>,
}

impl Column {
    fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).map_err(Error::io(&path))?;
        Ok(Self { path, writer: BufWriter::with_capacity(1 << 16, file) })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(Error::io(&self.path))
    }

    /// A number of elements, then the elements.
    fn write_set(&mut self, set: &[u32]) -> Result<()> {
        let mut bytes = Vec::with_capacity(4 * (set.len() + 1));
        bytes.extend_from_slice(&length(set.len()).to_le_bytes());
        bytes.extend(set.iter().flat_map(|element| element.to_le_bytes()));
        self.write(&bytes)
    }
}

fn length(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl SpillWriter {
    pub(super) fn create(directory: &Path, config: &DedupConfig) -> Result<Self> {
        std::fs::create_dir_all(directory).map_err(Error::io(directory))?;
        let column = |name: &str| Column::create(directory.join(name));
        let bands = (0..Banding::of(config).num_bands).map(|band| column(&band_name(band)));
        Ok(Self {
            ids: column("ids")?,
            keys: column("keys")?,
            shingles: column("shingles")?,
            grams: column("grams")?,
            question_grams: column("question-grams")?,
            answers: column("answers")?,
            bands: bands.collect::<Result<_>>()?,
        })
    }

    pub(super) fn push(&mut self, id: &str, split: Split, fingerprint: &Fingerprint) -> Result<()> {
        self.ids.write(&length(id.len()).to_le_bytes())?;
        self.ids.write(id.as_bytes())?;
        self.keys.write(&fingerprint.content.0)?;
        self.keys.write(&fingerprint.group.0)?;
        self.keys.write(&[split as u8])?;
        self.shingles.write_set(&fingerprint.shingles)?;
        self.grams.write_set(&fingerprint.grams)?;
        // Only test records are asked for theirs.
        self.question_grams.write_set(if split == Split::Test { &fingerprint.question_grams } else { &[] })?;
        self.answers.write_set(&fingerprint.answers)?;
        self.bands.iter_mut().zip(&fingerprint.bands).try_for_each(|(column, band)| column.write(&band.to_le_bytes()))
    }

    pub(super) fn finish(self) -> Result<()> {
        let Self { ids, keys, shingles, grams, question_grams, answers, bands } = self;
        let mut columns = [ids, keys, shingles, grams, question_grams, answers].into_iter().chain(bands);
        columns.try_for_each(|mut column| column.writer.flush().map_err(Error::io(&column.path)))
    }
}

fn band_name(band: usize) -> String {
    format!("band-{band:03}")
}

/// Reader of the files.
#[derive(Debug)]
pub(super) struct Spill {
    directory: PathBuf,
    num_records: usize,
}

/// Which of the two keys of a record.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    Content,
    Group,
}

impl Spill {
    pub(super) fn open(directory: &Path) -> Result<Self> {
        let keys = directory.join("keys");
        let num_bytes = keys.metadata().map_err(Error::io(&keys))?.len();
        let num_records = usize::try_from(num_bytes).unwrap_or(usize::MAX) / KEY_BYTES;
        if u32::try_from(num_records).is_err() {
            let message = format!("expected fewer than {} records, found {num_records}; build less at once", u32::MAX);
            return Err(Error::format(&keys, message));
        }
        Ok(Self { directory: directory.to_path_buf(), num_records })
    }

    /// The split of each record.
    pub(super) fn splits(&self) -> Result<Vec<Split>> {
        let mut splits = Vec::with_capacity(self.num_records);
        self.each_key(|entry| {
            splits.push(Split::ALL[usize::from(entry[KEY_BYTES - 1]).min(Split::ALL.len() - 1)]);
        })?;
        Ok(splits)
    }

    /// For each record the first record with the same key.
    pub(super) fn first_with_same(&self, key: Key) -> Result<Vec<u32>> {
        let start = match key {
            Key::Content => 0,
            Key::Group => 16,
        };
        let mut places: Vec<([u8; 16], u32)> = Vec::with_capacity(self.num_records);
        self.each_key(|entry| {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&entry[start..start + 16]);
            places.push((bytes, length(places.len())));
        })?;
        places.sort_unstable();
        let mut firsts = vec![0; places.len()];
        for same in places.chunk_by(|left, right| left.0 == right.0) {
            for (_, place) in same {
                firsts[*place as usize] = same[0].1;
            }
        }
        Ok(firsts)
    }

    fn each_key(&self, mut each: impl FnMut(&[u8; KEY_BYTES])) -> Result<()> {
        let (path, mut reader) = self.reader("keys")?;
        let mut entry = [0; KEY_BYTES];
        for _ in 0..self.num_records {
            reader.read_exact(&mut entry).map_err(Error::io(&path))?;
            each(&entry);
        }
        Ok(())
    }

    /// The hash of each record's band, with the record, for the records that `wanted` names.
    pub(super) fn band(&self, band: usize, wanted: impl Fn(u32) -> bool) -> Result<Vec<(u32, u32)>> {
        let (path, mut reader) = self.reader(&band_name(band))?;
        let mut hashes = Vec::new();
        let mut bytes = [0; 4];
        for record in 0..length(self.num_records) {
            reader.read_exact(&mut bytes).map_err(Error::io(&path))?;
            if wanted(record) {
                hashes.push((u32::from_le_bytes(bytes), record));
            }
        }
        Ok(hashes)
    }

    pub(super) fn shingles(&self) -> Result<Sets> {
        Sets::open(self.directory.join("shingles"), self.num_records)
    }

    pub(super) fn grams(&self) -> Result<Sets> {
        Sets::open(self.directory.join("grams"), self.num_records)
    }

    /// The n-grams of the questions of test records.
    pub(super) fn question_grams(&self) -> Result<Sets> {
        Sets::open(self.directory.join("question-grams"), self.num_records)
    }

    /// The choices of each record, with those that are correct marked.
    pub(super) fn answers(&self) -> Result<Sets> {
        Sets::open(self.directory.join("answers"), self.num_records)
    }

    /// The identifiers of `records`, which ascend.
    pub(super) fn ids(&self, records: impl IntoIterator<Item = u32>) -> Result<Vec<String>> {
        let (path, mut reader) = self.reader("ids")?;
        let mut next = 0;
        let mut bytes = Vec::new();
        let mut ids = Vec::new();
        for wanted in records {
            while next <= wanted {
                let mut size = [0; 4];
                reader.read_exact(&mut size).map_err(Error::io(&path))?;
                bytes.resize(u32::from_le_bytes(size) as usize, 0);
                reader.read_exact(&mut bytes).map_err(Error::io(&path))?;
                next += 1;
            }
            ids.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(ids)
    }

    fn reader(&self, name: &str) -> Result<(PathBuf, BufReader<File>)> {
        let path = self.directory.join(name);
        let file = File::open(&path).map_err(Error::io(&path))?;
        Ok((path, BufReader::with_capacity(1 << 16, file)))
    }
}

/// A file of sets, of which any can be read.
#[derive(Debug)]
pub(super) struct Sets {
    path: PathBuf,
    file: File,
    /// Where each set begins, and where the last ends.
    starts: Vec<u64>,
}

impl Sets {
    fn open(path: PathBuf, num_records: usize) -> Result<Self> {
        let file = File::open(&path).map_err(Error::io(&path))?;
        let mut sets = Self { path, file, starts: Vec::with_capacity(num_records + 1) };
        let mut starts = vec![0];
        let mut reader = BufReader::with_capacity(1 << 16, sets.file.try_clone().map_err(Error::io(&sets.path))?);
        let mut start = 0;
        for _ in 0..num_records {
            let mut size = [0; 4];
            reader.read_exact(&mut size).map_err(Error::io(&sets.path))?;
            let num_bytes = 4 * i64::from(u32::from_le_bytes(size));
            reader.seek_relative(num_bytes).map_err(Error::io(&sets.path))?;
            start += 4 + num_bytes.unsigned_abs();
            starts.push(start);
        }
        sets.starts = starts;
        Ok(sets)
    }

    /// The set of `record`.
    pub(super) fn get(&self, record: u32) -> Result<Vec<u32>> {
        self.range(record..record + 1).map(|mut sets| sets.pop().unwrap_or_default())
    }

    /// The sets of records that follow one another.
    pub(super) fn range(&self, records: std::ops::Range<u32>) -> Result<Vec<Vec<u32>>> {
        let [start, end] = [records.start, records.end].map(|record| self.starts[record as usize]);
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut bytes, start).map_err(Error::io(&self.path))?;
        let set = |record: u32| {
            let [from, to] = [record, record + 1]
                .map(|record| usize::try_from(self.starts[record as usize] - start).unwrap_or(usize::MAX));
            bytes[from + 4..to].as_chunks().0.iter().map(|word| u32::from_le_bytes(*word))
        };
        Ok(records.map(|record| set(record).collect()).collect())
    }
}
