//! The configuration of a training run.

use std::borrow::Cow;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::adapter::{AdapterConfig, TargetModules};
use super::section::Section;
use crate::chat::LossOn;
use crate::{Error, Result};

/// More rows than a step of any training has; products of such numbers stay inside 64 bits.
const MAX_ROWS_A_STEP: NonZeroUsize = NonZeroUsize::new(1 << 24).expect("2²⁴ is not zero");

/// As [`MAX_ROWS_A_STEP`], of passes over the rows.
const MAX_EPOCHS: NonZeroU64 = NonZeroU64::new(1 << 24).expect("2²⁴ is not zero");

/// In which order the rows of an epoch are trained on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Rows of similar length share a step; which, and when, is drawn anew each epoch.
    #[default]
    LengthGrouped,
    /// Drawn anew each epoch.
    Shuffled,
    /// As in the file, every epoch.
    File,
}

/// How the learning rate goes on after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Half a cosine down to zero.
    Cosine,
    /// A straight line down to zero.
    Linear,
    /// Unchanged.
    Constant,
}

/// Kind of the frozen weights and activations; the adapter and its optimizer are always in f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// f32 on a CPU, bf16 on a GPU.
    Auto,
    /// 32 bits.
    F32,
    /// 16 bits with the exponent of f32.
    Bf16,
}

/// Whether the backward pass computes each block's activations again instead of keeping them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GradientCheckpointing {
    /// Keeps those of as many blocks as there is memory for.
    Auto,
    /// Keeps none.
    On,
    /// Keeps all.
    Off,
}

impl Serialize for GradientCheckpointing {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::On => serializer.serialize_bool(true),
            Self::Off => serializer.serialize_bool(false),
        }
    }
}

impl JsonSchema for GradientCheckpointing {
    fn schema_name() -> Cow<'static, str> {
        "GradientCheckpointing".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`auto` keeps the activations of as many blocks as there is memory for, true keeps none, false keeps all.",
            "enum": [Self::Auto, Self::On, Self::Off],
        })
    }
}

/// A training run, checked.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TrainConfig {
    /// The frozen model.
    pub model: ModelSection,
    /// The rows.
    pub data: DataSection,
    /// What is trained.
    #[schemars(default)]
    pub adapter: AdapterSection,
    /// The optimizer.
    #[schemars(default)]
    pub optim: OptimSection,
    /// The loop.
    #[schemars(default)]
    pub train: TrainSection,
    /// Where it goes.
    pub output: OutputSection,
}

/// The frozen model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ModelSection {
    /// Folder in transformers' layout, or `org/name[@revision]` in the Hugging Face cache.
    #[schemars(length(min = 1))]
    pub path: PathBuf,
}

/// The rows that are trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DataSection {
    /// JSON Lines file of training rows.
    #[schemars(length(min = 1))]
    pub train: PathBuf,
    /// JSON Lines file of the rows that the run is evaluated on; without it there is no evaluation in training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<PathBuf>,
    /// Order of the rows.
    #[schemars(default)]
    pub order: Order,
    /// Which tokens the loss predicts.
    #[schemars(default)]
    pub loss_on: LossOn,
    /// Tokens of the longest row; a longer one loses the beginning of its question.
    #[schemars(default = "default_max_tokens")]
    pub max_tokens: NonZeroUsize,
}

/// What is trained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AdapterSection {
    /// Its shape.
    #[serde(flatten)]
    pub shape: AdapterConfig,
    /// A saved adapter to start from, of the same shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_from: Option<PathBuf>,
}

/// `AdamW`, betas 0.9 and 0.999, eps 1e-8.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct OptimSection {
    /// Learning rate at the end of the warm-up.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub learning_rate: f64,
    /// Share of a parameter that a step of learning rate 1 takes away.
    #[schemars(range(min = 0))]
    pub weight_decay: f64,
    /// Share of the steps over which the learning rate rises.
    #[schemars(range(min = 0, max = 1))]
    pub warmup_ratio: f64,
    /// What comes after the warm-up.
    pub schedule: Schedule,
    /// Largest norm of the gradient; a longer one is scaled down to it.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub max_grad_norm: f64,
}

impl Default for OptimSection {
    /// The study's.
    fn default() -> Self {
        let (learning_rate, weight_decay, warmup_ratio, max_grad_norm) = (1e-4, 0.0, 0.05, 1.0);
        Self { learning_rate, weight_decay, warmup_ratio, schedule: Schedule::Cosine, max_grad_norm }
    }
}

/// The loop.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct TrainSection {
    /// Passes over the rows, unless `max_steps` says otherwise.
    #[schemars(range(max = MAX_EPOCHS.get()))]
    pub epochs: NonZeroU64,
    /// Optimizer steps, whatever the number of passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<NonZeroU64>,
    /// Rows of an optimizer step, over all ranks.
    #[schemars(range(max = MAX_ROWS_A_STEP.get()))]
    pub global_batch_size: NonZeroUsize,
    /// Rows that one rank runs at once.
    #[schemars(range(max = MAX_ROWS_A_STEP.get()))]
    pub micro_batch_size: NonZeroUsize,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// Kind of the frozen weights.
    pub precision: Precision,
    /// Whether the backward pass computes each block's activations again instead of keeping them.
    pub gradient_checkpointing: GradientCheckpointing,
    /// What a process may hold where `gradient_checkpointing` is `auto`, in GiB; without it, four fifths of what is free on a CPU.
    #[schemars(extend("exclusiveMinimum" = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_budget_gib: Option<f64>,
    /// Steps from one evaluation to the next; an epoch where it is not given. The last step is always evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eval_every_steps: Option<NonZeroU64>,
    /// Steps from one checkpoint to the next; an epoch where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_every_steps: Option<NonZeroU64>,
    /// Whether the adapter of the evaluation with the lowest loss is what the run leaves, in place of the last step's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub load_best_at_end: bool,
    /// Evaluations in a row without a lower loss after which the run ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping_patience: Option<NonZeroU64>,
    /// Checkpoints that are kept, the newest ones.
    pub keep_checkpoints: NonZeroUsize,
    /// Steps from one line of metrics to the next.
    pub log_every_steps: NonZeroU64,
}

impl Default for TrainSection {
    /// The study's.
    fn default() -> Self {
        Self {
            epochs: nonzero_u64(10),
            max_steps: None,
            global_batch_size: nonzero(192),
            micro_batch_size: nonzero(12),
            seed: 42,
            precision: Precision::Auto,
            gradient_checkpointing: GradientCheckpointing::Auto,
            memory_budget_gib: None,
            eval_every_steps: None,
            save_every_steps: None,
            load_best_at_end: false,
            early_stopping_patience: None,
            keep_checkpoints: nonzero(2),
            log_every_steps: nonzero_u64(1),
        }
    }
}

/// Where the run goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OutputSection {
    /// The run's directory.
    #[schemars(length(min = 1))]
    pub dir: PathBuf,
}

impl TrainConfig {
    /// Reads the TOML file at `path`, with `overrides` of the form `section.key=value` put over it.
    ///
    /// A value is written as in TOML; text may be bare. Relative paths start from the current directory.
    ///
    /// # Errors
    /// [`Error::Library`] if the file cannot be read, [`Error::Format`] if it is not TOML, [`Error::Config`] naming the
    /// key that is missing, unknown or out of range.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let mut file: Table =
            toml::from_str(&text).map_err(|error| Error::format(path, error.to_string().trim_end()))?;
        for assignment in overrides {
            assign(&mut file, assignment)?;
        }
        Self::from_table(file).map_err(|error| match error {
            Error::Config { key, message } => Error::config(format!("{}: {key}", path.display()), message),
            other => other,
        })
    }

    /// The configuration as TOML, every key resolved.
    ///
    /// # Errors
    /// [`Error::Config`] if a path is not UTF-8.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::config("config.toml", error))
    }

    fn from_table(mut file: Table) -> Result<Self> {
        const SECTIONS: [&str; 6] = ["model", "data", "adapter", "optim", "train", "output"];
        if let Some(name) = file.keys().find(|name| !SECTIONS.contains(&name.as_str())) {
            return Err(Error::config(name, format!("unknown section; expected one of {}", SECTIONS.join(", "))));
        }
        let mut model = Section::take(&mut file, "model")?;
        let mut output = Section::take(&mut file, "output")?;
        let config = Self {
            model: ModelSection { path: model.path("path")? },
            data: data(Section::take(&mut file, "data")?)?,
            adapter: adapter(Section::take(&mut file, "adapter")?)?,
            optim: optim(Section::take(&mut file, "optim")?)?,
            train: train(Section::take(&mut file, "train")?)?,
            output: OutputSection { dir: output.path("dir")? },
        };
        model.finish()?;
        output.finish()?;
        config.check_evaluation()?;
        Ok(config)
    }

    /// Refuses settings that compare evaluations where none is made.
    fn check_evaluation(&self) -> Result<()> {
        let TrainSection { load_best_at_end, early_stopping_patience, .. } = self.train;
        let comparing =
            [("load_best_at_end", load_best_at_end), ("early_stopping_patience", early_stopping_patience.is_some())];
        match comparing.into_iter().find(|(_, is_set)| *is_set && self.data.validation.is_none()) {
            None => Ok(()),
            Some((key, _)) => Err(Error::config(
                format!("train.{key}"),
                "expected data.validation beside it, whose loss is compared, found none",
            )),
        }
    }
}

fn data(mut section: Section) -> Result<DataSection> {
    let data = DataSection {
        train: section.path("train")?,
        validation: section.optional("validation")?,
        order: section.or("order", Order::default())?,
        loss_on: section.or("loss_on", LossOn::default())?,
        max_tokens: section.or("max_tokens", default_max_tokens())?,
    };
    section.finish()?;
    Ok(data)
}

fn adapter(mut section: Section) -> Result<AdapterSection> {
    let default = AdapterConfig::default();
    let shape = AdapterConfig {
        method: section.or("method", default.method)?,
        rank: section.or("rank", default.rank)?,
        alpha: section.number("alpha", default.alpha, f64::is_finite, "a positive number")?,
        dropout: section.number("dropout", default.dropout, f64::is_finite, "a probability in [0, 1)")?,
        dropout_scope: section.or("dropout_scope", default.dropout_scope)?,
        target_modules: section
            .optional("target_modules")?
            .map_or(default.target_modules, |TargetModules(names)| names),
    };
    let init_from = section.optional("init_from")?;
    section.finish()?;
    Ok(AdapterSection { shape: shape.checked("adapter.")?, init_from })
}

fn optim(mut section: Section) -> Result<OptimSection> {
    let not_negative = |value: f64| value.is_finite() && value >= 0.0;
    let positive = |value: f64| value.is_finite() && value > 0.0;
    let is_share = |value: f64| (0.0..=1.0).contains(&value);
    let default = OptimSection::default();
    let optim = OptimSection {
        learning_rate: section.number("learning_rate", default.learning_rate, positive, "a positive number")?,
        weight_decay: section.number("weight_decay", default.weight_decay, not_negative, "a number from 0")?,
        warmup_ratio: section.number("warmup_ratio", default.warmup_ratio, is_share, "a share in [0, 1]")?,
        schedule: section.or("schedule", default.schedule)?,
        max_grad_norm: section.number("max_grad_norm", default.max_grad_norm, positive, "a positive number")?,
    };
    section.finish()?;
    Ok(optim)
}

fn train(mut section: Section) -> Result<TrainSection> {
    let default = TrainSection::default();
    let train = TrainSection {
        epochs: section.count("epochs", default.epochs, MAX_EPOCHS)?,
        max_steps: section.optional("max_steps")?,
        global_batch_size: section.count("global_batch_size", default.global_batch_size, MAX_ROWS_A_STEP)?,
        micro_batch_size: section.count("micro_batch_size", default.micro_batch_size, MAX_ROWS_A_STEP)?,
        seed: section.or("seed", default.seed)?,
        precision: section.or("precision", default.precision)?,
        gradient_checkpointing: gradient_checkpointing(&mut section)?,
        memory_budget_gib: memory_budget(&mut section)?,
        eval_every_steps: section.optional("eval_every_steps")?,
        save_every_steps: section.optional("save_every_steps")?,
        load_best_at_end: section.or("load_best_at_end", default.load_best_at_end)?,
        early_stopping_patience: section.optional("early_stopping_patience")?,
        keep_checkpoints: section.or("keep_checkpoints", default.keep_checkpoints)?,
        log_every_steps: section.or("log_every_steps", default.log_every_steps)?,
    };
    if train.memory_budget_gib.is_some() && train.gradient_checkpointing != GradientCheckpointing::Auto {
        let message =
            "expected no budget where train.gradient_checkpointing is true or false, found one; set that to auto";
        return Err(section.refuse("memory_budget_gib", message));
    }
    section.finish()?;
    Ok(train)
}

fn gradient_checkpointing(section: &mut Section) -> Result<GradientCheckpointing> {
    match section.or("gradient_checkpointing", Value::String("auto".to_owned()))? {
        Value::Boolean(true) => Ok(GradientCheckpointing::On),
        Value::Boolean(false) => Ok(GradientCheckpointing::Off),
        Value::String(text) if text == "auto" => Ok(GradientCheckpointing::Auto),
        other => {
            Err(section.refuse("gradient_checkpointing", format!("expected \"auto\", true or false, found {other}")))
        }
    }
}

fn memory_budget(section: &mut Section) -> Result<Option<f64>> {
    let budget = section.number("memory_budget_gib", f64::INFINITY, |value| value > 0.0, "a positive number of GiB")?;
    Ok(budget.is_finite().then_some(budget))
}

fn default_max_tokens() -> NonZeroUsize {
    nonzero(2048)
}

fn nonzero(value: usize) -> NonZeroUsize {
    NonZeroUsize::new(value).unwrap_or(NonZeroUsize::MIN)
}

fn nonzero_u64(value: u64) -> NonZeroU64 {
    NonZeroU64::new(value).unwrap_or(NonZeroU64::MIN)
}

/// Puts `section.key=value` over the file's own value.
fn assign(file: &mut Table, assignment: &str) -> Result<()> {
    let form = || Error::config(format!("--set {assignment}"), "expected section.key=value");
    let (name, text) = assignment.split_once('=').ok_or_else(form)?;
    let whole = |(section, key): &(&str, &str)| !section.is_empty() && !key.is_empty() && !key.contains('.');
    let (section, key) = name.trim().split_once('.').filter(whole).ok_or_else(form)?;
    let value = toml::from_str::<Table>(&format!("value = {text}"))
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.trim().to_owned()));
    match file.entry(section).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(table) => {
            table.insert(key.to_owned(), value);
            Ok(())
        }
        other => Err(Error::config(section, format!("expected a section, found {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMALLEST: &str = "model.path = \"m\"\ndata.train = \"t.jsonl\"\noutput.dir = \"run\"\n";

    fn load(text: &str, overrides: &[&str]) -> Result<TrainConfig> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sft.toml");
        std::fs::write(&path, text).unwrap();
        TrainConfig::load(&path, &overrides.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn three_keys_are_enough_and_the_rest_is_the_study() {
        let config = load(SMALLEST, &[]).unwrap();
        assert_eq!(config.adapter.shape, AdapterConfig::default());
        assert_eq!((config.train.epochs.get(), config.train.global_batch_size.get()), (10, 192));
        assert_eq!((config.train.micro_batch_size.get(), config.data.max_tokens.get()), (12, 2048));
    }

    #[test]
    fn the_schema_says_what_is_required_and_what_stands_where_a_key_is_left_out() {
        let schema = schemars::schema_for!(TrainConfig);
        let resolved = serde_json::to_value(load(SMALLEST, &[]).unwrap()).unwrap();
        for (name, values) in resolved.as_object().unwrap() {
            let reference =
                schema.pointer(&format!("/properties/{name}/$ref")).and_then(|value| value.as_str()).unwrap();
            let section = schema.pointer(reference.trim_start_matches('#')).unwrap();
            for (key, value) in values.as_object().unwrap() {
                let is_given = SMALLEST.contains(&format!("{name}.{key} = "));
                let is_required =
                    section["required"].as_array().is_some_and(|keys| keys.contains(&key.as_str().into()));
                assert_eq!(is_given, is_required, "{name}.{key}");
                let default = &section["properties"][key]["default"];
                assert!(is_given || default == value, "{name}.{key}: expected {value}, found {default}");
            }
        }
    }

    #[test]
    fn the_resolved_configuration_reads_back_as_itself() {
        let config = load(SMALLEST, &["adapter.init_from=a b", "train.max_steps=3", "data.order=file"]).unwrap();
        assert_eq!(load(&config.to_toml().unwrap(), &[]).unwrap(), config);
    }

    #[test]
    fn an_override_is_toml_or_bare_text() {
        let overrides = ["optim.learning_rate=1e-3", "data.loss_on=completion", "adapter.target_modules=[\"q_proj\"]"];
        let config = load(SMALLEST, &overrides).unwrap();
        assert!((config.optim.learning_rate - 1e-3).abs() < 1e-12);
        assert_eq!(config.data.loss_on, LossOn::Completion);
        assert_eq!(config.adapter.shape.target_modules, ["q_proj"]);
        for overrides in ["adapter.target_modules=all-linear", "adapter.target_modules=\"all-linear\""] {
            assert_eq!(load(SMALLEST, &[overrides]).unwrap().adapter.shape, AdapterConfig::default());
        }
        assert_eq!(load(SMALLEST, &["model.path=../a model"]).unwrap().model.path, Path::new("../a model"));
    }

    #[test]
    fn every_refusal_names_its_key() {
        let refused = [
            ("train.epoch=3", "train.epoch: unknown key; expected one of epochs, max_steps"),
            ("trian.epochs=3", "trian: unknown section"),
            ("train.epochs=0", "train.epochs: "),
            ("train.seed=x", "train.seed: "),
            ("train.precision=f16", "train.precision: "),
            ("train.gradient_checkpointing=maybe", "train.gradient_checkpointing: expected \"auto\", true or false"),
            ("train.memory_budget_gib=0", "train.memory_budget_gib: expected a positive number of GiB, found 0"),
            ("optim.learning_rate=-1", "optim.learning_rate: expected a positive number, found -1"),
            ("optim.learning_rate=nan", "optim.learning_rate: "),
            ("adapter.rank=0", "adapter.rank: "),
            ("adapter.target_modules=[\"qproj\"]", "adapter.target_modules: "),
            ("adapter.target_modules=all", "adapter.target_modules: "),
            ("train.load_best_at_end=true", "train.load_best_at_end: expected data.validation"),
            ("train.early_stopping_patience=2", "train.early_stopping_patience: expected data.validation"),
            ("seed=3", "--set seed=3: expected section.key=value"),
            ("train.a.b=3", "--set train.a.b=3: expected section.key=value"),
            (".epochs=3", "--set .epochs=3: expected section.key=value"),
            ("train.=3", "--set train.=3: expected section.key=value"),
            ("model.path=", "model.path: expected a path, found an empty text"),
            ("train.micro_batch_size=4611686018427387904", "train.micro_batch_size: expected a number of at most"),
            ("train.global_batch_size=4611686018427387904", "train.global_batch_size: expected a number of at most"),
            ("train.epochs=9223372036854775807", "train.epochs: expected a number of at most"),
        ];
        for (assignment, named) in refused {
            let message = load(SMALLEST, &[assignment]).unwrap_err().to_string();
            assert!(message.contains(named), "{assignment}: {message}");
        }
        let both = ["train.gradient_checkpointing=true", "train.memory_budget_gib=2"];
        assert!(load(SMALLEST, &both).unwrap_err().to_string().contains("train.memory_budget_gib: expected no budget"));
        let message = load("model.path = \"m\"\noutput.dir = \"o\"", &[]).unwrap_err().to_string();
        assert!(message.contains("data.train: expected a value, found none"), "{message}");
        assert!(load("model = [", &[]).unwrap_err().to_string().contains("sft.toml"));
    }

    /// Keys and values that come near a configuration, so that some of them are one.
    const NAMES: &str = "(model|data|adapter|optim|train|output|é|)\\.(path|train|dir|rank|alpha|dropout|epochs|max_steps\
        |micro_batch_size|global_batch_size|seed|learning_rate|warmup_ratio|order|init_from|target_modules|x|)";
    const VALUES: &str = "\"[a-zé\\\\\"]{0,3}\"|-?[0-9]{1,20}|-?[0-9]{1,3}\\.[0-9]{1,3}(e-?[0-9]{1,3})?|nan|-?inf|true\
        |file|shuffled|\\[\"[qkv]_proj\"\\]|\\{x = 1\\}|1979-05-27|\\[{1,3}|\\PC{0,6}";

    /// Reads the text; what can be read is written and read again.
    fn accepted_or_refused(text: &str, overrides: &[&str]) -> Result<(), TestCaseError> {
        match load(text, overrides) {
            Ok(config) => prop_assert_eq!(load(&config.to_toml().unwrap(), &[]).unwrap(), config),
            Err(Error::Config { key, message }) => prop_assert!(!key.is_empty() && !message.is_empty()),
            Err(Error::Format { path, .. }) => prop_assert!(path.ends_with("sft.toml")),
            Err(other) => prop_assert!(false, "{other}"),
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_text_is_a_configuration_or_refused(text in "\\PC{0,80}") {
            accepted_or_refused(&text, &[])?;
        }

        #[test]
        fn near_configurations_are_accepted_or_refused(lines in prop::collection::vec((NAMES, VALUES), 0..6)) {
            let lines: Vec<String> = lines.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
            accepted_or_refused(&format!("{SMALLEST}{}", lines.concat()), &[])?;
        }

        #[test]
        fn any_override_is_taken_or_refused_by_name(any in "\\PC{0,20}", (name, value) in (NAMES, VALUES)) {
            let assignment = format!("{name}={value}");
            for assignment in [any.as_str(), &assignment] {
                if let Err(error) = load(SMALLEST, &[assignment]) {
                    let message = error.to_string();
                    let key = assignment.split('=').next().unwrap_or_default().trim();
                    let section = key.split('.').next().unwrap_or_default();
                    let named = message.contains(&format!("--set {assignment}")) || message.contains(&format!(": {section}"));
                    prop_assert!(named, "{assignment}: {message}");
                }
                accepted_or_refused(SMALLEST, &[assignment])?;
            }
        }
    }
}
