//! A GGUF file, opened and checked against its own length before anything of it is believed.
//!
//! # Source
//! The GGUF specification, <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use candle_core::Device;
use candle_core::quantized::gguf_file::{Content, TensorInfo, Value};

use crate::{Error, Result};

/// A header holds the vocabulary: a few megabytes. More is refused, since its values take many times that in memory.
const MAX_HEADER_BYTES: u64 = 64 << 20;

const ALIGNMENT_KEY: &[u8] = b"general.alignment";

/// A GGUF file that is open for reading.
#[derive(Debug)]
pub(super) struct Gguf {
    path: PathBuf,
    file: File,
    metadata: BTreeMap<String, Value>,
    tensors: BTreeMap<String, TensorInfo>,
    data_start: u64,
}

impl Gguf {
    /// Opens `path`; every tensor lies inside the file and has a size that fits its type.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path))?;
        let file_bytes = file.metadata().map_err(Error::io(path))?.len();
        let mut header = Vec::new();
        (&file).take(MAX_HEADER_BYTES).read_to_end(&mut header).map_err(Error::io(path))?;
        if !header.starts_with(b"GGUF") {
            return Err(Error::format(path, "not a GGUF file: expected it to begin with GGUF"));
        }
        check_alignment(&header).map_err(|message| Error::format(path, message))?;
        let content = Content::read(&mut Cursor::new(header))
            .map_err(|error| Error::format(path, format!("truncated or damaged header: {}", said(&error))))?;
        let gguf = Self {
            path: path.to_path_buf(),
            file,
            metadata: content.metadata.into_iter().collect(),
            tensors: content.tensor_infos.into_iter().collect(),
            data_start: content.tensor_data_offset,
        };
        for (name, info) in &gguf.tensors {
            gguf.check_extent(info, file_bytes).map_err(|message| gguf.error(name, message))?;
        }
        Ok(gguf)
    }

    /// The numbers of the tensor `name`, row by row.
    pub(super) fn read(&self, name: &str) -> Result<Vec<f32>> {
        let Some(info) = self.tensors.get(name) else { return Err(self.error(name, "no such tensor")) };
        let values = info
            .read(&mut &self.file, self.data_start, &Device::Cpu)
            .and_then(|tensor| tensor.dequantize(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>())
            .map_err(|error| Error::format(&self.path, format!("{name}: {}", said(&error))))?;
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(index) => {
                Err(self.error(name, format!("expected finite numbers, found {} at {index}", values[index])))
            }
        }
    }

    /// Names and shapes of the tensors, the slowest dimension first.
    pub(super) fn tensors(&self) -> impl ExactSizeIterator<Item = (&str, &[usize])> {
        self.tensors.iter().map(|(name, info)| (name.as_str(), info.shape.dims()))
    }

    /// Names of the metadata keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.metadata.keys().map(String::as_str)
    }

    /// The count under `key`, if there is one; it fits the shapes of tensors.
    pub(super) fn optional_count(&self, key: &str) -> Result<Option<i64>> {
        let Some(value) = self.metadata.get(key) else { return Ok(None) };
        let count = match value {
            Value::I32(count) => i64::from(*count),
            Value::I64(count) => *count,
            other => other.to_u64().ok().and_then(|count| i64::try_from(count).ok()).unwrap_or(-1),
        };
        if !(0..=i64::from(i32::MAX)).contains(&count) {
            return Err(self.error(key, format!("expected a count, found {}", shown(value))));
        }
        Ok(Some(count))
    }

    /// The count under `key`, which is positive.
    pub(super) fn count(&self, key: &str) -> Result<i64> {
        match self.optional_count(key)?.ok_or_else(|| self.missing(key))? {
            0 => Err(self.error(key, "expected a positive count, found 0")),
            count => Ok(count),
        }
    }

    /// The positive number under `key`, if there is one.
    pub(super) fn optional_number(&self, key: &str) -> Result<Option<f64>> {
        let Some(value) = self.metadata.get(key) else { return Ok(None) };
        let number = match value {
            // 1e-5 as f32 is meant to be 1e-5, not 9.99999974737875e-6: the shortest decimal that gives the same f32.
            Value::F32(number) => number.to_string().parse().ok(),
            Value::F64(number) => Some(*number),
            _ => None,
        };
        match number.filter(|number: &f64| number.is_finite() && 0.0 < *number) {
            Some(number) => Ok(Some(number)),
            None => Err(self.error(key, format!("expected a positive number, found {}", shown(value)))),
        }
    }

    /// The text under `key`, if there is one.
    pub(super) fn optional_text(&self, key: &str) -> Result<Option<&str>> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.error(key, format!("expected a text, found {}", shown(other)))),
        }
    }

    /// The text under `key`.
    pub(super) fn text(&self, key: &str) -> Result<&str> {
        self.optional_text(key)?.ok_or_else(|| self.missing(key))
    }

    /// The texts under `key`.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<&str>> {
        self.list(key, |value| value.to_string().ok().map(String::as_str))
    }

    /// The whole numbers under `key`.
    pub(super) fn integers(&self, key: &str) -> Result<Vec<i64>> {
        self.list(key, |value| match value {
            Value::I32(number) => Some(i64::from(*number)),
            other => other.to_u64().ok().and_then(|number| i64::try_from(number).ok()),
        })
    }

    /// An error about the metadata key or tensor `name`.
    pub(super) fn error(&self, name: &str, message: impl std::fmt::Display) -> Error {
        Error::format(&self.path, format!("{name}: {message}"))
    }

    fn missing(&self, key: &str) -> Error {
        self.error(key, "expected this metadata key, found none")
    }

    fn list<'a, T>(&'a self, key: &str, item: impl Fn(&'a Value) -> Option<T>) -> Result<Vec<T>> {
        let Some(value) = self.metadata.get(key) else { return Err(self.missing(key)) };
        let wrong = || self.error(key, format!("expected a list of another type, found {}", shown(value)));
        value.to_vec().map_err(|_| wrong())?.iter().map(|value| item(value).ok_or_else(wrong)).collect()
    }

    fn check_extent(&self, info: &TensorInfo, file_bytes: u64) -> Result<(), String> {
        let too_large = || format!("a tensor of shape {:?} is too large", info.shape.dims());
        let elements = info.shape.dims().iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
        let elements = elements.ok_or_else(too_large)?;
        let (block, block_bytes) = (info.ggml_dtype.block_size(), info.ggml_dtype.type_size());
        if elements == 0 || !elements.is_multiple_of(block) {
            return Err(format!("{elements} numbers do not fill blocks of {block} ({:?})", info.ggml_dtype));
        }
        let end = (elements / block)
            .checked_mul(block_bytes)
            .and_then(|bytes| self.data_start.checked_add(info.offset)?.checked_add(bytes as u64))
            .ok_or_else(too_large)?;
        if file_bytes < end {
            return Err(format!("truncated file: the tensor ends at byte {end}, the file at {file_bytes}"));
        }
        Ok(())
    }
}

/// Refuses an alignment of zero, by which the reader would divide.
fn check_alignment(header: &[u8]) -> Result<(), String> {
    let mut rest = header;
    while let Some(start) = rest.windows(ALIGNMENT_KEY.len()).position(|window| window == ALIGNMENT_KEY) {
        rest = &rest[start + ALIGNMENT_KEY.len()..];
        // The value's type takes four bytes; the widest integer that is read as an alignment takes four more.
        if let Some((kind, value)) = rest.split_first_chunk::<4>() {
            let width = match u32::from_le_bytes(*kind) {
                0 | 1 => 1,
                2 | 3 => 2,
                4 | 5 => 4,
                _ => continue,
            };
            if value.iter().take(width).all(|byte| *byte == 0) {
                return Err("general.alignment: expected a positive number, found 0".to_owned());
            }
        }
    }
    Ok(())
}

/// A value for a message: long lists would fill the screen.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::String(text) => format!("the text {:?}", text.chars().take(40).collect::<String>()),
        other => format!("{other:?}"),
    }
}

/// What the reader says, without the stack trace that it adds where `RUST_BACKTRACE` is set.
fn said(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
