//! Outputs that would destroy what they are made from, or what is no file at all.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::Lineage;
use crate::{Error, Result};

/// Checks, before any work, that a command may write the file `output`, which is made from `inputs`.
///
/// Refused are
/// - a directory, a device, a pipe or a socket in the place of `output`: none of them can be replaced by a file;
/// - an `output` that is one of `inputs`, by whatever name: another path, a symbolic link or a hard link;
/// - an `output` whose lineage ([`Lineage::path_for`]) would replace one of `inputs`.
///
/// Nothing at all in its place, and a regular file, are accepted: whether that file may be replaced is for
/// [`Lineage::must_make`]. No `--force` makes up for what is refused here. An input that is not there is passed over.
///
/// # Errors
/// [`Error::Format`] naming `output` and what is wrong with it; [`Error::Io`] if it cannot be looked at.
pub fn check_output_file(output: &Path, inputs: &[&Path]) -> Result<()> {
    let refuse = |message: String| Err(Error::format(output, message));
    if output.file_name().is_none() {
        return refuse("expected the name of a file for the output".to_owned());
    }
    if let Some(there) = metadata(output)?.filter(|there| !there.is_file()) {
        return refuse(format!("expected a file that can be replaced, found {}; give another output", kind(&there)));
    }
    for input in inputs {
        if is_same(output, input)? {
            return refuse(format!("the output would replace its own input {}; give another output", input.display()));
        }
        let lineage = Lineage::path_for(output);
        if is_same(&lineage, input)? {
            let (lineage, input) = (lineage.display(), input.display());
            return refuse(format!("its lineage {lineage} would replace the input {input}; give another output"));
        }
    }
    Ok(())
}

/// Whether both paths are there and lead to the same file or directory.
///
/// # Errors
/// [`Error::Io`] if one is there and cannot be looked at.
pub fn is_same(left: &Path, right: &Path) -> Result<bool> {
    let identity = |there: Metadata| (there.dev(), there.ino());
    Ok(match (metadata(left)?, metadata(right)?) {
        (Some(left), Some(right)) => identity(left) == identity(right),
        _ => false,
    })
}

/// What `path` leads to; `None` where that is nothing.
fn metadata(path: &Path) -> Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Ok(there) => Ok(Some(there)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path)(error)),
    }
}

fn kind(there: &Metadata) -> &'static str {
    let kind = there.file_type();
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(output: &Path, inputs: &[&Path]) -> String {
        check_output_file(output, inputs).unwrap_err().to_string()
    }

    #[test]
    fn a_new_file_and_a_file_of_its_own_are_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let (input, output) = (directory.path().join("in"), directory.path().join("out"));
        check_output_file(&output, &[&input]).unwrap();
        check_output_file(Path::new("out"), &[]).unwrap();
        std::fs::write(&input, "x").unwrap();
        std::fs::write(&output, "x").unwrap();
        check_output_file(&output, &[&input, directory.path()]).unwrap();
    }

    #[test]
    fn an_input_is_refused_by_whatever_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let input = path("rows.jsonl");
        std::fs::write(&input, "x").unwrap();
        std::fs::create_dir(path("deeper")).unwrap();
        std::os::unix::fs::symlink(&input, path("link")).unwrap();
        std::fs::hard_link(&input, path("hard")).unwrap();
        for output in [input.clone(), path("deeper/../rows.jsonl"), path("link"), path("hard")] {
            let message = refusal(&output, &[&path("absent"), &input]);
            let (output, input) = (output.display(), input.display());
            assert_eq!(
                message,
                format!("{output}: the output would replace its own input {input}; give another output")
            );
        }
    }

    #[test]
    fn a_lineage_does_not_replace_an_input() {
        let directory = tempfile::tempdir().unwrap();
        let input = directory.path().join("a.lineage.json");
        std::fs::write(&input, "x").unwrap();
        let message = refusal(&directory.path().join("a"), &[&input]);
        assert!(message.contains("its lineage") && message.contains("would replace the input"), "{message}");
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let message = refusal(directory.path(), &[]);
        assert!(message.ends_with("found a directory; give another output"), "{message}");
        let message = refusal(Path::new("/dev/full"), &[]);
        assert_eq!(message, "/dev/full: expected a file that can be replaced, found a device; give another output");
        for nameless in ["", "/", ".."] {
            assert!(refusal(Path::new(nameless), &[]).contains("expected the name of a file"), "{nameless:?}");
        }
        let socket = directory.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(refusal(&socket, &[]).contains("found a socket"));
        let (file, below) = (directory.path().join("file"), directory.path().join("file/out"));
        std::fs::write(&file, "x").unwrap();
        assert!(matches!(check_output_file(&below, &[]), Err(Error::Io { .. })));
    }
}
