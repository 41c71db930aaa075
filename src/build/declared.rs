//! One `[[source]]` of a configuration: a corpus that the crate knows, or a table whose columns are mapped.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::dedup::SplitRatios;
use crate::record::{Origin, Split, Task};
use crate::source::{
    AnswerForm, ColumnMapping, RowKind, Source, SourceInfo, SplitRule, TableFormat, TableOptions, TableSource, find,
    sources,
};
use crate::{Error, Result};

/// A source that a configuration names, whether its files are there or not.
#[derive(Debug, Clone)]
pub struct DeclaredSource {
    /// How it is read.
    pub source: Arc<dyn Source>,
    /// Where its files are or shall be.
    pub path: PathBuf,
    /// Shares by which splits are drawn.
    pub resplit: Option<SplitRatios>,
    /// Repository of the Hub from which it is fetched in place of the source's own.
    pub hub_repository: Option<String>,
    /// Branch, tag or commit of that repository.
    pub revision: Option<String>,
}

/// A source as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSource {
    pub(super) name: String,
    path: PathBuf,
    resplit: Option<SplitRatios>,
    hub_repository: Option<String>,
    revision: Option<String>,
    format: Option<TableFormat>,
    delimiter: Option<char>,
    files: Option<Vec<String>>,
    kind: Option<RawKind>,
    origin: Option<Origin>,
    license: Option<String>,
    citation: Option<String>,
    homepage: Option<String>,
    task: Option<Task>,
    split: Option<RawSplit>,
    answer_form: Option<AnswerForm>,
    columns: Option<ColumnMapping>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawKind {
    Records,
    Originals,
    Documents,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawSplit {
    FileName,
    Train,
    Validation,
    Test,
}

impl RawSource {
    /// The source, whose path is relative to `directory`.
    pub(super) fn declared(self, directory: &Path) -> Result<DeclaredSource> {
        let name = self.name.clone();
        self.checked(directory).map_err(|error| match error {
            // Of several sources, the message says which.
            Error::Config { key, message } if key != "source.name" => {
                let key = key.strip_prefix("source.").unwrap_or(&key);
                Error::config(format!("source.{name}.{key}"), message)
            }
            other => other,
        })
    }

    fn checked(self, directory: &Path) -> Result<DeclaredSource> {
        let files = self.files.as_ref();
        let patterns = [
            (
                files.into_iter().flatten().any(String::is_empty),
                "expected patterns such as \"*.csv\", found an empty one",
            ),
            (
                files.is_some() && directory.join(&self.path).is_file(),
                "expected a folder as path beside it, found a file",
            ),
        ];
        if let Some((_, message)) = patterns.into_iter().find(|(is_wrong, _)| *is_wrong) {
            return Err(Error::config("source.files", message));
        }
        let (path, resplit) = (directory.join(&self.path), self.resplit);
        let (hub_repository, revision) = (self.hub_repository.clone(), self.revision.clone());
        let source: Arc<dyn Source> = match self.format {
            None => self.built_in()?,
            Some(format) => Arc::new(self.table(format)?),
        };
        let has_repository = hub_repository.is_some() || !source.info().hub_repository.is_empty();
        if revision.is_some() && !has_repository {
            return Err(Error::config("source.revision", "expected hub_repository beside it, found none"));
        }
        Ok(DeclaredSource { source, path, resplit, hub_repository, revision })
    }

    fn built_in(&self) -> Result<Arc<dyn Source>> {
        if !self.describes_table() {
            return find(&self.name).map_err(|error| match error {
                Error::Config { key, message } => {
                    Error::config(key, format!("{message}; a corpus of your own needs format, license and columns"))
                }
                other => other,
            });
        }
        let message = "expected csv, tsv, json, jsonl or parquet beside keys that describe a table, found none";
        Err(Error::config("source.format", message))
    }

    /// Whether a key is given that is asked of tables only.
    fn describes_table(&self) -> bool {
        let texts = [&self.license, &self.citation, &self.homepage];
        texts.into_iter().any(Option::is_some)
            || self.delimiter.is_some()
            || self.files.is_some()
            || self.kind.is_some()
            || self.origin.is_some()
            || self.task.is_some()
            || self.split.is_some()
            || self.answer_form.is_some()
            || self.columns.is_some()
    }

    fn table(self, format: TableFormat) -> Result<TableSource> {
        check_name(&self.name)?;
        let kind = match (self.kind.unwrap_or(RawKind::Records), self.origin) {
            (RawKind::Records, Some(origin)) => RowKind::Records(origin),
            (RawKind::Records, None) => {
                return Err(Error::config("source.origin", "expected native, translated or synthetic, found none"));
            }
            (RawKind::Originals, None) => RowKind::Originals,
            (RawKind::Documents, None) => RowKind::Documents,
            (_, Some(_)) => return Err(Error::config("source.origin", "expected with kind = \"records\" only")),
        };
        let Some(license) = self.license.filter(|license| !license.trim().is_empty()) else {
            let message = "expected an SPDX identifier or the corpus's own words, found none";
            return Err(Error::config("source.license", message));
        };
        let info = SourceInfo::new(self.name, kind, license)
            .with_citation(self.citation.unwrap_or_default(), self.homepage.unwrap_or_default())
            .on_hub(self.hub_repository.unwrap_or_default())
            .with_files(self.files.unwrap_or_default());
        let split = match self.split {
            None if self.resplit.is_some() => SplitRule::Fixed(Split::Train),
            None | Some(RawSplit::FileName) => SplitRule::FileName,
            Some(RawSplit::Train) => SplitRule::Fixed(Split::Train),
            Some(RawSplit::Validation) => SplitRule::Fixed(Split::Validation),
            Some(RawSplit::Test) => SplitRule::Fixed(Split::Test),
        };
        let columns = self.columns.unwrap_or_default();
        let Self { delimiter, task, answer_form, .. } = self;
        TableSource::new(info, TableOptions { format, delimiter, task, split, answer_form, columns })
    }
}

/// Checks that a table has a name of its own, which can stand in paths and tables.
fn check_name(name: &str) -> Result<()> {
    if sources().iter().any(|source| source.info().name == name) {
        let message = format!(
            "expected a name of your own beside format, found {name:?}, a corpus that is read without format and columns"
        );
        return Err(Error::config("source.name", message));
    }
    let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
        let message = format!("expected at most 64 letters without accents, digits, \"_\" or \"-\", found {name:?}");
        return Err(Error::config("source.name", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "name = 'urgences'\npath = 'q.csv'\nformat = 'csv'\norigin = 'native'\nlicense = 'CC0-1.0'\n\
                         [columns]\ninstruction = 'q'\nanswer = 'r'\n";

    fn declared(text: &str) -> Result<DeclaredSource> {
        toml::from_str::<RawSource>(text).unwrap().declared(Path::new("there"))
    }

    #[test]
    fn a_table_needs_a_name_an_origin_and_a_licence_of_its_own() {
        let source = declared(TABLE).unwrap();
        assert_eq!(
            (source.path.as_path(), source.source.info().kind),
            (Path::new("there/q.csv"), RowKind::Records(Origin::Native))
        );
        let refusal = |from: &str, to: &str| declared(&TABLE.replace(from, to)).unwrap_err().to_string();
        let built_in = refusal("'urgences'", "'mmlu'");
        assert!(built_in.starts_with("source.name: expected a name of your own beside format"), "{built_in}");
        assert!(refusal("'urgences'", "'../x'").starts_with("source.name: expected at most 64 letters"));
        assert!(refusal("origin = 'native'\n", "").starts_with("source.urgences.origin: expected native, translated"));
        assert!(
            refusal("license = 'CC0-1.0'\n", "").starts_with("source.urgences.license: expected an SPDX identifier")
        );
        assert!(
            refusal("format = 'csv'\n", "")
                .starts_with("source.urgences.format: expected csv, tsv, json, jsonl or parquet")
        );
        assert!(
            refusal("origin", "kind = 'documents'\norigin").starts_with("source.urgences.origin: expected with kind")
        );
        assert!(
            refusal("license", "files = ['']\nlicense").starts_with("source.urgences.files: expected patterns such as")
        );
        let unknown = declared("name = 'urgences'\npath = 'q.csv'\n").unwrap_err().to_string();
        assert!(unknown.ends_with("a corpus of your own needs format, license and columns"), "{unknown}");
    }

    #[test]
    fn each_value_has_the_name_that_messages_and_the_manifest_give_it() {
        for form in ["letters", "index_from_0", "index_from_1", "choice_text"] {
            let keys = format!("answer_form = '{form}'\nformat");
            let source =
                declared(&TABLE.replace("answer = 'r'", "answer = 'r'\nchoices = 'c'").replace("format", &keys));
            assert_eq!(source.unwrap().source.options()["answer_form"], form);
        }
        for split in ["file_name", "train", "validation", "test"] {
            let source = declared(&TABLE.replace("format", &format!("split = '{split}'\nformat"))).unwrap();
            assert_eq!(source.source.options()["split"], split);
        }
    }

    #[test]
    fn a_repository_of_the_hub_is_kept_and_a_revision_needs_one() {
        let hub = "hub_repository = 'a/b'\nrevision = 'v1'\n";
        let table = declared(&TABLE.replace("format", &format!("{hub}format"))).unwrap();
        assert_eq!(table.source.info().hub_repository, "a/b");
        let built_in = declared(&format!("name = 'mmlu'\npath = 'x'\n{hub}")).unwrap();
        assert_eq!((built_in.hub_repository.as_deref(), built_in.revision.as_deref()), (Some("a/b"), Some("v1")));
        let refusal = declared(&TABLE.replace("format", "revision = 'v1'\nformat")).unwrap_err().to_string();
        assert_eq!(refusal, "source.urgences.revision: expected hub_repository beside it, found none");
    }
}
