//! How the Hub is reached, from the environment variables that `huggingface_hub` knows; nothing below reads them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::hub::{Access, Token};
use crate::{Error, Result};

const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// Reads `HF_ENDPOINT`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HUB_DISABLE_IMPLICIT_TOKEN`, `HF_HOME`, `HF_HUB_CACHE`,
/// `HF_HUB_OFFLINE` and `HF_HUB_DOWNLOAD_TIMEOUT` through `variable`.
///
/// # Errors
/// [`Error::Config`] if one of them cannot be used, [`Error::Io`] if the file with the token is there and cannot be read.
pub(super) fn access(variable: impl Fn(&str) -> Option<String>) -> Result<Access> {
    let get = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let is_on = |name: &str| get(name).is_some_and(|value| is_true(&value));
    let user = get("HOME").map(PathBuf::from).unwrap_or_default();
    let path = |value: String| match value.strip_prefix("~/") {
        Some(rest) => user.join(rest),
        None => PathBuf::from(value),
    };
    let caches = get("XDG_CACHE_HOME").map_or_else(|| user.join(".cache"), path);
    let home = get("HF_HOME").map_or_else(|| caches.join("huggingface"), path);
    let cache = get("HF_HUB_CACHE").or_else(|| get("HUGGINGFACE_HUB_CACHE")).map_or_else(|| home.join("hub"), path);

    let endpoint = get("HF_ENDPOINT").unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
    let mut access = Access::new(&endpoint, cache).map_err(named("HF_ENDPOINT"))?;
    if !is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
        let file = get("HF_TOKEN_PATH").map_or_else(|| home.join("token"), path);
        if let Some(token) = token(get("HF_TOKEN"), &file)? {
            access = access.with_token(token);
        }
    }
    if is_on("HF_HUB_OFFLINE") || is_on("TRANSFORMERS_OFFLINE") {
        access = access.offline();
    }
    match get("HF_HUB_DOWNLOAD_TIMEOUT") {
        None => Ok(access),
        Some(value) => match value.trim().parse::<u64>() {
            Ok(seconds) if seconds > 0 => Ok(access.with_timeout(Duration::from_secs(seconds))),
            _ => {
                Err(Error::config("HF_HUB_DOWNLOAD_TIMEOUT", format!("expected a number of seconds, found {value:?}")))
            }
        },
    }
}

/// The token in the variable, or in the file that `hf auth login` writes.
fn token(variable: Option<String>, file: &Path) -> Result<Option<Token>> {
    if let Some(text) = variable {
        return Token::new(&text).map(Some).map_err(named("HF_TOKEN"));
    }
    match std::fs::read_to_string(file) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => Token::new(&text).map(Some).map_err(named(file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(file)(error)),
    }
}

/// Names the variable or file that a wrong value came from.
fn named(key: impl std::fmt::Display) -> impl FnOnce(Error) -> Error {
    move |error| match error {
        Error::Config { message, .. } => Error::config(key, message),
        other => other,
    }
}

/// The values that `huggingface_hub` takes for true.
fn is_true(value: &str) -> bool {
    matches!(value.trim().to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(variables: &[(&str, &str)]) -> String {
        let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        access(get).map_or_else(|error| error.to_string(), |access| format!("{access:?}"))
    }

    #[test]
    fn the_cache_is_where_huggingface_hub_has_it() {
        for (variables, cache) in [
            (&[("HOME", "/u")][..], "/u/.cache/huggingface/hub"),
            (&[("HOME", "/u"), ("XDG_CACHE_HOME", "/x")], "/x/huggingface/hub"),
            (&[("HOME", "/u"), ("HF_HOME", "~/hf")], "/u/hf/hub"),
            (&[("HF_HOME", "/hf"), ("HUGGINGFACE_HUB_CACHE", "/old")], "/old"),
            (&[("HF_HOME", "/hf"), ("HF_HUB_CACHE", "/c")], "/c"),
        ] {
            assert!(shown(variables).contains(&format!("cache: \"{cache}\"")), "{}", shown(variables));
        }
    }

    #[test]
    fn the_token_is_in_the_variable_or_in_the_file() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("token"), "hf_file\n").unwrap();
        let home = home.path().to_str().unwrap();
        let has_token = |variables: &[(&str, &str)]| shown(variables).contains("token: Some");
        assert!(has_token(&[("HF_HOME", home)]) && has_token(&[("HF_HOME", "/absent"), ("HF_TOKEN", "hf_x")]));
        assert!(!has_token(&[("HF_HOME", home), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]));
        let refusal = shown(&[("HF_HOME", home), ("HF_TOKEN", "hf secret")]);
        assert!(refusal.starts_with("HF_TOKEN: expected") && !refusal.contains("secret"), "{refusal}");
    }

    #[test]
    fn offline_and_time_out_are_read_and_wrong_values_are_named() {
        assert!(shown(&[("HF_HUB_OFFLINE", "yes")]).contains("offline: true"));
        assert!(shown(&[("HF_HUB_OFFLINE", "0")]).contains("offline: false"));
        assert!(shown(&[("HF_HUB_DOWNLOAD_TIMEOUT", "7")]).contains("timeout: 7s"));
        assert!(shown(&[("HF_HUB_DOWNLOAD_TIMEOUT", "soon")]).starts_with("HF_HUB_DOWNLOAD_TIMEOUT: "));
        assert!(shown(&[("HF_ENDPOINT", "hub")]).starts_with("HF_ENDPOINT: expected an address"));
    }
}
