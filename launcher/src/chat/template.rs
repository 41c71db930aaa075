//! A model's chat template.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use medinjection_fr::render::Message;
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::Value;

use super::files::TokenizerConfig;
use super::jinja;
use crate::{Error, Result};

const NAME: &str = "chat_template";

/// The template with which a model was taught to read conversations.
#[derive(Debug)]
pub struct ChatTemplate {
    path: PathBuf,
    environment: Environment<'static>,
    special_tokens: BTreeMap<String, String>,
}

/// What a template can ask for.
#[derive(Serialize)]
struct Context<'a> {
    messages: &'a [Message],
    tools: Option<()>,
    documents: Option<()>,
    add_generation_prompt: bool,
    enable_thinking: bool,
    #[serde(flatten)]
    special_tokens: &'a BTreeMap<String, String>,
}

impl ChatTemplate {
    /// Reads the template of a model folder: `chat_template.jinja`, or `chat_template` of `tokenizer_config.json`.
    ///
    /// # Errors
    /// [`Error::Format`] if the folder has no template, or one that is not Jinja.
    pub fn load(model: &Path) -> Result<Self> {
        Self::with_config(model, TokenizerConfig::load(model)?)
    }

    /// A template given as text; `path` is what messages name.
    ///
    /// # Errors
    /// [`Error::Format`] if it is not Jinja.
    pub fn parse(path: &Path, source: &str, special_tokens: BTreeMap<String, String>) -> Result<Self> {
        let mut environment = jinja::environment();
        environment
            .add_template_owned(NAME, jinja::without_generation_tags(source))
            .map_err(|error| Error::format(path, format!("chat template: {error}")))?;
        Ok(Self { path: path.to_path_buf(), environment, special_tokens })
    }

    pub(super) fn with_config(model: &Path, config: TokenizerConfig) -> Result<Self> {
        let path = model.join("chat_template.jinja");
        match std::fs::read_to_string(&path) {
            Ok(source) => Self::parse(&path, &source, config.special_tokens),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let source = template_of(&config)?;
                Self::parse(&config.path, &source, config.special_tokens)
            }
            Err(error) => Err(Error::io(&path)(error)),
        }
    }

    /// The conversation as text; with `add_generation_prompt`, followed by what opens the model's turn.
    ///
    /// # Errors
    /// [`Error::Format`] if the template refuses the conversation or asks for something that is not there.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String> {
        let context = Context {
            messages,
            tools: None,
            documents: None,
            add_generation_prompt,
            enable_thinking: false,
            special_tokens: &self.special_tokens,
        };
        self.environment
            .get_template(NAME)
            .and_then(|template| template.render(Serde(context)))
            .map_err(|error| Error::format(&self.path, format!("chat template: {error}")))
    }

    /// The file that the template came from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The template is a text, or one of several with names, of which `default` is meant for conversations without tools.
fn template_of(config: &TokenizerConfig) -> Result<String> {
    let missing = |what: &str| Error::format(&config.path, format!("chat_template: expected a template, found {what}"));
    match config.object.get("chat_template") {
        Some(Value::String(source)) => Ok(source.clone()),
        Some(Value::Array(named)) => named
            .iter()
            .find(|entry| entry["name"] == "default")
            .and_then(|entry| entry["template"].as_str().map(str::to_owned))
            .ok_or_else(|| missing("a list without one named default")),
        Some(other) => Err(missing(&other.to_string())),
        None => Err(missing("no such key, and no chat_template.jinja beside it: the model has no chat template")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHATML: &str = "{% for m in messages %}<|{{ m.role }}|>{{ m['content'] }}{{ eos_token }}\n{% endfor %}\
        {% if add_generation_prompt %}<|assistant|>{% endif %}";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    #[test]
    fn a_file_of_its_own_comes_before_the_configuration() {
        let config = r#"{"chat_template":"no","eos_token":"</s>"}"#;
        let model = folder(&[("chat_template.jinja", CHATML), ("tokenizer_config.json", config)]);
        let template = ChatTemplate::load(model.path()).unwrap();
        assert_eq!(template.render(&[Message::user("Où ?")], true).unwrap(), "<|user|>Où ?</s>\n<|assistant|>");
        assert_eq!(template.render(&[Message::user("Où ?")], false).unwrap(), "<|user|>Où ?</s>\n");
    }

    #[test]
    fn of_several_templates_the_default_one_counts() {
        let config = r#"{"chat_template":[{"name":"tool_use","template":"t"},{"name":"default","template":"d"}]}"#;
        let model = folder(&[("tokenizer_config.json", config)]);
        assert_eq!(ChatTemplate::load(model.path()).unwrap().render(&[], false).unwrap(), "d");
    }

    #[test]
    fn a_folder_without_a_usable_template_says_so() {
        for config in
            ["{}", r#"{"chat_template":3}"#, r#"{"chat_template":[{"name":"x"}]}"#, r#"{"chat_template":"{% if"}"#]
        {
            let model = folder(&[("tokenizer_config.json", config)]);
            let message = ChatTemplate::load(model.path()).unwrap_err().to_string();
            assert!(message.contains("tokenizer_config.json: chat"), "{message}");
        }
    }

    #[test]
    fn a_refusal_of_the_template_names_its_file_and_reason() {
        let model = folder(&[("chat_template.jinja", "{{ raise_exception('roles must alternate') }}")]);
        let message = ChatTemplate::load(model.path()).unwrap().render(&[], true).unwrap_err().to_string();
        assert!(message.contains("chat_template.jinja") && message.contains("roles must alternate"), "{message}");
    }
}
