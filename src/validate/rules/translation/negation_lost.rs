//! A negation that the translation lacks.

use super::Pair;
use super::words::Words;
use crate::record::{Finding, Reason};

/// Negations of a text: words that say no, and words that merely mean it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Negations {
    /// `not`, `without`, `ne … pas`, `sauf`: what a translation keeps.
    plain: usize,
    /// `unable`, `lack`, `impossible`, `absence`: how a translator may say it otherwise.
    implied: usize,
}

/// An error where a field says no less often than its original does, words that merely mean it included.
pub(super) fn check(pair: &Pair<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for field in &pair.fields {
        let expected = english(&field.english);
        if expected.plain == 0 {
            continue;
        }
        let found = french(&field.french);
        let enough = found.plain >= expected.plain || found.plain + found.implied >= expected.plain + expected.implied;
        if !enough {
            let word = field.english.iter().find(|word| is_english_negation(word)).unwrap_or("not");
            let detail = format!(
                "expected {} negations, such as {word:?} in the original, found {}",
                expected.plain, found.plain
            );
            findings.push(Finding::error(Reason::NegationLost, &*field.name, detail));
        }
    }
    findings
}

/// Words that negate in English; `t` is what folding leaves of `n't` after its verb.
fn is_english_negation(word: &str) -> bool {
    matches!(
        word,
        "not"
            | "no"
            | "none"
            | "never"
            | "without"
            | "except"
            | "excepting"
            | "cannot"
            | "nor"
            | "neither"
            | "nothing"
            | "nobody"
            | "least"
            | "unless"
            | "t"
    )
}

fn english(words: &Words) -> Negations {
    let mut negations = Negations::default();
    let mut previous = "";
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let plain = match word {
            // `no matter` and `to no avail` are `quel que soit` and `en vain`.
            "no" => !rest.clone().next().is_some_and(|next| matches!(next, "matter" | "avail")),
            // `at least`, `at the very least`, `last but not least` are no negations, nor is the letter of `t cell`.
            "least" => !matches!(previous, "at" | "very" | "not"),
            "t" => matches!(
                previous,
                "don"
                    | "doesn"
                    | "didn"
                    | "isn"
                    | "aren"
                    | "wasn"
                    | "weren"
                    | "won"
                    | "can"
                    | "couldn"
                    | "shouldn"
                    | "wouldn"
                    | "hasn"
                    | "haven"
                    | "hadn"
                    | "mustn"
            ),
            // `neither … nor` and `no … nor` say it once, `whether or not` not at all.
            "nor" => false,
            "not" => previous != "or" && rest.clone().next() != Some("least"),
            _ => is_english_negation(word),
        };
        negations.plain += usize::from(plain);
        negations.implied += usize::from(!plain && implies_in_english(word));
        previous = word;
    }
    negations
}

/// Beginnings of words that negate by their prefix in both languages.
const NEGATED: &[&str] = &[
    "incap", "impos", "insuf", "inuti", "inact", "inadeq", "incons", "inconn", "incorr", "incom", "indol", "ineff",
    "inexi", "inexp", "inchang", "invis", "invol", "irrev", "irreg", "illeg", "immob", "impro", "inabil", "insens",
    "impercep", "imperm",
];

fn implies_in_english(word: &str) -> bool {
    let with_un = word.len() > 5 && word.starts_with("un") && !word.starts_with("uni") && !word.starts_with("under");
    let implied = matches!(
        word,
        "lack"
            | "lacks"
            | "lacking"
            | "fail"
            | "fails"
            | "failed"
            | "failure"
            | "absence"
            | "absent"
            | "free"
            | "avoid"
            | "avoids"
            | "deny"
            | "denies"
            | "denied"
            | "refuse"
            | "refuses"
            | "refused"
            | "rarely"
            | "seldom"
            | "hardly"
            | "nor"
            | "minus"
            | "prevent"
            | "prevents"
            | "false"
            | "loss"
            | "less"
    );
    let without = word.ends_with("less") && !matches!(word, "regardless" | "nevertheless" | "nonetheless");
    with_un || implied || without || NEGATED.iter().any(|beginning| word.starts_with(beginning))
}

fn french(words: &Words) -> Negations {
    let mut negations = Negations::default();
    // Number of words since a `ne` that still waits for its second half.
    let mut waiting: Option<usize> = None;
    let mut previous = "";
    for word in words.iter() {
        let second = matches!(
            word,
            "pas"
                | "plus"
                | "jamais"
                | "rien"
                | "aucun"
                | "aucune"
                | "personne"
                | "ni"
                | "guere"
                | "nul"
                | "nulle"
                | "point"
                | "que"
                | "qu"
        );
        match word {
            "ne" | "n" => {
                // A `ne` whose second half did not come negates all the same.
                negations.plain += usize::from(waiting.is_some());
                waiting = Some(0);
            }
            "que" | "qu" if waiting.is_some() => {
                // `ne … que` is `only`.
                waiting = None;
                negations.implied += 1;
            }
            _ if second && waiting.is_some() => {
                waiting = None;
                negations.plain += 1;
            }
            "pas" | "jamais" | "aucun" | "aucune" | "sans" | "sauf" | "hormis" | "excepte" | "exceptee" | "non"
            | "rien" | "ni" | "nul" | "nulle" | "exception" | "exclusion" => {
                negations.plain += usize::from(word != "ni" || previous != "ni");
            }
            "moins" => {
                negations.plain += usize::from(!matches!(previous, "au" | "du"));
            }
            _ => negations.implied += usize::from(implies_in_french(word)),
        }
        if let Some(since) = &mut waiting {
            *since += 1;
            if *since > 12 {
                waiting = None;
                negations.plain += 1;
            }
        }
        previous = word;
    }
    negations.plain += usize::from(waiting.is_some());
    negations
}

fn implies_in_french(word: &str) -> bool {
    let implied = matches!(
        word,
        "absence"
            | "absent"
            | "absente"
            | "manque"
            | "manquent"
            | "echec"
            | "echoue"
            | "echouent"
            | "depourvu"
            | "depourvue"
            | "depourvus"
            | "depourvues"
            | "refus"
            | "refuse"
            | "refusent"
            | "nie"
            | "nient"
            | "eviter"
            | "evite"
            | "rarement"
            | "faux"
            | "fausse"
            | "perte"
            | "empeche"
            | "empecher"
            | "empechent"
            | "sinon"
            | "ignore"
            | "exclut"
            | "exclu"
            | "excluent"
            | "peu"
            | "indemne"
            | "evitez"
            | "omettant"
            | "omettre"
            | "interdit"
            | "interdite"
            | "interdits"
            | "interdiction"
            | "asymptomatique"
            | "asymptomatiques"
    );
    implied || NEGATED.iter().any(|beginning| word.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::findings;
    use super::*;

    fn found(english: &str, french: &str) -> Vec<String> {
        findings(check, (english, &[]), (french, &[]))
    }

    #[test]
    fn a_dropped_negation_is_an_error() {
        for (english, french) in [
            ("This drug is not used.", "Ce médicament est utilisé."),
            ("All are true except:", "Toutes sont vraies :"),
            ("They don't breathe.", "Ils respirent."),
            ("Which is least likely?", "Laquelle est la plus probable ?"),
        ] {
            assert_eq!(found(english, french).len(), 1, "{english}");
        }
    }

    #[test]
    fn a_negation_may_be_said_otherwise() {
        for (english, french) in [
            ("It is not used without a prescription.", "Il n'est pas utilisé sans ordonnance."),
            ("All are true except:", "Toutes sont vraies, à l’exception de :"),
            ("They are not able to swim.", "Ils sont incapables de nager."),
            ("at least two", "au moins deux"),
            ("Last but not least, at the very least once", "Enfin, une fois tout au moins"),
            ("Visitors are not allowed.", "Interdiction de visite."),
            ("T cells", "lymphocytes T"),
            ("Neither A nor B", "Ni A ni B"),
            ("when no oxygen is there, regardless of time", "en l'absence d'oxygène, quel que soit le temps"),
            ("no matter where", "quel que soit l'endroit"),
        ] {
            assert_eq!(found(english, french), Vec::<String>::new());
        }
    }
}
