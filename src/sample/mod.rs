//! The built-in sample: real questions of the three origins, small enough to train on in minutes.
//!
//! The files lie beside this one, with the licence and the citation of each folder, in the formats of their sources.
//! `tests/make_sample.py` chose the native and translated rows.

use std::sync::Arc;

use crate::Result;
use crate::source::{Source, SourceFiles, find};

macro_rules! files {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!($folder, "/", $name)))),+]
    };
}

const NATIVE: &[(&str, &[u8])] = files!("native": "train.json", "dev.json", "test.json");
const TRANSLATED: &[(&str, &[u8])] = files!(
    "translated":
    "anatomy_test.csv", "anatomy_test.fr.csv",
    "clinical_knowledge_test.csv", "clinical_knowledge_test.fr.csv",
    "college_biology_test.csv", "college_biology_test.fr.csv",
    "college_medicine_test.csv", "college_medicine_test.fr.csv",
    "human_aging_test.csv", "human_aging_test.fr.csv",
    "medical_genetics_test.csv", "medical_genetics_test.fr.csv",
);
const SYNTHETIC: &[(&str, &[u8])] = files!("synthetic": "documents.jsonl", "questions.jsonl");

/// One source of the sample.
#[derive(Debug)]
pub struct SampleSource {
    /// How it is read.
    pub source: Arc<dyn Source>,
    /// Its files.
    pub files: SourceFiles,
    /// Shares of train, validation and test, where the source ships no training split.
    pub resplit: Option<[f64; 3]>,
}

/// The sources of the sample: native, translated, synthetic.
///
/// # Errors
/// None, as long as the three sources exist.
pub fn sources() -> Result<Vec<SampleSource>> {
    let source = |name: &str, files: &[(&str, &'static [u8])], resplit| -> Result<SampleSource> {
        Ok(SampleSource { source: find(name)?, files: SourceFiles::embedded(files), resplit })
    };
    Ok(vec![
        source("frenchmedmcqa", NATIVE, None)?,
        source("mmlu_fr", TRANSLATED, Some([0.7, 0.1, 0.2]))?,
        source("case_questions", SYNTHETIC, None)?,
    ])
}
