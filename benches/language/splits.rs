//! Which rows of the real data the table is learned from; all others are kept for reporting.

/// MMLU subjects whose rows are learned from; the others, and any that are not here, are reported on.
pub(crate) const LEARNED_SUBJECTS: [&str; 3] = ["anatomy", "high_school_psychology", "medical_genetics"];

/// Whether the row of `MedMCQA`'s dev set at `row_index` is kept for reporting: two of nine.
pub(crate) const fn is_reported_medmcqa(row_index: usize) -> bool {
    row_index % 9 < 2
}

/// Whether the translation unit of TICO-19, or the paragraph of a declaration, at `index` is kept for reporting: each second.
pub(crate) const fn is_reported_half(index: usize) -> bool {
    index % 2 == 1
}
