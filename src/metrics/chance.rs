//! What guessing would reach.

use super::Answered;
use crate::record::Task;

/// Expected exact match of a guesser that draws uniformly: one of the `n` choices of a single-answer question, one of
/// the `2ⁿ − 1` non-empty sets of a multi-answer one.
///
/// `None` where the number of choices is not known.
#[must_use]
pub fn chance_exact_match(task: Task, answered: Answered) -> Option<f64> {
    let num_choices = f64::from(answered.num_choices?);
    Some(if task == Task::Mcq { 1.0 / (num_choices.exp2() - 1.0) } else { 1.0 / num_choices })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::LabelSet;

    #[test]
    fn five_choices_are_one_in_five_or_one_in_thirty_one() {
        let gold: LabelSet = crate::record::ChoiceLabel::from_index(0).into_iter().collect();
        let answered = Answered { gold, predicted: gold, num_choices: Some(5) };
        assert_eq!(chance_exact_match(Task::Mcqu, answered), Some(0.2));
        assert_eq!(chance_exact_match(Task::Mcq, answered), Some(1.0 / 31.0));
    }
}
