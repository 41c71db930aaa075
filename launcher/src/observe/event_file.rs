//! An event file of TensorBoard: scalars by tag and step, each record framed as a `TFRecord`.
//!
//! The time of each event is the clock's, so that the file, unlike the run's other records, differs from run to run. It repeats what
//! `metrics.jsonl` holds, and nothing reads it back but the run that goes on with it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use medinjection_fr::provenance::write_atomic;

use super::crc32c::masked_crc32c;
use crate::{Error, Result};

/// Bytes before a record's data: its length, and the checksum of that.
const HEADER_BYTES: usize = 12;
/// Bytes after it: its checksum.
const FOOTER_BYTES: usize = 4;
/// What the first event of every file says.
const FILE_VERSION: &str = "brain.Event:2";

/// Numbers of one step, with the tags under which TensorBoard shows them.
pub trait Scalars {
    /// Steps that have been made.
    fn step(&self) -> u64;
    /// Tags and numbers.
    fn scalars(&self) -> Vec<(&'static str, f64)>;
}

/// An event file that is written, event by event.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// Begins the file of the run in the folder `run`, in place of what was there.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be created.
    pub fn create(run: &Path) -> Result<Self> {
        Self::begin(run, &[])
    }

    /// Goes on with the file of the run in the folder `run`, whose events stay where `is_kept` says so of their step and of whether they
    /// are those of an evaluation. What follows a damaged record is cut off; a file that is not there is begun.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be written.
    pub fn resume(run: &Path, is_kept: impl Fn(u64, bool) -> bool) -> Result<Self> {
        let bytes = std::fs::read(Self::path(run)).unwrap_or_default();
        let kept = records(&bytes).filter(|data| {
            let Event { step, tag } = Event::read(data);
            tag.is_some_and(|tag| is_kept(step, tag.starts_with(b"eval/")))
        });
        let kept: Vec<Vec<u8>> = kept.map(framed).collect();
        Self::begin(run, &kept.concat())
    }

    /// Adds an event; it is in the file when this returns.
    ///
    /// # Errors
    /// [`Error::Library`] if it cannot be written.
    pub fn append(&mut self, scalars: &impl Scalars) -> Result<()> {
        let mut summary = Vec::new();
        for (tag, value) in scalars.scalars() {
            let mut entry = Vec::new();
            put_bytes(&mut entry, 1, tag.as_bytes());
            #[expect(clippy::cast_possible_truncation, reason = "the format has 32 bits for it")]
            put_fixed(&mut entry, (2, 5), &(value as f32).to_le_bytes());
            put_bytes(&mut summary, 1, &entry);
        }
        let mut event = dated();
        put_varint(&mut event, 2 << 3);
        put_varint(&mut event, scalars.step());
        put_bytes(&mut event, 5, &summary);
        self.file.write_all(&framed(&event)).map_err(Error::io(&self.path))
    }

    /// The place of the file in the folder of a run.
    #[must_use]
    pub fn path(run: &Path) -> PathBuf {
        run.join("tensorboard").join("events.out.tfevents.medinjection")
    }

    fn begin(run: &Path, events: &[u8]) -> Result<Self> {
        let path = Self::path(run);
        let folder = path.parent().unwrap_or(run);
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let mut version = dated();
        put_bytes(&mut version, 3, FILE_VERSION.as_bytes());
        write_atomic(&path, &[&framed(&version), events].concat())?;
        let file = OpenOptions::new().append(true).open(&path).map_err(Error::io(&path))?;
        Ok(Self { path, file })
    }
}

/// The parts of an event that decide whether it stays.
struct Event<'a> {
    step: u64,
    /// The first one.
    tag: Option<&'a [u8]>,
}

impl<'a> Event<'a> {
    /// Reads what [`EventFile::append`] writes; of another message, what it shares with that.
    fn read(data: &'a [u8]) -> Self {
        let mut event = Self { step: 0, tag: None };
        for (field, value) in fields(data) {
            match (field, value) {
                (2, Value::Number(step)) => event.step = step,
                (5, Value::Bytes(summary)) => {
                    let value = fields(summary).find_map(|(_, value)| value.bytes());
                    event.tag = value.and_then(|value| fields(value).find_map(|(_, value)| value.bytes()));
                }
                _ => {}
            }
        }
        event
    }
}

/// A field's value in a protocol buffer.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed,
}

impl<'a> Value<'a> {
    fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Number(_) | Self::Fixed => None,
        }
    }
}

/// The fields of a message, up to the first that is none.
fn fields(mut message: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    std::iter::from_fn(move || {
        let key = take_varint(&mut message)?;
        let value = match key & 7 {
            0 => Value::Number(take_varint(&mut message)?),
            1 => take(&mut message, 8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(take_varint(&mut message)?).ok()?;
                Value::Bytes(take(&mut message, length)?)
            }
            5 => take(&mut message, 4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        Some((key >> 3, value))
    })
}

/// The data of the records in `bytes`, up to the first that is damaged.
fn records(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length: [u8; 8] = bytes.get(..8)?.try_into().ok()?;
        let length = usize::try_from(u64::from_le_bytes(length)).ok()?;
        let record = take(&mut bytes, length.checked_add(HEADER_BYTES + FOOTER_BYTES)?)?;
        let data = &record[HEADER_BYTES..HEADER_BYTES + length];
        (framed(data) == record).then_some(data)
    })
}

/// `data` as a record.
fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let (of_length, of_data) = (masked_crc32c(&length).to_le_bytes(), masked_crc32c(data).to_le_bytes());
    [&length[..], &of_length, data, &of_data].concat()
}

/// The beginning of an event that happens now.
fn dated() -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    let mut event = Vec::new();
    put_fixed(&mut event, (1, 1), &now.to_le_bytes());
    event
}

fn put_fixed(message: &mut Vec<u8>, (field, wire_type): (u64, u64), bytes: &[u8]) {
    put_varint(message, field << 3 | wire_type);
    message.extend_from_slice(bytes);
}

fn put_bytes(message: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(message, field << 3 | 2);
    put_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

fn put_varint(message: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        message.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    message.push(value.to_le_bytes()[0]);
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Loss(u64, &'static str);

    impl Scalars for Loss {
        fn step(&self) -> u64 {
            self.0
        }

        fn scalars(&self) -> Vec<(&'static str, f64)> {
            vec![(self.1, 1.5)]
        }
    }

    fn written(losses: &[Loss]) -> tempfile::TempDir {
        let run = tempfile::tempdir().unwrap();
        let mut file = EventFile::create(run.path()).unwrap();
        for loss in losses {
            file.append(loss).unwrap();
        }
        run
    }

    fn steps(run: &Path) -> Vec<u64> {
        let bytes = std::fs::read(EventFile::path(run)).unwrap();
        records(&bytes).map(|data| Event::read(data).step).collect()
    }

    #[test]
    fn the_bytes_are_those_that_tensorboard_writes() {
        let run = written(&[Loss(300, "train/loss")]);
        let bytes = std::fs::read(EventFile::path(run.path())).unwrap();
        let mut events: Vec<Vec<u8>> = records(&bytes).map(<[u8]>::to_vec).collect();
        for event in &mut events {
            event[1..9].copy_from_slice(&1_700_000_000.25_f64.to_le_bytes());
        }
        let framed: Vec<Vec<u8>> = events.iter().map(|event| framed(event)).collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/parity/events.out.tfevents.reference");
        assert_eq!(framed.concat(), std::fs::read(path).unwrap());
    }

    #[test]
    fn a_run_that_goes_on_keeps_what_an_undisturbed_one_has() {
        let losses = [Loss(1, "train/loss"), Loss(2, "train/loss"), Loss(2, "eval/loss"), Loss(3, "train/loss")];
        let run = written(&losses);
        EventFile::resume(run.path(), |step, is_evaluation| step < 2 + u64::from(!is_evaluation)).unwrap();
        assert_eq!(steps(run.path()), [0, 1, 2]);
        let mut bytes = std::fs::read(EventFile::path(run.path())).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(EventFile::path(run.path()), &bytes).unwrap();
        let mut file = EventFile::resume(run.path(), |_, _| true).unwrap();
        file.append(&Loss(200, "train/loss")).unwrap();
        assert_eq!(steps(run.path()), [0, 1, 200]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_fail(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(records(&framed(&bytes)).eq([&bytes[..]]));
            records(&bytes).for_each(|_| ());
            Event::read(&bytes);
        }
    }
}
