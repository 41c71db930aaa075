//! Folders that appear whole or not at all.

use std::path::Path;

use medinjection_fr::provenance::{Lineage, MODEL_FILES, OLDER_MODEL_FILES, TEMPORARY_PREFIX, is_same};

use super::weights::is_weight_file;
use crate::{Error, Result};

/// Makes the folder `destination`: `fill` writes into a sibling, which takes the name when all is there.
///
/// What was there before is replaced, after `fill` has succeeded; a failure leaves it as it was.
///
/// # Errors
/// What `fill` returns; [`Error::Library`] if a folder cannot be created, moved or removed.
pub fn write_folder(destination: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = match destination.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
    let sibling = tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempdir_in(parent).map_err(Error::io(parent))?;
    let (fresh, stale) = (sibling.path().join("new"), sibling.path().join("old"));
    std::fs::create_dir(&fresh).map_err(Error::io(&fresh))?;
    fill(&fresh)?;
    if destination.exists() {
        std::fs::rename(destination, &stale).map_err(Error::io(destination))?;
    }
    std::fs::rename(&fresh, destination).map_err(Error::io(destination))
}

/// Whether the model folder `out` must be made from `inputs`: `true` if so, `false` if `lineage`, which stands beside its file
/// `marker`, says that it was.
///
/// A folder is replaced whole. So `out` has to be absent, empty, or a model folder that holds nothing else; and `force` is needed
/// to replace a model that was made from something else.
///
/// # Errors
/// [`Error::Format`] if `out` is a file, is or holds one of `inputs`, holds files that are none of a model's, or a model of unknown
/// origin while `force` is false; [`Error::Library`] if it was made from something else and `force` is false.
pub fn must_make_folder(
    lineage: &Lineage,
    (out, marker): (&Path, &str),
    inputs: &[&Path],
    force: bool,
) -> Result<bool> {
    let refuse = |message: String| Err(Error::format(out, format!("{message}; give another output")));
    if !out.exists() {
        return Ok(true);
    }
    if !out.is_dir() {
        return refuse("expected a folder that can be replaced, found a file".to_owned());
    }
    for input in inputs {
        for part in input.canonicalize().map_err(Error::io(input))?.ancestors() {
            if is_same(out, part)? {
                return refuse(format!("the output would replace its own input {}", input.display()));
            }
        }
    }
    let mut is_empty = true;
    for entry in std::fs::read_dir(out).map_err(Error::io(out))? {
        let name = entry.map_err(Error::io(out))?.file_name();
        is_empty = false;
        if !name.to_str().is_some_and(is_model_file) {
            return refuse(format!("expected a folder with nothing but a model, found {} in it", name.display()));
        }
    }
    if is_empty || force && !out.join(marker).exists() {
        return Ok(true);
    }
    if !out.join(marker).exists() {
        return refuse(format!("expected a model with {marker}, found none; use --force to replace what is there"));
    }
    Ok(lineage.must_make(&out.join(marker), force)?)
}

/// Whether the commands that write models write files of this name.
fn is_model_file(name: &str) -> bool {
    let name = name.strip_suffix(".lineage.json").unwrap_or(name);
    MODEL_FILES.contains(&name) || OLDER_MODEL_FILES.contains(&name) || is_weight_file(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(out: &Path, inputs: &[&Path], force: bool) -> String {
        let lineage = Lineage::new("merge", serde_json::json!({}), std::collections::BTreeMap::new());
        must_make_folder(&lineage, (out, "config.json"), inputs, force).unwrap_err().to_string()
    }

    #[test]
    fn a_folder_is_replaced_only_where_nothing_else_is_lost() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let (model, out) = (path("model"), path("out"));
        let lineage = Lineage::new("merge", serde_json::json!({}), std::collections::BTreeMap::new());
        let must_make = |out: &Path, force| must_make_folder(&lineage, (out, "config.json"), &[&model], force).unwrap();
        std::fs::create_dir(&model).unwrap();
        std::fs::write(model.join("config.json"), "{}").unwrap();
        assert!(must_make(&out, false));
        std::fs::create_dir(&out).unwrap();
        assert!(must_make(&out, false));
        std::fs::write(out.join("tokenizer.json"), "{}").unwrap();
        assert!(refusal(&out, &[&model], false).contains("expected a model with config.json"));
        assert!(must_make(&out, true));
        std::fs::write(out.join("config.json"), "{}").unwrap();
        assert!(refusal(&out, &[&model], false).contains("no lineage file beside it"));
        assert!(must_make(&out, true));
        lineage.clone().write(&out.join("config.json")).unwrap();
        assert!(!must_make(&out, false));
        std::fs::write(out.join("notes.txt"), "").unwrap();
        for force in [false, true] {
            assert!(refusal(&out, &[&model], force).contains("found notes.txt in it"));
            std::os::unix::fs::symlink(&model, path("link")).unwrap();
            for input in [&model, &path("link"), directory.path(), &path("out/../model")] {
                assert!(
                    refusal(input, &[&model], force).contains("would replace its own input"),
                    "{}",
                    input.display()
                );
            }
            std::fs::remove_file(path("link")).unwrap();
            assert!(refusal(&out.join("notes.txt"), &[&model], force).contains("found a file"));
        }
    }

    #[test]
    fn a_failure_leaves_what_was_there_and_success_replaces_it() {
        let directory = tempfile::tempdir().unwrap();
        let destination = directory.path().join("a/model");
        let write = |text: &'static str| {
            move |folder: &Path| {
                let path = folder.join("f");
                std::fs::write(&path, text).map_err(Error::io(&path))
            }
        };
        let read = || std::fs::read_to_string(destination.join("f")).unwrap();
        write_folder(&destination, write("one")).unwrap();
        let failed = write_folder(&destination, |folder| {
            write("two")(folder)?;
            Err(Error::Environment("no".into()))
        });
        assert!(failed.is_err());
        assert_eq!(read(), "one");
        write_folder(&destination, write("three")).unwrap();
        assert_eq!(read(), "three");
        assert_eq!(std::fs::read_dir(directory.path().join("a")).unwrap().count(), 1);
    }
}
