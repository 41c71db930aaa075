//! Conversations as a model reads them: its own chat template, its tokens, and which of them the loss predicts.
//!
//! A template is rendered byte for byte as transformers' `apply_chat_template(enable_thinking=False)` does. One that
//! asks for the date is refused, since its result would depend on the day.

mod files;
mod jinja;
mod row;
mod template;
mod tokenizer;

pub use row::{Chat, LossOn, TokenizedRow};
pub use template::ChatTemplate;
pub use tokenizer::Tokenizer;
