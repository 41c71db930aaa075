//! One section of a TOML file, read key by key, so that every message names its key.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::{Error, Result};

/// The keys of one section that have not been read yet, and the names of those that were asked for.
#[derive(Debug)]
pub(super) struct Section {
    name: &'static str,
    remaining: Table,
    known: Vec<&'static str>,
}

impl Section {
    /// Takes the section `name` out of a whole file; a file without it has an empty one.
    pub(super) fn take(file: &mut Table, name: &'static str) -> Result<Self> {
        match file.remove(name) {
            None => Ok(Self { name, remaining: Table::new(), known: Vec::new() }),
            Some(Value::Table(remaining)) => Ok(Self { name, remaining, known: Vec::new() }),
            Some(other) => Err(Error::config(name, format!("expected a section, found {other}"))),
        }
    }

    /// The value of `key`, where the section has it.
    pub(super) fn optional<T: DeserializeOwned>(&mut self, key: &'static str) -> Result<Option<T>> {
        self.known.push(key);
        let Some(value) = self.remaining.remove(key) else { return Ok(None) };
        let found = value.to_string();
        value.try_into().map(Some).map_err(|error| self.refuse(key, format!("{}, found {found}", error.message())))
    }

    /// The value of `key`, or `default`.
    pub(super) fn or<T: DeserializeOwned>(&mut self, key: &'static str, default: T) -> Result<T> {
        Ok(self.optional(key)?.unwrap_or(default))
    }

    /// The value of `key`, which must be there.
    pub(super) fn required<T: DeserializeOwned>(&mut self, key: &'static str) -> Result<T> {
        self.optional(key)?.ok_or_else(|| self.refuse(key, "expected a value, found none; it is required"))
    }

    /// The count of `key`, or `default`; `largest` at most.
    pub(super) fn count<T: DeserializeOwned + PartialOrd + Copy + std::fmt::Display>(
        &mut self,
        key: &'static str,
        default: T,
        largest: T,
    ) -> Result<T> {
        let value = self.or(key, default)?;
        if value <= largest {
            return Ok(value);
        }
        Err(self.refuse(key, format!("expected a number of at most {largest}, found {value}")))
    }

    /// The path of `key`, which must be there.
    pub(super) fn path(&mut self, key: &'static str) -> Result<PathBuf> {
        let path: PathBuf = self.required(key)?;
        if path.as_os_str().is_empty() {
            return Err(self.refuse(key, "expected a path, found an empty text"));
        }
        Ok(path)
    }

    /// The number of `key`, or `default`; `accepts` says which numbers may stand there, `range` says it in words.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        default: f64,
        accepts: impl Fn(f64) -> bool,
        range: &str,
    ) -> Result<f64> {
        let value = match self.or(key, Value::Float(default))? {
            Value::Float(value) => value,
            #[expect(clippy::cast_precision_loss, reason = "a setting, not a count")]
            Value::Integer(value) => value as f64,
            other => return Err(self.refuse(key, format!("expected {range}, found {other}"))),
        };
        if accepts(value) { Ok(value) } else { Err(self.refuse(key, format!("expected {range}, found {value}"))) }
    }

    /// Refuses keys that nobody asked for.
    pub(super) fn finish(self) -> Result<()> {
        match self.remaining.keys().next() {
            None => Ok(()),
            Some(key) => Err(Error::config(
                format!("{}.{key}", self.name),
                format!("unknown key; expected one of {}", self.known.join(", ")),
            )),
        }
    }

    /// An error about `key`.
    pub(super) fn refuse(&self, key: &str, message: impl std::fmt::Display) -> Error {
        Error::config(format!("{}.{key}", self.name), message)
    }
}
