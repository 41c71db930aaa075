//! What is added to the frozen model.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::Error;

/// More than the width of the layers that are adapted: beyond it a low-rank product is none.
const MAX_RANK: u32 = 4096;

/// How the low-rank product enters a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Weight-decomposed: the sum is re-scaled to a trained magnitude per output.
    Dora,
    /// The low-rank product alone, scaled by `alpha / rank`.
    Lora,
    /// The low-rank product alone, scaled by `alpha / √rank`.
    Rslora,
}

/// What dropout acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DropoutScope {
    /// The low-rank path only, as torchtune and axolotl do.
    Adapter,
    /// DoRA's correction of the base product as well, as PEFT does.
    Peft,
}

/// The projections of a transformer block that can be adapted, in the order of the forward pass.
pub const TARGET_MODULES: [&str; 7] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/// PEFT's word for every linear layer but the output layer: all of [`TARGET_MODULES`].
const ALL_LINEAR: &str = "all-linear";

/// `target_modules` as users write it: a list of names, or `"all-linear"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetModules(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for TargetModules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = TargetModules;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "a list of names, or {ALL_LINEAR:?}")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
                if word == ALL_LINEAR {
                    return Ok(TargetModules(TARGET_MODULES.map(str::to_owned).to_vec()));
                }
                Err(E::invalid_value(de::Unexpected::Str(word), &self))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element()? {
                    names.push(name);
                }
                Ok(TargetModules(names))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

impl JsonSchema for TargetModules {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TargetModules".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = json_schema!({ "type": "array", "items": { "enum": TARGET_MODULES }, "minItems": 1 });
        json_schema!({ "anyOf": [names, { "const": ALL_LINEAR }] })
    }
}

/// The shape of an adapter.
///
/// Invariant: `rank ≥ 1`, `alpha` positive, `dropout` in `[0, 1)`, `target_modules` a non-empty sorted subset of
/// [`TARGET_MODULES`] without repetition.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(default)]
pub struct AdapterConfig {
    /// How the low-rank product enters a layer.
    pub method: Method,
    /// Rows of `A`, columns of `B`.
    #[schemars(range(min = 1, max = MAX_RANK))]
    pub rank: u32,
    /// Numerator of the scaling.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub alpha: f64,
    /// Probability that a feature is dropped in training.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub dropout: f64,
    /// What dropout acts on.
    pub dropout_scope: DropoutScope,
    /// Which projections are adapted.
    #[schemars(with = "TargetModules")]
    pub target_modules: Vec<String>,
}

impl AdapterConfig {
    /// Ranks of all adapters of a block.
    #[must_use]
    pub fn lora_ranks(&self) -> u64 {
        u64::from(self.rank) * self.target_modules.len() as u64
    }

    /// Factor of the low-rank product.
    #[must_use]
    pub fn scaling(&self) -> f64 {
        match self.method {
            Method::Dora | Method::Lora => self.alpha / f64::from(self.rank),
            Method::Rslora => self.alpha / f64::from(self.rank).sqrt(),
        }
    }

    /// `self` with its invariant checked.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key that breaks it; `section` stands before the key.
    pub fn checked(mut self, section: &str) -> crate::Result<Self> {
        let fail = |key: &str, message: String| Err(Error::config(format!("{section}{key}"), message));
        if !(1..=MAX_RANK).contains(&self.rank) {
            return fail("rank", format!("expected a number from 1 to {MAX_RANK}, found {}", self.rank));
        }
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return fail("alpha", format!("expected a positive number, found {}", self.alpha));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return fail("dropout", format!("expected a probability in [0, 1), found {}", self.dropout));
        }
        if let Some(name) = self.target_modules.iter().find(|name| !TARGET_MODULES.contains(&name.as_str())) {
            return fail("target_modules", format!("expected names of {TARGET_MODULES:?}, found {name:?}"));
        }
        if self.target_modules.is_empty() {
            return fail("target_modules", format!("expected at least one of {TARGET_MODULES:?}, found none"));
        }
        self.target_modules.sort_unstable();
        self.target_modules.dedup();
        Ok(self)
    }
}

impl Default for AdapterConfig {
    /// The study's: DoRA of rank 16 on the seven projections.
    fn default() -> Self {
        let mut target_modules = TARGET_MODULES.map(str::to_owned).to_vec();
        target_modules.sort_unstable();
        let (rank, alpha, dropout) = (16, 16.0, 0.05);
        Self { method: Method::Dora, rank, alpha, dropout, dropout_scope: DropoutScope::Adapter, target_modules }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_the_invariant_is_named() {
        let broken = [
            (AdapterConfig { rank: 0, ..AdapterConfig::default() }, "adapter.rank"),
            (AdapterConfig { rank: MAX_RANK + 1, ..AdapterConfig::default() }, "adapter.rank"),
            (AdapterConfig { alpha: f64::NAN, ..AdapterConfig::default() }, "adapter.alpha"),
            (AdapterConfig { dropout: 1.0, ..AdapterConfig::default() }, "adapter.dropout"),
            (AdapterConfig { target_modules: vec!["qproj".into()], ..AdapterConfig::default() }, "\"qproj\""),
            (AdapterConfig { target_modules: vec![], ..AdapterConfig::default() }, "at least one"),
        ];
        for (config, named) in broken {
            let message = config.checked("adapter.").unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
    }

    #[test]
    fn the_square_root_belongs_to_rslora() {
        let config = |method| AdapterConfig { method, rank: 4, alpha: 8.0, ..AdapterConfig::default() };
        assert!((config(Method::Lora).scaling() - 2.0).abs() < 1e-12);
        assert!((config(Method::Rslora).scaling() - 4.0).abs() < 1e-12);
    }
}
