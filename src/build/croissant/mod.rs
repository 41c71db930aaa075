//! `croissant.json`: the data set described for machines, in Croissant 1.0 with the fields of Croissant RAI 1.0.
//!
//! Everything in it comes from the manifest and the configuration's `[dataset]`, so the same data set has the same bytes.
//! Files are named relative to the data set directory; what the build rejected is no part of the distribution.
//!
//! # Source
//! <https://docs.mlcommons.org/croissant/docs/croissant-spec.html>,
//! <https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html>

mod context;
mod distribution;
mod rai;
mod record_sets;

use std::collections::BTreeSet;

use serde::Serialize;

use self::context::{CONTEXT, Context};
use self::distribution::{Resource, distribution};
use self::rai::Rai;
use self::record_sets::{RecordSet, record_sets};
use super::card::bibtex;
use super::description::Description;
use super::tables::{self, keywords};
use crate::provenance::Manifest;

/// The specifications that the file conforms to.
const CONFORMS_TO: [&str; 2] = ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Croissant<'a> {
    #[serde(rename = "@context")]
    context: Context,
    #[serde(rename = "@type")]
    kind: &'static str,
    name: &'a str,
    alternate_name: &'a str,
    description: &'a str,
    conforms_to: [&'static str; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_published: Option<&'a str>,
    license: BTreeSet<String>,
    creator: Vec<Organization>,
    cite_as: String,
    keywords: Vec<String>,
    in_language: Vec<&'static str>,
    distribution: Vec<Resource>,
    record_set: Vec<RecordSet>,
    #[serde(flatten)]
    rai: Rai,
}

#[derive(Serialize)]
struct Organization {
    #[serde(rename = "@type")]
    kind: &'static str,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
}

/// The text of `croissant.json`.
///
/// # Panics
/// Never: texts and numbers always serialise.
pub(super) fn croissant(manifest: &Manifest, description: &Description) -> String {
    let croissant = Croissant {
        context: CONTEXT,
        kind: "sc:Dataset",
        name: description.name(),
        alternate_name: description.title(),
        description: description.text(),
        conforms_to: CONFORMS_TO,
        url: description.url(),
        version: description.version(),
        date_published: description.date_published(),
        license: manifest.sources.iter().flat_map(|source| source.licenses.keys()).map(|name| license(name)).collect(),
        creator: creators(manifest, description),
        cite_as: bibtex::entries(manifest),
        keywords: keywords(manifest),
        in_language: tables::languages(manifest),
        distribution: distribution(manifest),
        record_set: record_sets(manifest),
        rai: Rai::of(manifest),
    };
    serde_json::to_string_pretty(&croissant).expect("texts and numbers always serialise") + "\n"
}

/// The address of a licence that SPDX lists; other words as they stand.
fn license(name: &str) -> String {
    let is_identifier = |name: &str| {
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.+".contains(letter))
    };
    match name {
        "" => "not stated".to_owned(),
        _ if is_identifier(name) => format!("https://spdx.org/licenses/{name}.html"),
        _ => name.to_owned(),
    }
}

/// Who made the data set; where nobody is named, the authors of its sources.
fn creators(manifest: &Manifest, description: &Description) -> Vec<Organization> {
    let organization = |name: String, url: &str| Organization { kind: "sc:Organization", name, url: url.to_owned() };
    if description.creators().is_empty() {
        let authors = |source: &crate::provenance::SourceEntry| {
            organization(format!("authors of {}", source.name), &source.homepage)
        };
        return manifest.sources.iter().map(authors).collect();
    }
    description.creators().iter().map(|name| organization(name.clone(), "")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::fixture::manifest;

    #[test]
    fn a_small_data_set_is_described_so() {
        let found = croissant(&manifest(), &Description::default());
        crate::build::fixture::assert_snapshot("croissant.json", &found);
    }

    #[test]
    fn licences_are_addresses_where_there_are_some() {
        assert_eq!(license("CC-BY-4.0"), "https://spdx.org/licenses/CC-BY-4.0.html");
        assert_eq!(license("agreement with the organisers"), "agreement with the organisers");
        assert_eq!(license(""), "not stated");
    }

    #[test]
    fn what_its_makers_say_of_it_is_repeated() {
        let description: Description =
            toml::from_str("creators = ['CHU']\nurl = 'https://example.org'\ndate_published = '2026-11-24'").unwrap();
        let json: serde_json::Value = serde_json::from_str(&croissant(&manifest(), &description)).unwrap();
        assert_eq!(json["creator"], serde_json::json!([{ "@type": "sc:Organization", "name": "CHU" }]));
        assert_eq!((&json["url"], &json["datePublished"]), (&"https://example.org".into(), &"2026-11-24".into()));
    }
}
