//! The adapter that a user names: a run, or a folder in PEFT's format.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::peft;
use crate::{Error, Result};

/// The part of a run's `status.json` that says whether it has come to its end.
#[derive(Deserialize)]
struct Status {
    state: String,
}

/// The folder in PEFT's format that `path` names: itself, or the `adapter` of the run or checkpoint that it is. Of an unfinished run
/// without an adapter it is that of its last checkpoint.
///
/// # Errors
/// [`Error::Format`] if it is none of these, or the run is not completed and `allow_unfinished` is false: its `status.json` says
/// so, or is not there, as after a run that was killed.
pub fn find(path: &Path, allow_unfinished: bool) -> Result<PathBuf> {
    let has_files_of_run = |path: &Path| ["status.json", "config.toml"].iter().any(|name| path.join(name).exists());
    let is_run = path.join("adapter").is_dir() || has_files_of_run(path);
    if path.join("checkpoint.json").exists() {
        return Ok(path.join("adapter"));
    }
    let run = if is_run {
        Some(path)
    } else {
        path.parent().filter(|parent| path.ends_with("adapter") && has_files_of_run(parent))
    };
    if let Some(run) = run.filter(|_| !allow_unfinished) {
        check_completed(run)?;
    }
    let folder = if is_run { adapter_of(path) } else { path.to_path_buf() };
    if !folder.join(peft::CONFIG_FILE).exists() {
        return Err(Error::format(
            &folder,
            format!("expected a run, a checkpoint or a folder with {}, found none of them", peft::CONFIG_FILE),
        ));
    }
    Ok(folder)
}

/// The adapter of a run; that of its last checkpoint where it has none yet.
fn adapter_of(run: &Path) -> PathBuf {
    let adapter = run.join("adapter");
    if adapter.exists() {
        return adapter;
    }
    let newest = checkpoint_steps(run).ok().and_then(|steps| steps.last().copied());
    newest.map_or(adapter, |step| checkpoint_folder(run, step).join("adapter"))
}

/// The folder of the checkpoint that the run in the folder `run` wrote after `step` steps.
#[must_use]
pub fn checkpoint_folder(run: &Path, step: u64) -> PathBuf {
    run.join("checkpoints").join(format!("step-{step}"))
}

/// The numbers of steps after which the run in the folder `run` has a checkpoint, ascending. What else lies there is passed over.
///
/// # Errors
/// [`Error::Library`] if the folder is there and cannot be read.
pub fn checkpoint_steps(run: &Path) -> Result<Vec<u64>> {
    let root = run.join("checkpoints");
    let mut steps = Vec::new();
    if root.exists() {
        for entry in std::fs::read_dir(&root).map_err(Error::io(&root))? {
            let name = entry.map_err(Error::io(&root))?.file_name();
            let step = name.to_str().and_then(|name| name.strip_prefix("step-")).and_then(|step| step.parse().ok());
            steps.extend(step.filter(|step| *root.join(&name) == *checkpoint_folder(run, *step)));
        }
    }
    steps.retain(|step| checkpoint_folder(run, *step).is_dir());
    steps.sort_unstable();
    Ok(steps)
}

fn check_completed(run: &Path) -> Result<()> {
    let path = run.join("status.json");
    let found = match std::fs::read(&path) {
        Ok(bytes) => {
            let Status { state } = serde_json::from_slice(&bytes).map_err(|error| Error::format(&path, error))?;
            if state == "completed" {
                return Ok(());
            }
            state
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            "one without status.json: it was killed, or still goes on".to_owned()
        }
        Err(error) => return Err(Error::io(&path)(error)),
    };
    let previous = run.join("previous");
    let kept = if previous.exists() { format!(", {} is the one before it", previous.display()) } else { String::new() };
    let help = "go on by the same train command and --resume; --allow-unfinished takes its adapter or last checkpoint as it is";
    Err(Error::format(run, format!("expected a run that is completed, found {found}; {help}{kept}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_counts_only_when_it_is_completed() {
        let run = tempfile::tempdir().unwrap();
        let adapter = run.path().join("adapter");
        std::fs::create_dir(&adapter).unwrap();
        std::fs::write(adapter.join(peft::CONFIG_FILE), "{}").unwrap();
        let status = |state: &str| {
            std::fs::write(run.path().join("status.json"), format!(r#"{{"state":"{state}","step":3,"reason":""}}"#))
                .unwrap();
        };
        let message = find(run.path(), false).unwrap_err().to_string();
        assert!(message.contains("without status.json: it was killed") && message.contains("train"), "{message}");
        status("stopped");
        for path in [run.path(), adapter.as_path()] {
            let message = find(path, false).unwrap_err().to_string();
            assert!(message.contains("found stopped") && message.contains("--allow-unfinished"), "{message}");
            assert_eq!(find(path, true).unwrap(), adapter);
        }
        std::fs::remove_file(run.path().join("status.json")).unwrap();
        std::fs::write(run.path().join("config.toml"), "").unwrap();
        std::fs::create_dir(run.path().join("previous")).unwrap();
        for path in [run.path(), adapter.as_path()] {
            let message = find(path, false).unwrap_err().to_string();
            assert!(message.contains("it was killed") && message.contains("previous is the one before"), "{message}");
            assert_eq!(find(path, true).unwrap(), adapter);
        }
        status("completed");
        assert_eq!(find(run.path(), false).unwrap(), adapter);
        assert_eq!(find(&adapter, false).unwrap(), adapter);
    }

    #[test]
    fn a_folder_of_peft_needs_no_status() {
        let folder = tempfile::tempdir().unwrap();
        assert!(find(folder.path(), false).unwrap_err().to_string().contains("adapter_config.json"));
        std::fs::write(folder.path().join(peft::CONFIG_FILE), "{}").unwrap();
        assert_eq!(find(folder.path(), false).unwrap(), folder.path());
    }
}
