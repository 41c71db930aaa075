//! Drawings of a report: geometry in SVG that stretches with the page, words in HTML that stays readable at any width.

mod forest;
mod loss;
mod mixture;
mod scale;

pub(super) use forest::{differences, forest};
pub(super) use loss::loss;
pub(super) use mixture::mixture;
