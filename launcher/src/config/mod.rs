//! Checked configuration: what a TOML file says, with every key in range.

mod adapter;
mod section;
mod train;

pub(crate) use adapter::TargetModules;
pub use adapter::{AdapterConfig, DropoutScope, Method, TARGET_MODULES};
pub use train::{
    AdapterSection, DataSection, GradientCheckpointing, ModelSection, OptimSection, Order, OutputSection, Precision,
    Schedule, TrainConfig, TrainSection,
};
