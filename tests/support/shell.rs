//! Completion scripts and manual pages of a program, tried with the shell and the reader that its users have.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Calls the completion function of `$2` as bash does when the last of the words that follow `$1` is to be completed.
const COMPLETE: &str = r#"
source "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
[[ $(complete -p -- "$2") =~ -F\ ([^ ]+) ]]
"${BASH_REMATCH[1]}" "$2" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

/// What the program prints; it ends with 0.
fn printed(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Checks that the script for bash is one, and that it completes each last word as expected.
pub(super) fn assert_bash_completes(program: &Path, cases: &[(&[&str], &[&str])]) {
    let mut script = tempfile::NamedTempFile::new().unwrap();
    script.write_all(printed(program, &["completions", "bash"]).as_bytes()).unwrap();
    assert!(Command::new("bash").arg("-n").arg(script.path()).status().unwrap().success());
    for (words, expected) in cases {
        let mut bash = Command::new("bash");
        let output = bash.args(["-c", COMPLETE, "bash"]).arg(script.path()).args(*words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        let found = String::from_utf8(output.stdout).unwrap();
        assert_eq!(found.split_whitespace().collect::<Vec<_>>(), *expected, "{words:?}");
    }
}

/// Checks that every command has its page, that a second run writes the same bytes over the first one's and leaves other files alone, and
/// that nothing of this machine is in them.
pub(super) fn assert_pages_are_whole(program: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("share/man1");
    let arguments = ["man", "--out", out.to_str().unwrap()];
    printed(program, &arguments);
    let first = pages(&out);
    let mut expected: Vec<String> = commands(program, &[]).into_iter().map(|path| format!("{path}.1")).collect();
    expected.sort();
    assert_eq!(first.keys().cloned().collect::<Vec<_>>(), expected);
    for (name, page) in &first {
        assert!(page.contains(".SH NAME") && page.contains(".SH DESCRIPTION"), "{name}: {page}");
        for place in [folder.path(), Path::new(env!("CARGO_MANIFEST_DIR")), program.parent().unwrap()] {
            assert!(!page.contains(place.to_str().unwrap()), "{name} names {}", place.display());
        }
    }
    std::fs::write(out.join(&expected[0]), "an older page").unwrap();
    std::fs::write(out.join("other.1"), "another program's").unwrap();
    printed(program, &arguments);
    let mut second = pages(&out);
    assert_eq!(second.remove("other.1").as_deref(), Some("another program's"));
    std::fs::remove_file(out.join("other.1")).unwrap();
    assert_eq!(second, first);
    assert_man_reads(&out);
}

/// The files in a folder, by name.
fn pages(folder: &Path) -> BTreeMap<String, String> {
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let path: PathBuf = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap())
    };
    std::fs::read_dir(folder).unwrap().map(file).collect()
}

/// The program and its commands as its help lists them, each joined by `-`.
fn commands(program: &Path, path: &[&str]) -> Vec<String> {
    let help = printed(program, &[path, &["-h"]].concat());
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let name = |line: &str| {
        line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?.split(' ').next().map(str::to_owned)
    };
    let names: Vec<String> = listed.filter_map(name).filter(|name| name != "help").collect();
    let own = program.file_name().unwrap().to_str().unwrap();
    let mut found = vec![[&[own][..], path].concat().join("-")];
    for name in &names {
        found.extend(commands(program, &[path, &[name.as_str()]].concat()));
    }
    found
}

/// Checks that the reader of manual pages shows each page in `folder` without a warning.
fn assert_man_reads(folder: &Path) {
    // Some systems have a program of this name that only says that there are no pages.
    let is_there = Command::new("man").arg("--version").output().is_ok_and(|output| output.stdout.starts_with(b"man "));
    if !is_there {
        writeln!(std::io::stderr().lock(), "SKIPPED manual_pages_by_man: there is no man-db here").unwrap();
        return;
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        let page = entry.unwrap().path();
        let mut man = Command::new("man");
        man.args(["--warnings", "-E", "UTF-8", "-l"]).arg(&page).env("LC_ALL", "C.UTF-8").env("MANWIDTH", "100");
        let output = man.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{}: {said}", page.display());
        assert!(String::from_utf8_lossy(&output.stdout).contains("DESCRIPTION"), "{}", page.display());
    }
}
