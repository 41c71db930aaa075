//! What of a data set is published: the files that may leave, and a manifest, a card and a Croissant file that speak of these.
//!
//! Rejected records stay, and originals and documents unless they are asked for; hidden files and links are refused. Nothing
//! is sent from here.

use std::collections::BTreeMap;
use std::path::Path;

use super::card::{card, warnings};
use super::croissant::croissant;
use super::description::Description;
use crate::hub::{Content, Outgoing};
use crate::provenance::{Dataset, FileEntry, MANIFEST, Manifest};
use crate::record::Reason;
use crate::{Error, Result};

/// Files of a published data set that begin so belong to it alone: an earlier version's go.
pub const PUBLISHED_PREFIXES: [&str; 3] = ["data/", "originals/", "documents/"];

/// What its owner has decided.
#[derive(Debug, Clone, Copy)]
pub struct Consent<'a> {
    /// Whether originals and documents leave too.
    pub with_originals: bool,
    /// Whether sources may leave whose licence does not say so.
    pub allow_restricted: bool,
    /// Findings that the records may have.
    pub waived: &'a [Reason],
}

/// The files that leave, and the card among them.
#[derive(Debug)]
pub struct Publication {
    /// The files, in the order of their paths, the manifest last.
    pub files: Vec<Outgoing>,
    /// The card.
    pub card: String,
    /// The manifest of what leaves.
    pub manifest: Manifest,
}

impl Publication {
    /// What of the data set in `directory` is published as `repository`; every file is compared with the manifest.
    ///
    /// # Errors
    /// As for [`Dataset::open_any_layout`]; [`Error::Data`] if a source may not be passed on, or records have personal data
    /// that was not waived; [`Error::Format`] if a file is hidden, a link or no file at all.
    pub fn new(directory: &Path, repository: &str, consent: &Consent<'_>) -> Result<Self> {
        let dataset = Dataset::open_any_layout(directory)?;
        let mut manifest = dataset.manifest().clone();
        manifest.refuse_restricted(consent.allow_restricted)?;
        refuse_personal_data(&manifest, directory, consent.waived)?;
        manifest.files.retain(|path, _| {
            path.starts_with("data/")
                || consent.with_originals && PUBLISHED_PREFIXES.iter().any(|prefix| path.starts_with(prefix))
        });
        let mut files = Vec::new();
        for (path, entry) in &manifest.files {
            refuse_odd(directory, path)?;
            let FileEntry { num_bytes, sha256, .. } = entry.clone();
            files.push(Outgoing {
                path: path.clone(),
                num_bytes,
                sha256,
                content: Content::File(directory.join(path)),
            });
        }
        let description = description(&manifest, directory)?;
        let loaded = format!("load_dataset(\"{repository}\"");
        let card = card(&manifest, &description).replace("load_dataset(\".\"", &loaded);
        let made =
            BTreeMap::from([("README.md", card.clone()), ("croissant.json", croissant(&manifest, &description))]);
        for (path, text) in made {
            let file = Outgoing::new(path, text.into_bytes());
            manifest.files.insert(path.to_owned(), file.entry());
            files.push(file);
        }
        files.sort_by(|left, right| left.path.cmp(&right.path));
        files.push(Outgoing::json(MANIFEST, &manifest)?);
        Ok(Self { files, card, manifest })
    }
}

fn refuse_personal_data(manifest: &Manifest, directory: &Path, waived: &[Reason]) -> Result<()> {
    let name = Reason::PersonalData.as_str();
    let number = warnings(manifest).get(name).copied().unwrap_or(0);
    if number == 0 || waived.contains(&Reason::PersonalData) {
        return Ok(());
    }
    let directory = directory.display();
    Err(Error::Data(format!(
        "{directory}: expected records without personal data, found {number} findings; look at them with `medinjection \
         validate {directory} --csv FILE`, and say --waive {name} if none is of a living person"
    )))
}

/// Refuses what is hidden, leads elsewhere, or is no file.
fn refuse_odd(directory: &Path, path: &str) -> Result<()> {
    let refuse = |found: &str| {
        let message = format!("expected a plain file inside the data set, found {found}; build the data set again");
        Err(Error::format(directory.join(path), message))
    };
    let mut at = directory.to_path_buf();
    for part in path.split('/') {
        if part.is_empty() || part.starts_with('.') || part.contains('\\') {
            return refuse("a hidden name, or one that leads out of it");
        }
        at.push(part);
        if at.symlink_metadata().map_err(Error::io(&at))?.is_symlink() {
            return refuse("a symbolic link");
        }
    }
    if at.is_file() { Ok(()) } else { refuse("something else") }
}

/// What the data set says of itself.
fn description(manifest: &Manifest, directory: &Path) -> Result<Description> {
    match manifest.config.get("dataset") {
        None => Ok(Description::default()),
        Some(section) => serde_json::from_value(section.clone())
            .map_err(|error| Error::format(directory.join(MANIFEST), format!("config.dataset: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{Options, Plan, build_with};

    const PLAIN: Consent<'_> = Consent { with_originals: false, allow_restricted: false, waived: &[] };

    fn sample() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        build_with(&Plan::sample().unwrap(), &directory.path().join("d"), &Options::default()).unwrap();
        directory
    }

    #[test]
    fn what_leaves_is_a_whole_data_set_without_what_stays() {
        let directory = sample();
        let source = directory.path().join("d");
        for (with_originals, has_originals) in [(false, false), (true, true)] {
            let consent = Consent { with_originals, ..PLAIN };
            let publication = Publication::new(&source, "labo/fr", &consent).unwrap();
            let out = tempfile::tempdir().unwrap();
            for file in &publication.files {
                let path = out.path().join(&file.path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                match &file.content {
                    Content::File(from) => drop(std::fs::copy(from, path).unwrap()),
                    Content::Bytes(bytes) => std::fs::write(path, bytes).unwrap(),
                }
            }
            assert!(Dataset::open(out.path()).unwrap().records(crate::record::Split::Train).count() > 0);
            let has = |part: &str| publication.files.iter().any(|file| file.path.starts_with(part));
            assert_eq!((has("originals/"), has("rejected")), (has_originals, false));
            assert!(publication.card.contains("load_dataset(\"labo/fr\", split=\"train\")"), "{}", publication.card);
            assert_eq!(publication.card.contains("config_name: originals"), has_originals);
        }
    }

    #[test]
    fn personal_data_and_links_stay() {
        let directory = sample();
        let source = directory.path().join("d");
        let mut manifest = Manifest::read(&source).unwrap();
        manifest.steps[0].warnings.insert("personal_data".to_owned(), 2);
        manifest.write(&source).unwrap();
        let refusal = Publication::new(&source, "a/b", &PLAIN).unwrap_err().to_string();
        assert!(refusal.contains("found 2 findings") && refusal.contains("--waive personal_data"), "{refusal}");
        let waived = Consent { waived: &[Reason::PersonalData], ..PLAIN };
        Publication::new(&source, "a/b", &waived).unwrap();
        let file = manifest.files.keys().find(|path| path.starts_with("data/")).unwrap();
        std::fs::rename(source.join(file), directory.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(directory.path().join("elsewhere"), source.join(file)).unwrap();
        let refusal = Publication::new(&source, "a/b", &waived).unwrap_err().to_string();
        assert!(refusal.contains("found a symbolic link"), "{refusal}");
    }
}
