//! A question that gives its answer away.

use crate::record::{Finding, Reason, Record};
use crate::text::fold;

/// Letters and digits from which a choice's standing in the question is no chance.
const MIN_LENGTH: usize = 8;

/// A warning where the folded text of a correct choice, and of no wrong one, stands in the question.
pub(super) fn check(record: &Record) -> Vec<Finding> {
    let question = format!(" {} ", fold(&record.instruction));
    let stands = |text: &str| {
        let text = fold(text);
        text.chars().count() >= MIN_LENGTH && question.contains(&format!(" {text} "))
    };
    let standing: Vec<_> = record.choices.iter().filter(|choice| stands(&choice.text)).collect();
    if standing.is_empty() || standing.iter().any(|choice| !record.answer_labels.contains(&choice.label)) {
        return Vec::new();
    }
    let detail = |text| format!("expected a question that does not name its answer, found {text:?} in it");
    let finding = |text| Finding::warning(Reason::AnswerLeak, "instruction", detail(text));
    standing.into_iter().map(|choice| finding(&choice.text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::choice_record;

    #[test]
    fn only_the_correct_choice_in_the_question_gives_it_away() {
        let question = "Le paracétamol, que contient ce comprimé, est :";
        assert_eq!(check(&choice_record(question, &["Le Paracétamol", "L’ibuprofène"], "A")).len(), 1);
        assert_eq!(check(&choice_record(question, &["Le Paracétamol", "L’ibuprofène"], "B")), []);
    }

    #[test]
    fn part_of_a_word_does_not_count() {
        assert_eq!(check(&choice_record("Quel antiparasitaire ?", &["parasite", "virus"], "A")), []);
    }
}
