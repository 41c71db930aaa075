//! The adapter that a user names: a run, or a folder in PEFT's format.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::adapter::peft;
use crate::model::CausalLm;
use crate::{Error, Result};

/// The part of a run's `status.json` that says whether it has come to its end.
#[derive(Deserialize)]
struct Status {
    state: String,
}

/// The folder in PEFT's format that `path` names: itself, or the `adapter` of the run that it is.
///
/// # Errors
/// [`Error::Format`] if it is neither, or the run is not completed and `allow_unfinished` is false.
pub(super) fn find(path: &Path, allow_unfinished: bool) -> Result<PathBuf> {
    let is_run = path.join("adapter").is_dir() || path.join("status.json").exists();
    let run = if is_run {
        Some(path)
    } else {
        path.parent().filter(|parent| path.ends_with("adapter") && parent.join("status.json").exists())
    };
    if let Some(run) = run.filter(|_| !allow_unfinished) {
        let status = run.join("status.json");
        let text = std::fs::read_to_string(&status).map_err(Error::io(&status))?;
        let Status { state } = serde_json::from_str(&text).map_err(|error| Error::format(&status, error))?;
        if state != "completed" {
            let message =
                format!("expected a run that is completed, found {state}; --allow-unfinished takes it as it is");
            return Err(Error::format(&status, message));
        }
    }
    let folder = if is_run { path.join("adapter") } else { path.to_path_buf() };
    if !folder.join(peft::CONFIG_FILE).exists() {
        return Err(Error::format(
            &folder,
            format!("expected a run or a folder with {}, found neither", peft::CONFIG_FILE),
        ));
    }
    Ok(folder)
}

/// Folds the adapters of `model` into its weights: the same answers, with fewer products for each token.
pub(super) fn fold(model: &mut CausalLm) {
    for (_, linear) in model.linears_mut() {
        if let Some(adapter) = linear.adapter.take() {
            linear.weight = adapter.merged_weight(&linear.weight);
        }
    }
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
        assert!(find(run.path(), false).unwrap_err().to_string().contains("status.json"));
        status("stopped");
        for path in [run.path(), adapter.as_path()] {
            let message = find(path, false).unwrap_err().to_string();
            assert!(message.contains("found stopped") && message.contains("--allow-unfinished"), "{message}");
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
