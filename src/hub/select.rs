//! Which files of a repository a source reads, and where they go.

use std::collections::BTreeMap;

use crate::source::matches;

/// A file of a repository that a source reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selected {
    /// Path in the repository.
    pub(super) path: String,
    /// Path in the directory of the source.
    pub(super) destination: String,
}

/// The files of `paths` that `patterns` name, in the order of their destinations.
///
/// A pattern with a slash speaks of whole paths, which are kept; one without speaks of names, wherever the file lies.
///
/// # Errors
/// A message if there is none, two would have the same destination, or a path leads out of a directory.
pub(super) fn select(patterns: &[impl AsRef<str>], paths: &[String]) -> Result<Vec<Selected>, String> {
    let patterns: Vec<&str> = patterns.iter().map(AsRef::as_ref).collect();
    let mut selected: BTreeMap<&str, &str> = BTreeMap::new();
    for path in paths {
        let name = path.rsplit('/').next().unwrap_or(path);
        let destination = if patterns.iter().any(|pattern| pattern.contains('/') && matches_path(pattern, path)) {
            path
        } else if patterns.iter().any(|pattern| !pattern.contains('/') && matches(pattern, name)) {
            name
        } else {
            continue;
        };
        if !is_inside(path) {
            return Err(format!("expected paths inside the repository, found {path:?}"));
        }
        if let Some(other) = selected.insert(destination, path) {
            return Err(format!("expected one file called {destination}, found {other} and {path}"));
        }
    }
    if selected.is_empty() {
        return Err(format!("expected files named like {}, found {}", patterns.join(", "), some_of(paths)));
    }
    let selected = selected.into_iter();
    Ok(selected.map(|(to, from)| Selected { path: from.to_owned(), destination: to.to_owned() }).collect())
}

/// Whether every part of `path` is of the form that the pattern's part has.
fn matches_path(pattern: &str, path: &str) -> bool {
    let (patterns, parts): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    patterns.len() == parts.len() && patterns.iter().zip(parts).all(|(pattern, part)| matches(pattern, part))
}

/// Whether a path stays inside the directory that it is put into, on any system.
pub(super) fn is_inside(path: &str) -> bool {
    let is_plain = |part: &str| {
        !matches!(part, "" | "." | "..") && !part.contains(['\\', ':']) && !part.chars().any(char::is_control)
    };
    path.split('/').all(is_plain)
}

/// The first few of `paths`, for a message.
fn some_of(paths: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = paths.iter().take(SHOWN).map(String::as_str).collect();
    match paths.len() {
        0 => "none".to_owned(),
        1..=SHOWN => shown.join(", "),
        all => format!("{} and {} more", shown.join(", "), all - SHOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(patterns: &[&str], paths: &[&str]) -> Result<Vec<(String, String)>, String> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let selected = select(patterns, &paths)?;
        Ok(selected.into_iter().map(|Selected { path, destination }| (path, destination)).collect())
    }

    #[test]
    fn a_name_is_found_wherever_it_lies_and_a_path_where_it_is() {
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let found =
            selected(&["*.csv", "mcqu/train.json"], &["README.md", "data/a.csv", "mcqu/train.json", "train.json"]);
        assert_eq!(found.unwrap(), [pair("data/a.csv", "a.csv"), pair("mcqu/train.json", "mcqu/train.json")]);
    }

    #[test]
    fn what_cannot_be_told_apart_or_is_not_there_is_refused() {
        let refusal = selected(&["train.json"], &["a/train.json", "b/train.json"]).unwrap_err();
        assert_eq!(refusal, "expected one file called train.json, found a/train.json and b/train.json");
        let refusal = selected(&["train.json"], &["a", "b", "c", "d", "e", "f"]).unwrap_err();
        assert_eq!(refusal, "expected files named like train.json, found a, b, c, d, e and 1 more");
    }

    #[test]
    fn a_path_that_leads_out_is_refused() {
        for path in [
            "../train.json",
            "/train.json",
            "a/../../train.json",
            "a//train.json",
            "c:\\/train.json",
            "\u{1b}/train.json",
        ] {
            assert!(selected(&["train.json"], &[path]).unwrap_err().contains("inside the repository"), "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_destination_never_leaves_its_directory(paths in proptest::collection::vec("[./a\\\\:]{0,8}", 0..5)) {
            for file in select(&["*"], &paths).into_iter().flatten() {
                let destination = std::path::Path::new(&file.destination);
                let plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
                proptest::prop_assert!(destination.components().all(plain));
            }
        }
    }
}
