//! Which rows of the real data the table is learned from; all others are kept for reporting.

/// MMLU subjects whose rows are learned from; the others, and any that are not here, are reported on.
pub const LEARNED_SUBJECTS: [&str; 3] = ["anatomy", "high_school_psychology", "medical_genetics"];

/// Whether the row of MedMCQA's dev set at `row_index` is kept for reporting: two of nine.
pub const fn is_reported_medmcqa(row_index: usize) -> bool {
    row_index % 9 < 2
}

/// Whether the translation unit of TICO-19, or the paragraph of a declaration, at `index` is kept for reporting: each second.
pub const fn is_reported_half(index: usize) -> bool {
    index % 2 == 1
}

/// The text in lower case with its letters and digits only, by which a row that is reported on is known elsewhere.
pub fn folded(text: &str) -> String {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}
