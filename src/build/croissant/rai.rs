//! The fields of Croissant RAI that a manifest can fill: how the data came about, what was done to it, what it lacks.
//!
//! A field of the specification about which the manifest says nothing (demographics of annotators, time of collection…)
//! is left out.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::build::card::warnings;
use crate::build::tables::{Rows, tables};
use crate::provenance::{Manifest, StepCounts};
use crate::record::{Origin, Reason};

/// # Source
/// <https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html>
#[derive(Serialize)]
pub(super) struct Rai {
    #[serde(rename = "rai:dataCollection")]
    data_collection: String,
    #[serde(rename = "rai:dataCollectionType")]
    data_collection_type: [&'static str; 1],
    #[serde(rename = "rai:dataCollectionMissingData")]
    data_collection_missing_data: String,
    #[serde(rename = "rai:dataPreprocessingProtocol")]
    data_preprocessing_protocol: Vec<String>,
    #[serde(rename = "rai:dataAnnotationProtocol")]
    data_annotation_protocol: [&'static str; 2],
    #[serde(rename = "rai:annotationsPerItem")]
    annotations_per_item: &'static str,
    #[serde(rename = "rai:machineAnnotationTools")]
    machine_annotation_tools: [String; 1],
    #[serde(rename = "rai:dataBiases")]
    data_biases: Vec<String>,
    #[serde(rename = "rai:dataUseCases")]
    data_use_cases: [&'static str; 2],
    #[serde(rename = "rai:dataLimitations")]
    data_limitations: [&'static str; 4],
    #[serde(rename = "rai:personalSensitiveInformation")]
    personal_sensitive_information: Vec<String>,
}

impl Rai {
    /// What `manifest` says.
    pub(super) fn of(manifest: &Manifest) -> Self {
        let tool = format!("medinjection {}", manifest.tool_version);
        Self {
            data_collection: collection(manifest),
            data_collection_type: ["Secondary Data Analysis"],
            data_collection_missing_data: format!(
                "{} rows of the sources could not be read as records and are left out.",
                rejected(manifest, Reason::Unreadable)
            ),
            data_preprocessing_protocol: manifest.steps.iter().map(step).collect(),
            data_annotation_protocol: [
                "Questions and correct answers are those of the sources; nobody annotated them again.",
                "The language of each text and the findings are assigned by program, not by people.",
            ],
            annotations_per_item: "one answer, as the source gives it",
            machine_annotation_tools: [tool],
            data_biases: biases(manifest),
            data_use_cases: [
                "Training language models to answer French biomedical questions, in mixtures of native, translated and \
                 synthetic records.",
                "Evaluating such models on the test split, which shares no group and no question with the others.",
            ],
            data_limitations: [
                "Answers are not medical advice and were not reviewed by physicians for this data set.",
                "Translated records can carry errors of translation, synthetic ones errors of fact.",
                "The checks find defects of form, language and translation; they do not know medicine.",
                "Exam questions follow the country and the year of their exam.",
            ],
            personal_sensitive_information: personal(manifest),
        }
    }
}

fn collection(manifest: &Manifest) -> String {
    let source = |source: &crate::provenance::SourceEntry| {
        let num_rows: u64 = source.licenses.values().sum();
        format!("{} ({num_rows} rows from {} files, {})", source.name, source.files.len(), source.revision)
    };
    let sources: Vec<String> = manifest.sources.iter().map(source).collect();
    format!("Taken over from existing corpora: {}.", sources.join("; "))
}

fn step(step: &StepCounts) -> String {
    let listed = |what: &str, reasons: &BTreeMap<String, u64>| {
        let reasons: Vec<String> = reasons.iter().map(|(reason, number)| format!("{reason} {number}")).collect();
        if reasons.is_empty() { String::new() } else { format!("; {what}: {}", reasons.join(", ")) }
    };
    let (rejected, warnings) = (listed("rejected", &step.rejected), listed("kept with findings", &step.warnings));
    format!("{}: {} rows in, {} out{rejected}{warnings}", step.step, step.num_in, step.num_out)
}

/// Rows rejected for `reason`, of all sources.
fn rejected(manifest: &Manifest, reason: Reason) -> u64 {
    manifest.sources.iter().filter_map(|source| source.rejected.get(reason.as_str())).sum()
}

fn biases(manifest: &Manifest) -> Vec<String> {
    let all: u64 = manifest.counts.iter().map(|count| count.num_records).sum();
    let of = |origin: Origin| -> u64 {
        manifest.counts.iter().filter(|count| count.origin == origin).map(|count| count.num_records).sum()
    };
    let said = |origin| match origin {
        Origin::Native => "were written in French, most of them for exams",
        Origin::Translated => "were translated from English and follow the exams and practice of other countries",
        Origin::Synthetic => "were written by a model and carry its biases",
    };
    let origins = Origin::ALL.iter().map(|origin| (of(*origin), said(*origin))).filter(|(number, _)| *number > 0);
    let mut biases: Vec<String> = origins.map(|(number, said)| format!("{number} of {all} records {said}.")).collect();
    let mut sources: BTreeMap<&str, u64> = BTreeMap::new();
    for count in &manifest.counts {
        *sources.entry(&count.source).or_default() += count.num_records;
    }
    if let Some((source, number)) = sources.iter().max_by_key(|(_, number)| **number) {
        biases.push(format!("The largest source, {source}, has {number} of {all} records."));
    }
    biases
}

fn personal(manifest: &Manifest) -> Vec<String> {
    let kept = warnings(manifest).get(Reason::PersonalData.as_str()).copied().unwrap_or(0);
    let mut texts = vec![format!(
        "Records were searched for names after titles, dates of birth, social security numbers, phone numbers and e-mail \
         addresses: {} were rejected, and {kept} such findings are in records that were kept.",
        rejected(manifest, Reason::PersonalData)
    )];
    if let Some(table) = tables(manifest).iter().find(|table| table.rows == Rows::Documents) {
        texts.push(format!(
            "{} documents are clinical or scientific texts that their authors published.",
            table.num_rows
        ));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::fixture::manifest;

    #[test]
    fn numbers_are_those_of_the_manifest() {
        let mut manifest = manifest();
        manifest.sources[1].rejected.insert("personal_data".to_owned(), 3);
        manifest.steps[1].warnings.insert("personal_data".to_owned(), 2);
        let rai = Rai::of(&manifest);
        assert!(rai.personal_sensitive_information[0].contains("3 were rejected, and 2 such"));
        assert_eq!(
            rai.data_preprocessing_protocol[1],
            "validate: 7 rows in, 6 out; rejected: not_french 1; kept with findings: answer_leak 2, personal_data 2"
        );
        assert!(rai.data_biases[0].starts_with("3 of 5 records were written in French"), "{:?}", rai.data_biases);
        assert!(!rai.data_biases.iter().any(|bias| bias.contains("by a model")));
    }
}
