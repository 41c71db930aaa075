//! What an output was made from, so that it is not made twice and never mistaken for another.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{TOOL_VERSION, write_json};
use crate::record::hex;
use crate::{Error, Result};

/// What a file was made from; written beside it as `<file>.lineage.json`, after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// The command that made the file.
    pub command: String,
    /// Version of the tool.
    pub tool_version: String,
    /// Everything that the command was told, resolved; no absolute path, no clock.
    pub config: Value,
    /// SHA-256 of each input, by its role (`dataset`, `adapter`, …).
    pub inputs: BTreeMap<String, String>,
    /// SHA-256 of the file.
    pub output: String,
}

/// Whether an output is there, and was made from what is at hand now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    /// There is no output yet.
    Absent,
    /// It was made from the same inputs, with the same configuration and version.
    Same,
    /// It was made from something else; the text says from what.
    Other(String),
}

impl Freshness {
    /// Decides whether `output` must be made: `true` if so, `false` if it is there and made from the same inputs.
    ///
    /// # Errors
    /// [`Error::Data`] if it is there, made from something else, and `force` is false.
    pub fn must_make(self, output: &Path, force: bool) -> Result<bool> {
        match self {
            Self::Absent => Ok(true),
            Self::Same => Ok(false),
            Self::Other(_) if force => Ok(true),
            Self::Other(why) => {
                Err(Error::Data(format!("{}: {why}; give another output, or --force to replace it", output.display())))
            }
        }
    }
}

impl Lineage {
    /// The lineage of a file that `command` is about to make.
    #[must_use]
    pub fn new(command: &str, config: Value, inputs: BTreeMap<String, String>) -> Self {
        Self {
            command: command.to_owned(),
            tool_version: TOOL_VERSION.to_owned(),
            config,
            inputs,
            output: String::new(),
        }
    }

    /// Where the lineage of `output` is kept.
    #[must_use]
    pub fn path_for(output: &Path) -> PathBuf {
        let mut name = output.as_os_str().to_owned();
        name.push(".lineage.json");
        PathBuf::from(name)
    }

    /// Compares what made `output` with `self`.
    ///
    /// # Errors
    /// [`Error::Io`] if a file that exists cannot be read.
    pub fn freshness(&self, output: &Path) -> Result<Freshness> {
        if !output.exists() {
            return Ok(Freshness::Absent);
        }
        let path = Self::path_for(output);
        if !path.exists() {
            return Ok(Freshness::Other("it has no lineage file beside it".to_owned()));
        }
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        let Ok(found) = serde_json::from_slice::<Self>(&bytes) else {
            return Ok(Freshness::Other("its lineage file cannot be read".to_owned()));
        };
        if found.output != sha256_file(output)? {
            return Ok(Freshness::Other("it was changed after it was made".to_owned()));
        }
        Ok(self.difference(&found).map_or(Freshness::Same, Freshness::Other))
    }

    /// Decides whether `output` must be made: `true` if so, `false` if it is there and made from the same inputs.
    ///
    /// # Errors
    /// [`Error::Data`] if it is there, made from something else, and `force` is false.
    pub fn must_make(&self, output: &Path, force: bool) -> Result<bool> {
        self.freshness(output)?.must_make(output, force)
    }

    /// Writes the lineage of the finished `output` beside it.
    ///
    /// # Errors
    /// [`Error::Io`] if `output` cannot be read or the lineage not written.
    pub fn write(mut self, output: &Path) -> Result<()> {
        self.output = sha256_file(output)?;
        write_json(&Self::path_for(output), &self)
    }

    /// In what `found`, which made an output, differs from `self`; `None` where that output need not be made again.
    #[must_use]
    pub fn difference(&self, found: &Self) -> Option<String> {
        if (&self.command, &self.tool_version) != (&found.command, &found.tool_version) {
            return Some(format!("it was made by {} {}", found.command, found.tool_version));
        }
        if self.config != found.config {
            return Some(format!("it was made with other options: {}", differences(&found.config, &self.config)));
        }
        let role = self.inputs.iter().find(|(role, hash)| found.inputs.get(*role) != Some(hash)).map(|(role, _)| role);
        let role = role.or_else(|| found.inputs.keys().find(|role| !self.inputs.contains_key(*role)));
        role.map(|role| format!("it was made from another {role}"))
    }
}

/// Where two configurations differ: `seed is 42, not 43`, for each key that does.
pub(crate) fn differences(found: &Value, wanted: &Value) -> String {
    let mut differences = Vec::new();
    collect_differences("", Some(found), Some(wanted), &mut differences);
    differences.join("; ")
}

fn collect_differences(key: &str, found: Option<&Value>, wanted: Option<&Value>, differences: &mut Vec<String>) {
    if found == wanted {
        return;
    }
    if let (Some(Value::Object(found)), Some(Value::Object(wanted))) = (found, wanted) {
        let keys: BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
        for name in keys {
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            collect_differences(&key, found.get(name), wanted.get(name), differences);
        }
        return;
    }
    if let (Some(Value::Array(found)), Some(Value::Array(wanted))) = (found, wanted)
        && found.len() == wanted.len()
    {
        for (index, (found, wanted)) in found.iter().zip(wanted).enumerate() {
            collect_differences(&format!("{key}[{index}]"), Some(found), Some(wanted), differences);
        }
        return;
    }
    let said = |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
    let name = if key.is_empty() { String::new() } else { format!("{key} is ") };
    differences.push(format!("{name}{}, not {}", said(found), said(wanted)));
}

/// SHA-256 of a file, in lower-case hexadecimal digits.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read.
pub fn sha256_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(Error::io(path))? {
            0 => return Ok(hex(&hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// SHA-256 of the names (without their folders) and contents of `files`, in the order given.
///
/// # Errors
/// [`Error::Io`] if a file cannot be read.
pub fn fingerprint(files: &[PathBuf]) -> Result<String> {
    let mut hasher = Sha256::new();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        hasher.update(format!("{}  {name}\n", sha256_file(path)?));
    }
    Ok(hex(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::super::write_atomic;
    use super::*;

    #[test]
    fn a_difference_is_named_by_its_key() {
        let found = serde_json::json!({ "a": { "b": 1, "c": 2 }, "d": [1, 2], "e": "same" });
        let wanted = serde_json::json!({ "a": { "b": 1, "c": 3 }, "d": [1, 4], "e": "same", "f": true });
        assert_eq!(differences(&found, &wanted), "a.c is 2, not 3; d[1] is 2, not 4; f is absent, not true");
        assert_eq!(differences(&Value::Null, &serde_json::json!([1])), "null, not [1]");
    }

    #[test]
    fn an_output_is_made_once_and_never_silently_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let output = directory.path().join("out.jsonl");
        let lineage = |seed: u64| Lineage::new("mix", serde_json::json!({ "seed": seed }), BTreeMap::new());
        assert!(lineage(1).must_make(&output, false).unwrap());
        write_atomic(&output, b"{}\n").unwrap();
        lineage(1).write(&output).unwrap();
        assert!(!lineage(1).must_make(&output, false).unwrap());
        let refusal = lineage(2).must_make(&output, false).unwrap_err().to_string();
        assert!(refusal.contains("other options: seed is 1, not 2; give another"), "{refusal}");
        assert!(lineage(2).must_make(&output, true).unwrap());
        std::fs::write(&output, b"edited").unwrap();
        assert!(matches!(lineage(1).freshness(&output).unwrap(), Freshness::Other(_)));
    }
}
