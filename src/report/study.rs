//! What the study published, to stand beside our results.

/// Aggregated exact match of one of the study's models.
#[derive(Debug, Clone, Copy)]
pub(super) struct Published {
    /// Name of the preset; `None` for the base model.
    pub(super) preset: Option<&'static str>,
    /// Name in the study's tables.
    pub(super) study_name: &'static str,
    /// Aggregated exact match, in [0, 1].
    pub(super) exact_match: f64,
}

const fn tuned(preset: &'static str, study_name: &'static str, exact_match: f64) -> Published {
    Published { preset: Some(preset), study_name, exact_match }
}

/// The study's base model, Qwen3-4B-Instruct-2507, and its seven fine-tunings, on the study's own test sets.
///
/// # Source
/// Belmadani et al., 2026, *MedInjection-FR*, <https://arxiv.org/abs/2603.06905>
pub(super) const PUBLISHED: &[Published] = &[
    Published { preset: None, study_name: "base", exact_match: 0.4674 },
    tuned("native", "NAT", 0.4713),
    tuned("translated", "TRAD", 0.4566),
    tuned("synthetic", "SYN", 0.3823),
    tuned("native_translated", "NAT-TRAD", 0.4924),
    tuned("native_synthetic", "NAT-SYN", 0.4672),
    tuned("translated_synthetic", "TRAD-SYN", 0.4509),
    tuned("all", "ALL", 0.4846),
];

/// The study's row of a preset.
pub(super) fn published(preset: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|row| row.preset == Some(preset))
}
