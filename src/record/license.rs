//! What licences say on passing a corpus on; decided here and nowhere else.

use serde::{Deserialize, Serialize};

/// Whether and how what was made from a corpus may be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Redistribution {
    /// Without condition.
    Free,
    /// With the authors' names and the licence.
    Attribution,
    /// Under the same licence, with the authors' names.
    ShareAlike,
    /// Not for commercial use, with the authors' names.
    NonCommercial,
    /// Not at all, or nobody knows: an agreement, a licence without derivatives, or none stated.
    Restricted,
}

impl Redistribution {
    /// Whether it may be published at all.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        !matches!(self, Self::Restricted)
    }

    /// What follows for who publishes it.
    #[must_use]
    pub const fn consequence(self) -> &'static str {
        match self {
            Self::Free => "may be published without condition",
            Self::Attribution => "may be published with its authors' names and its licence",
            Self::ShareAlike => "may be published under the same licence, with its authors' names",
            Self::NonCommercial => "may be published for other than commercial use, with its authors' names",
            Self::Restricted => "must not be published: its licence does not allow it, or is not known",
        }
    }
}

/// What `license`, an SPDX identifier in any case or a corpus's own words, says on passing on.
///
/// What is not known to allow it is taken to forbid it.
///
/// ```
/// use medinjection_fr::record::{Redistribution, redistribution};
/// assert_eq!(redistribution("MIT"), Redistribution::Attribution);
/// assert_eq!(redistribution("CC BY-NC-ND 4.0"), Redistribution::Restricted);
/// assert!(!redistribution("agreement with the organisers").is_allowed());
/// ```
#[must_use]
pub fn redistribution(license: &str) -> Redistribution {
    let license = license.trim().to_ascii_uppercase().replace([' ', '_'], "-");
    if let Some(terms) = license.strip_prefix("CC-BY") {
        return match terms {
            _ if terms.contains("-ND") => Redistribution::Restricted,
            _ if terms.contains("-NC") => Redistribution::NonCommercial,
            _ if terms.contains("-SA") => Redistribution::ShareAlike,
            _ if terms.is_empty() || terms.starts_with("-4") || terms.starts_with("-3") || terms.starts_with("-2") => {
                Redistribution::Attribution
            }
            _ => Redistribution::Restricted,
        };
    }
    match license.as_str() {
        "CC0" | "CC0-1.0" | "UNLICENSE" | "PUBLIC-DOMAIN" | "PDDL-1.0" => Redistribution::Free,
        "MIT" | "APACHE-2.0" | "BSD-2-CLAUSE" | "BSD-3-CLAUSE" | "ODC-BY-1.0" | "ETALAB-2.0" => {
            Redistribution::Attribution
        }
        "GPL-3.0-ONLY" | "GPL-3.0-OR-LATER" | "ODBL-1.0" | "GFDL-1.3" => Redistribution::ShareAlike,
        _ => Redistribution::Restricted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_restricted() {
        for license in ["", "unknown", "CC-BY-ND-4.0", "agreement", "all rights reserved", "CC-BYé", "CC-BY-"] {
            assert!(!redistribution(license).is_allowed(), "{license}");
        }
        for (license, expected) in [
            ("cc0-1.0", Redistribution::Free),
            ("CC-BY-4.0", Redistribution::Attribution),
            ("CC BY-SA 4.0", Redistribution::ShareAlike),
            ("CC-BY-NC-SA-4.0", Redistribution::NonCommercial),
        ] {
            assert_eq!(redistribution(license), expected, "{license}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_words_are_judged(license in "\\PC*") {
            let _ = redistribution(&license);
            let _ = redistribution(&format!("CC-BY{license}"));
        }
    }
}
