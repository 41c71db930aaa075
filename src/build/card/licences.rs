//! The licences of the sources, and what follows from them for who passes the data on.

use std::collections::BTreeSet;
use std::fmt::{Result, Write};

use super::markdown::{cell, table};
use crate::provenance::Manifest;
use crate::record::{Redistribution, redistribution};

/// A table of the licences by source, and what follows for the whole.
pub(super) fn licences(text: &mut String, manifest: &Manifest) -> Result {
    text.push_str("\n## Licences\n\n");
    let rows = manifest.sources.iter().flat_map(|source| {
        source.licenses.iter().map(|(license, number)| {
            let consequence = redistribution(license).consequence().to_owned();
            let license = if license.is_empty() { "not stated".to_owned() } else { license.clone() };
            [source.name.clone(), license, number.to_string(), consequence]
        })
    });
    table(text, ["source", "licence", "rows", "consequence"], rows)?;
    whole(text, manifest)
}

/// What holds for the data set as a whole.
fn whole(text: &mut String, manifest: &Manifest) -> Result {
    let licenses = manifest.sources.iter().flat_map(|source| source.licenses.keys());
    let terms: BTreeSet<Redistribution> = licenses.map(|license| redistribution(license)).collect();
    text.push_str("\nEach row keeps the licence of its source");
    text.push_str(match manifest.layout {
        crate::provenance::Layout::Records => " (column `license`).",
        crate::provenance::Layout::Published => ".",
    });
    for (term, consequence) in [
        (
            Redistribution::Attribution,
            " Who passes the data on names the authors of the sources, see the citations below.",
        ),
        (
            Redistribution::ShareAlike,
            " Some of it is share-alike: what is made from those rows is passed on under the same licence.",
        ),
        (Redistribution::NonCommercial, " Some of it is not for commercial use, and so is the data set as a whole."),
    ] {
        if terms.contains(&term) {
            text.push_str(consequence);
        }
    }
    text.push('\n');
    let restricted = manifest.restricted_sources();
    if !restricted.is_empty() {
        let names: Vec<String> = restricted.iter().map(|source| cell(&source.name)).collect();
        writeln!(
            text,
            "\n**Not to be published as it stands**: {} may not be passed on, or nobody knows whether it may.",
            names.join(", ")
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::fixture::manifest;

    #[test]
    fn consequences_follow_from_the_licences_of_the_rows() {
        let mut manifest = manifest();
        let mut text = String::new();
        licences(&mut text, &manifest).unwrap();
        assert!(!text.contains("share-alike") && !text.contains("Not to be published"), "{text}");
        for license in ["CC-BY-SA-4.0", "CC-BY-NC-4.0", "agreement"] {
            manifest.sources[0].licenses.insert(license.to_owned(), 1);
        }
        manifest.sources[0].redistribution = Redistribution::Restricted;
        text.clear();
        licences(&mut text, &manifest).unwrap();
        for said in ["Some of it is share-alike", "not for commercial use, and so is", "**Not to be published"] {
            assert!(text.contains(said), "{said} in {text}");
        }
    }
}
