//! Dependencies point down only: a module uses modules of its own line or of lines below, in both packages.

#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Lines of the library, the highest first.
const LIBRARY: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["json_schema"],
    &["build"],
    &["validate", "dedup", "mixture", "render", "inspect", "metrics", "generate", "report", "hub"],
    &["source", "sample", "language"],
    &["provenance", "columnar"],
    &["record"],
    &["error", "text"],
];

/// Lines of the launcher, the highest first.
const LAUNCHER: &[&[&str]] = &[
    &["main"],
    &["commands"],
    &["json_schema"],
    &["train", "predict"],
    &["data", "decode", "checkpoint", "merge", "plan", "doctor", "observe"],
    &["model", "adapter", "comm", "import"],
    &["config", "chat"],
    &["device", "kernels"],
    &["ffi"],
    &["error", "guard", "random", "signals"],
];

/// A use of one module by another, with the file it stands in.
type Edge = (PathBuf, String, String);

#[test]
fn the_library_uses_modules_downwards_only() {
    assert_eq!(faults("src", &["crate", "medinjection_fr"], LIBRARY), Vec::<String>::new());
}

#[test]
fn the_launcher_uses_modules_downwards_only() {
    assert_eq!(faults("launcher/src", &["crate", "medinjection_launcher"], LAUNCHER), Vec::<String>::new());
}

#[test]
fn the_library_never_uses_the_launcher() {
    for file in rust_files(&root("src")) {
        assert!(!code(&file).contains("medinjection_launcher"), "{}", file.display());
    }
}

#[test]
fn model_and_adapter_never_see_comm() {
    let edges = edges(&root("launcher/src"), &["crate"]);
    let wrong = edges.iter().find(|(_, from, to)| matches!(from.as_str(), "model" | "adapter") && to == "comm");
    assert_eq!(wrong, None);
}

#[test]
fn an_upward_use_is_seen_in_each_way_of_writing_it() {
    for (text, expected) in [
        ("use crate::cli::Terminal;", &["cli"][..]),
        ("use crate::{\n    record::{Record, Split},\n    text::fold,\n};", &["record", "text"]),
        ("let x = crate::build::run(1);", &["build"]),
        ("use medinjection_fr::render as r;", &["render"]),
        ("use crate::{Error, Result};", &[]),
        ("// use crate::cli;\n//! crate::cli::main", &[]),
        ("pub(in crate::model) fn f() {}", &["model"]),
    ] {
        let found: Vec<String> = used(&without_comments(text), &["crate", "medinjection_fr"]).into_iter().collect();
        assert_eq!(found, expected, "{text}");
    }
    assert_eq!(fault(LIBRARY, "record", "cli").as_deref(), Some("record uses cli, of a line above"));
    assert_eq!(fault(LIBRARY, "cli", "record"), None);
    assert_eq!(fault(LIBRARY, "record", "novel").as_deref(), Some("novel is on no line: add it to tests/layers.rs"));
}

fn faults(directory: &str, crate_names: &[&str], lines: &[&[&str]]) -> Vec<String> {
    assert!(!rust_files(&root(directory)).is_empty(), "no Rust file under {directory}");
    let edges = edges(&root(directory), crate_names);
    let said = |(file, from, to): &Edge| Some(format!("{}: {}", file.display(), fault(lines, from, to)?));
    edges.iter().filter_map(said).collect()
}

fn fault(lines: &[&[&str]], from: &str, to: &str) -> Option<String> {
    let line = |module: &str| lines.iter().position(|line| line.contains(&module));
    let unknown = |module: &str| format!("{module} is on no line: add it to tests/layers.rs");
    match (line(from), line(to)) {
        (None, _) => Some(unknown(from)),
        (_, None) => Some(unknown(to)),
        (Some(from_line), Some(to_line)) => (to_line < from_line).then(|| format!("{from} uses {to}, of a line above")),
    }
}

/// Every use of a module by another; `lib.rs`, which names them all, is left out.
fn edges(directory: &Path, crate_names: &[&str]) -> Vec<Edge> {
    let mut edges = Vec::new();
    for file in rust_files(directory) {
        let inside = file.strip_prefix(directory).unwrap();
        let from = Path::new(inside.iter().next().unwrap()).file_stem().unwrap().to_str().unwrap().to_owned();
        if from == "lib" {
            continue;
        }
        let used = used(&code(&file), crate_names).into_iter().filter(|to| *to != from);
        edges.extend(used.map(|to| (file.clone(), from.clone(), to)));
    }
    edges
}

/// The modules named right after a crate's name, in `use` trees and in paths. Types and macros are no modules.
fn used(code: &str, crate_names: &[&str]) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for name in crate_names {
        for (at, _) in code.match_indices(&format!("{name}::")) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|character| character.is_alphanumeric() || character == '_' || character == ':') {
                continue;
            }
            let rest = &code[at + name.len() + 2..];
            modules.extend(heads(rest).into_iter().filter(|head| head.starts_with(|first: char| first.is_lowercase())));
        }
    }
    modules
}

/// The first identifiers of a path, or of each branch of a tree in braces.
fn heads(rest: &str) -> Vec<String> {
    let identifier = |text: &str| -> String {
        text.trim_start().chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
    };
    let Some(tree) = rest.strip_prefix('{') else { return vec![identifier(rest)] };
    let (mut heads, mut depth, mut begin) = (Vec::new(), 0_usize, 0);
    for (at, character) in tree.char_indices() {
        match character {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                heads.push(identifier(&tree[begin..at]));
                begin = at + 1;
                if character == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    heads
}

fn root(directory: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let mut files = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            files.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            files.push(entry);
        }
    }
    files
}

fn code(file: &Path) -> String {
    without_comments(&std::fs::read_to_string(file).unwrap())
}

/// The text without line comments: a link in a document is no dependency.
fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}
