//! One safetensors file, read tensor by tensor and written tensor by tensor, so that memory holds one at a time.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use medinjection_fr::provenance::AtomicFile;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use tch::{Kind, Tensor};

use crate::{Error, Result};

/// The longest header that is read; the format's own reader has the same bound.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// A safetensors file that is open for reading; its header is checked against its length.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    file: File,
    tensors: BTreeMap<String, TensorInfo>,
    data_start: u64,
}

/// Name, type and shape of a tensor that will be written.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorLayout {
    /// Name in the file.
    pub name: String,
    /// Type of its numbers: `Float`, `BFloat16` or `Half`.
    pub kind: Kind,
    /// Its shape.
    pub shape: Vec<i64>,
}

impl TensorLayout {
    /// The layout of `tensor` under `name`.
    pub fn of(name: impl Into<String>, tensor: &Tensor) -> Self {
        Self { name: name.into(), kind: tensor.kind(), shape: tensor.size() }
    }

    /// # Units
    /// Bytes on disk.
    #[must_use]
    pub fn num_bytes(&self) -> u64 {
        self.shape.iter().product::<i64>().unsigned_abs() * self.kind.elt_size_in_bytes() as u64
    }
}

impl TensorFile {
    /// Opens `path` and reads its header.
    ///
    /// # Errors
    /// [`Error::Library`] if the file cannot be read, [`Error::Format`] if it is truncated, longer than its header says,
    /// or no safetensors file.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(Error::io(path))?;
        let file_bytes = file.metadata().map_err(Error::io(path))?.len();
        let bad = |message: String| Error::format(path, message);
        let mut prefix = [0; 8];
        if file_bytes < 8 {
            return Err(bad(format!("expected a safetensors file, found {file_bytes} bytes")));
        }
        file.read_exact(&mut prefix).map_err(Error::io(path))?;
        let header_bytes = u64::from_le_bytes(prefix);
        if MAX_HEADER_BYTES < header_bytes || file_bytes - 8 < header_bytes {
            return Err(bad(format!(
                "truncated or no safetensors file: expected a header of {header_bytes} bytes, found {} bytes after the prefix",
                file_bytes - 8
            )));
        }
        let mut header = Vec::new();
        (&mut file).take(header_bytes).read_to_end(&mut header).map_err(Error::io(path))?;
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|error| bad(format!("safetensors header: {error}")))?;
        let data_start = 8 + header_bytes;
        let (expected, found) = (metadata.data_len() as u64, file_bytes - data_start);
        if expected != found {
            return Err(bad(format!("truncated or overlong: expected {expected} bytes of tensors, found {found}")));
        }
        let tensors = metadata.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect();
        Ok(Self { path: path.to_path_buf(), file, tensors, data_start })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of the tensors, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Reads one tensor onto the CPU, in the file's own type.
    ///
    /// # Errors
    /// [`Error::Format`] if there is no such tensor or its type is none of f32, f16 and bf16; [`Error::Shape`] if
    /// its shape is not `shape`.
    pub fn read(&mut self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let Some(info) = self.tensors.get(name) else {
            return Err(Error::format(&self.path, format!("expected a tensor {name}, found none")));
        };
        let found: Vec<i64> = info.shape.iter().map(|&size| i64::try_from(size).unwrap_or(i64::MAX)).collect();
        if found != shape {
            return Err(Error::Shape {
                tensor: format!("{}: {name}", self.path.display()),
                expected: shape.to_vec(),
                found,
            });
        }
        let kind = match info.dtype {
            Dtype::F32 => Kind::Float,
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            other => {
                let message = format!("{name}: expected numbers of type F32, F16 or BF16, found {other:?}");
                return Err(Error::format(&self.path, message));
            }
        };
        let (start, end) = info.data_offsets;
        let mut bytes = vec![0; end - start];
        let read = self.file.seek(SeekFrom::Start(self.data_start + start as u64));
        read.and_then(|_| self.file.read_exact(&mut bytes)).map_err(Error::io(&self.path))?;
        Ok(Tensor::f_from_data_size(&bytes, shape, kind)?)
    }

    /// The shape of a tensor, if it is there.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<Vec<i64>> {
        let info = self.tensors.get(name)?;
        Some(info.shape.iter().map(|&size| i64::try_from(size).unwrap_or(i64::MAX)).collect())
    }
}

/// Writes a safetensors file whole or not at all, asking `tensor` for each entry of `layout` in turn.
///
/// # Errors
/// What `tensor` returns; [`Error::Shape`] if it gives another shape than announced; [`Error::Library`] if the file
/// cannot be written; [`Error::Format`] for a type that the file cannot hold.
pub fn write_tensor_file(
    path: &Path,
    layout: &[TensorLayout],
    mut tensor: impl FnMut(&TensorLayout) -> Result<Tensor>,
) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    let header = header(path, layout)?;
    file.write_all(&(header.len() as u64).to_le_bytes()).map_err(Error::io(path))?;
    file.write_all(&header).map_err(Error::io(path))?;
    for entry in layout {
        let value = tensor(entry)?;
        if value.size() != entry.shape {
            let (tensor, expected) = (entry.name.clone(), entry.shape.clone());
            return Err(Error::Shape { tensor, expected, found: value.size() });
        }
        file.write_all(&bytes_of(&value.f_to_kind(entry.kind)?)?).map_err(Error::io(path))?;
    }
    Ok(file.commit()?)
}

fn header(path: &Path, layout: &[TensorLayout]) -> Result<Vec<u8>> {
    let mut offset = 0;
    let mut infos = Vec::with_capacity(layout.len());
    for entry in layout {
        let dtype = match entry.kind {
            Kind::Float => Dtype::F32,
            Kind::Half => Dtype::F16,
            Kind::BFloat16 => Dtype::BF16,
            other => return Err(Error::format(path, format!("{}: cannot hold numbers of type {other:?}", entry.name))),
        };
        let size = |number: u64| usize::try_from(number).map_err(|error| Error::format(path, error));
        let shape = entry.shape.iter().map(|number| size(number.unsigned_abs())).collect::<Result<_>>()?;
        let end = offset + size(entry.num_bytes())?;
        infos.push((entry.name.clone(), TensorInfo { dtype, shape, data_offsets: (offset, end) }));
        offset = end;
    }
    // transformers and peft refuse a file that does not say whose tensors it holds.
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let metadata = Metadata::new(Some(format), infos).map_err(|error| Error::format(path, error))?;
    let mut header = serde_json::to_vec(&metadata).map_err(|error| Error::format(path, error))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
}

/// The numbers of a tensor as they lie in memory; little-endian on every machine that libtorch supports.
fn bytes_of(tensor: &Tensor) -> Result<Vec<u8>> {
    let flat = tensor.f_to_device(tch::Device::Cpu)?.f_contiguous()?.f_reshape([-1])?;
    let mut bytes = vec![0; flat.numel() * flat.kind().elt_size_in_bytes()];
    flat.f_copy_data_u8(&mut bytes, flat.numel())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn write(path: &Path, tensors: &[(&str, Tensor)]) {
        let layout: Vec<_> = tensors.iter().map(|(name, tensor)| TensorLayout::of(*name, tensor)).collect();
        let mut next = tensors.iter();
        write_tensor_file(path, &layout, |_| Ok(next.next().unwrap().1.shallow_clone())).unwrap();
    }

    #[test]
    fn every_type_comes_back_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.safetensors");
        let x = Tensor::from_slice(&[1.5_f32, -2.0, 0.25, 4.0, 5.0, 6.0]).reshape([2, 3]);
        for kind in [Kind::Float, Kind::Half, Kind::BFloat16] {
            write(&path, &[("a", x.to_kind(kind)), ("b", x.to_kind(kind).get(0))]);
            let mut file = TensorFile::open(&path).unwrap();
            assert_eq!(file.names().collect::<Vec<_>>(), ["a", "b"]);
            let a = file.read("a", &[2, 3]).unwrap();
            assert_eq!((a.kind(), a.to_kind(Kind::Float)), (kind, x.shallow_clone()));
            assert_eq!(file.read("b", &[3]).unwrap().to_kind(Kind::Float), x.get(0));
        }
    }

    #[test]
    fn a_missing_or_misshaped_tensor_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.safetensors");
        write(&path, &[("a", Tensor::from_slice(&[1.0_f32]))]);
        let mut file = TensorFile::open(&path).unwrap();
        assert!(file.read("z", &[1]).unwrap_err().to_string().contains("expected a tensor z"));
        let message = file.read("a", &[2]).unwrap_err().to_string();
        assert!(message.contains("t.safetensors: a: expected shape [2], found [1]"), "{message}");
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.safetensors");
        let layout = [TensorLayout { name: "a".into(), kind: Kind::Float, shape: vec![2] }];
        assert!(write_tensor_file(&path, &layout, |_| Ok(Tensor::from_slice(&[1.0_f32]))).is_err());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_an_error_or_still_whole(cut in 0_usize..200, flip in 0_usize..200) {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("t.safetensors");
            write(&path, &[("a", Tensor::from_slice(&[1.0_f32, 2.0, 3.0]))]);
            let whole = std::fs::read(&path).unwrap();
            if cut < whole.len() {
                std::fs::write(&path, &whole[..cut]).unwrap();
                prop_assert!(TensorFile::open(&path).is_err());
            }
            let mut flipped = whole.clone();
            let index = flip % flipped.len();
            flipped[index] ^= 0x55;
            std::fs::write(&path, &flipped).unwrap();
            // Never a panic: the flip may fall into the numbers, and then the file is still whole.
            if let Ok(mut file) = TensorFile::open(&path) {
                let _ = file.read("a", &[3]);
            }
        }
    }
}
