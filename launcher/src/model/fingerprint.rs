//! One hash for all files that decide what a model, or an adapter, computes.

use std::path::{Path, PathBuf};

use medinjection_fr::provenance::{MODEL_FILES, fingerprint};

use super::weights::weight_files;
use crate::Result;

/// Hash of a model folder: weights, configuration, tokenizer and chat template. The folder's own name does not count.
///
/// # Errors
/// [`Error::Format`](crate::Error::Format) if the folder has no weights; [`Error::Library`](crate::Error::Library) if a file cannot be read.
pub fn model_fingerprint(directory: &Path) -> Result<String> {
    let mut files: Vec<PathBuf> = MODEL_FILES.iter().map(|name| directory.join(name)).filter(|p| p.exists()).collect();
    files.extend(weight_files(directory)?);
    Ok(fingerprint(&files)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_does_not_count_but_every_file_does() {
        let make = |template: Option<&str>| {
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join("config.json"), "{}").unwrap();
            std::fs::write(directory.path().join("model.safetensors"), "x").unwrap();
            if let Some(text) = template {
                std::fs::write(directory.path().join("chat_template.jinja"), text).unwrap();
            }
            model_fingerprint(directory.path()).unwrap()
        };
        assert_eq!(make(None), make(None));
        assert_eq!(make(Some("a")).len(), 64);
        assert_ne!(make(None), make(Some("a")));
        assert_ne!(make(Some("b")), make(Some("a")));
    }
}
