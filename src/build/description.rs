//! What a data set says of itself beside its numbers: section `[dataset]` of the configuration.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who made texts or answers, in the words of the Hub's cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Creator {
    /// Many people, for a service.
    Crowdsourced,
    /// People who know the field.
    ExpertGenerated,
    /// They were there already.
    Found,
    /// A program or a model.
    MachineGenerated,
    /// Somebody else.
    Other,
}

impl std::fmt::Display for Creator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(formatter)
    }
}

/// What a data set says of itself; the card and `croissant.json` repeat it.
///
/// Invariant: the name has only letters, digits, `-`, `_` and `.`; the version is `MAJOR.MINOR.PATCH`; the address, where
/// there is one, is of the web; the date, where there is one, is `YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Description {
    name: String,
    title: String,
    text: String,
    version: String,
    creators: Vec<String>,
    annotations_creators: Vec<Creator>,
    language_creators: Vec<Creator>,
    url: Option<String>,
    date_published: Option<String>,
}

impl Serialize for Description {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Description {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let description = Self::deserialize(deserializer)?;
        description.check().map_err(serde::de::Error::custom)?;
        Ok(description)
    }
}

impl Default for Description {
    fn default() -> Self {
        let text = "Questions and answers in French, of three origins: written in French (native), translated from English \
                    (translated), and written by a model from French documents (synthetic). Each row says where it comes \
                    from, in which language its fields are, and what the checks found.";
        Self {
            name: "medinjection-fr".to_owned(),
            title: "French biomedical instruction data".to_owned(),
            text: text.to_owned(),
            version: "1.0.0".to_owned(),
            creators: Vec::new(),
            annotations_creators: Vec::new(),
            language_creators: Vec::new(),
            url: None,
            date_published: None,
        }
    }
}

/// Whether `text` is numbers of so many digits each, with `separator` between them.
fn is_numbers(text: &str, separator: char, digits: &[std::ops::RangeInclusive<usize>]) -> bool {
    let numbers: Vec<&str> = text.split(separator).collect();
    let number = |(number, digits): (&&str, &std::ops::RangeInclusive<usize>)| {
        digits.contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    numbers.len() == digits.len() && numbers.iter().zip(digits).all(number)
}

impl Description {
    /// Whether the invariant holds; else what was expected and found, by key.
    fn check(&self) -> Result<(), String> {
        let Self { name, version, url, date_published, .. } = self;
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if name.is_empty() || name.len() > 96 || !name.chars().all(allowed) {
            return Err(format!("dataset.name: expected up to 96 letters, digits, - _ and ., found {name:?}"));
        }
        if !is_numbers(version, '.', &[1..=9, 1..=9, 1..=9]) {
            return Err(format!("dataset.version: expected MAJOR.MINOR.PATCH, found {version:?}"));
        }
        if let Some(url) = url.as_ref().filter(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
            return Err(format!("dataset.url: expected an address of the web, found {url:?}"));
        }
        if let Some(date) = date_published.as_ref().filter(|date| !is_numbers(date, '-', &[4..=4, 2..=2, 2..=2])) {
            return Err(format!("dataset.date_published: expected YYYY-MM-DD, found {date:?}"));
        }
        Ok(())
    }

    /// The same, by these people or organisations.
    #[must_use]
    pub fn by<T: Into<String>>(mut self, creators: impl IntoIterator<Item = T>) -> Self {
        self.creators = creators.into_iter().map(Into::into).collect();
        self
    }

    /// Short name, as in addresses.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What it is.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Version of the data.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Who made it; where it names nobody, the authors of the sources count as its makers.
    #[must_use]
    pub fn creators(&self) -> &[String] {
        &self.creators
    }

    /// Who gave the answers; empty where the origins of the records say it.
    #[must_use]
    pub fn annotations_creators(&self) -> &[Creator] {
        &self.annotations_creators
    }

    /// Who wrote the French; empty where the origins of the records say it.
    #[must_use]
    pub fn language_creators(&self) -> &[Creator] {
        &self.language_creators
    }

    /// Where it is published.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// When it was published: a statement of its makers, never read from a clock.
    #[must_use]
    pub fn date_published(&self) -> Option<&str> {
        self.date_published.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_has_a_default_and_what_is_wrong_is_refused_by_key() {
        let read = |text: &str| toml::from_str::<Description>(text).map_err(|error| error.message().to_owned());
        assert_eq!(read("").unwrap(), Description::default());
        assert_eq!(read("creators = ['A']").unwrap(), Description::default().by(["A"]));
        let said = read("annotations_creators = ['expert-generated']").unwrap();
        assert_eq!(said.annotations_creators(), [Creator::ExpertGenerated]);
        assert_eq!(said.annotations_creators()[0].to_string(), "expert-generated");
        for (text, message) in [
            ("name = 'a b'", "dataset.name: expected up to 96 letters"),
            ("version = '1.0'", "dataset.version: expected MAJOR.MINOR.PATCH, found \"1.0\""),
            ("version = '1.0.x'", "dataset.version"),
            ("url = '/tmp/x'", "dataset.url: expected an address of the web"),
            ("date_published = '24 nov. 2026'", "dataset.date_published: expected YYYY-MM-DD"),
            ("author = 'A'", "unknown field `author`"),
            ("language_creators = ['experts']", "unknown variant `experts`, expected one of `crowdsourced`"),
        ] {
            let refusal = read(text).unwrap_err();
            assert!(refusal.contains(message), "{refusal}");
        }
    }
}
