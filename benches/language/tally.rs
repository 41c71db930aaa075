//! Shares, counted.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// How many of how many.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Share {
    part: u32,
    whole: u32,
}

impl Share {
    pub(crate) fn add(&mut self, counts: bool) {
        self.part += u32::from(counts);
        self.whole += 1;
    }

    pub(crate) fn with(mut self, counts: bool) -> Self {
        self.add(counts);
        self
    }

    /// Per cent to two places, and the number that it is a share of.
    pub(crate) fn json(self) -> Value {
        let percent = f64::from(self.part) * 100.0 / f64::from(self.whole.max(1));
        json!({ "percent": (percent * 100.0).round() / 100.0, "of": self.whole })
    }
}

/// Shares by set and length.
#[derive(Debug, Default)]
pub(crate) struct Cells(BTreeMap<String, BTreeMap<&'static str, Share>>);

impl Cells {
    pub(crate) fn add(&mut self, set: &str, cell: &'static str, counts: bool) {
        self.0.entry(set.to_owned()).or_default().entry(cell).or_default().add(counts);
    }

    pub(crate) fn json(&self) -> Value {
        let row = |cells: &BTreeMap<&'static str, Share>| -> Value {
            cells
                .iter()
                .map(|(cell, share)| ((*cell).to_owned(), share.json()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        self.0.iter().map(|(set, cells)| (set.clone(), row(cells))).collect::<serde_json::Map<_, _>>().into()
    }
}
