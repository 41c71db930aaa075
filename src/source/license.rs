//! How corpora write the names of their licences.

/// The SPDX identifier of a Creative Commons licence as corpora write it (`CC BY 4.0`, `cc-by-nc-4.0`, an address of
/// creativecommons.org); other words as they stand.
pub(super) fn spdx(license: &str) -> String {
    let trimmed = license.trim();
    if let Some((_, path)) = trimmed.split_once("creativecommons.org/licenses/") {
        return format!("CC-{}", path.trim_end_matches('/').replace('/', "-").to_ascii_uppercase());
    }
    let upper = trimmed.to_ascii_uppercase().replace(' ', "-");
    if upper.starts_with("CC-BY") || upper.starts_with("CC0") { upper } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creative_commons_are_written_in_one_way() {
        assert_eq!(spdx("CC BY 4.0"), "CC-BY-4.0");
        assert_eq!(spdx("https://creativecommons.org/licenses/by-nc-sa/4.0/"), "CC-BY-NC-SA-4.0");
        assert_eq!(spdx("Elsevier user license"), "Elsevier user license");
    }

    proptest::proptest! {
        #[test]
        fn any_words_are_read(license in "\\PC*") {
            let _ = spdx(&license);
            let _ = spdx(&format!("CC-BY{license}"));
        }
    }
}
