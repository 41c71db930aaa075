//! Models in the Hugging Face cache, named `org/name` or `org/name@revision`. Nothing is downloaded here.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The folder of `model`: itself where it is a folder or names no repository, else its snapshot in the cache `hub`.
///
/// # Errors
/// [`Error::Config`] if `model` is `org/name` or `org/name@revision` and the cache does not hold it.
/// # Source
/// The layout of the cache: `models--org--name/{refs/REVISION, snapshots/COMMIT}`,
/// <https://huggingface.co/docs/huggingface_hub/guides/manage-cache>
pub fn find_model(model: &Path, hub: &Path) -> Result<PathBuf> {
    let Some((organisation, name, revision)) = model.to_str().filter(|_| !model.exists()).and_then(parse) else {
        return Ok(model.to_owned());
    };
    let repository = hub.join(format!("models--{organisation}--{name}"));
    let pinned = std::fs::read_to_string(repository.join("refs").join(revision));
    let snapshot = repository.join("snapshots").join(pinned.as_deref().map_or(revision, str::trim));
    if snapshot.join("config.json").exists() {
        return Ok(snapshot);
    }
    Err(Error::config(
        "model.path",
        format!(
            "{}: expected a folder, or a model in {}, found neither; bring it by: bash slurm/prefetch.sh --model {0}",
            model.display(),
            hub.display()
        ),
    ))
}

/// The repository, `org/name`, whose snapshot `folder` is.
#[must_use]
pub fn repository_of(folder: &Path) -> Option<String> {
    let snapshots = folder.parent().filter(|parent| parent.ends_with("snapshots"))?;
    let repository = snapshots.parent()?.file_name()?.to_str()?.strip_prefix("models--")?;
    Some(repository.replacen("--", "/", 1))
}

/// Organisation, name and revision; `None` for what can only be a path.
fn parse(model: &str) -> Option<(&str, &str, &str)> {
    let (repository, revision) = model.split_once('@').unwrap_or((model, "main"));
    let (organisation, name) = repository.split_once('/')?;
    let is_word = |word: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        word.bytes().all(is_plain) && !matches!(word, "" | "." | "..")
    };
    let is_revision = revision.split('/').all(is_word);
    (is_word(organisation) && is_word(name) && is_revision).then_some((organisation, name, revision))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_a_branch_or_a_commit_and_what_is_a_path_stays_one() {
        let hub = tempfile::tempdir().unwrap();
        let repository = hub.path().join("models--Qwen--Qwen3--4B");
        let snapshot = repository.join("snapshots/abc123");
        std::fs::create_dir_all(&snapshot).unwrap();
        std::fs::create_dir_all(repository.join("refs")).unwrap();
        std::fs::write(repository.join("refs/main"), "abc123\n").unwrap();
        std::fs::write(snapshot.join("config.json"), "{}").unwrap();
        let find = |model: &str| find_model(Path::new(model), hub.path());
        for model in ["Qwen/Qwen3--4B", "Qwen/Qwen3--4B@main", "Qwen/Qwen3--4B@abc123"] {
            assert_eq!(find(model).unwrap(), snapshot);
        }
        assert_eq!(repository_of(&snapshot).as_deref(), Some("Qwen/Qwen3--4B"));
        for path in ["models/a/b", "/models/a", "model", "../model", "a/..", "a/b@../c"] {
            assert_eq!(find(path).unwrap(), Path::new(path));
            assert_eq!(repository_of(Path::new(path)), None);
        }
        let here = hub.path().to_str().unwrap();
        assert_eq!(find(here).unwrap(), hub.path());
        let message = find("Qwen/Other@v1").unwrap_err().to_string();
        assert!(message.contains("Qwen/Other@v1: expected a folder") && message.contains("prefetch.sh"), "{message}");
    }
}
