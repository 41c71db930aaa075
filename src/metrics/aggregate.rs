//! One number over several data sets.

use std::collections::BTreeMap;

use super::mean;
use crate::record::Task;

/// Half the mean over the multi-answer sets and half that over the single-answer sets; the one mean where there is one
/// task. `None` where there is no set.
///
/// Every set counts the same within its task, whatever its size.
///
/// # Source
/// Belmadani et al., 2026, *MedInjection-FR*, <https://arxiv.org/abs/2603.06905>
///
/// ```
/// use medinjection_fr::{metrics::aggregate, record::Task};
/// assert_eq!(aggregate([(Task::Mcq, 0.2), (Task::Mcqu, 0.4), (Task::Mcqu, 0.8)]), Some(0.4));
/// ```
pub fn aggregate(sets: impl IntoIterator<Item = (Task, f64)>) -> Option<f64> {
    let mut by_task: BTreeMap<Task, Vec<f64>> = BTreeMap::new();
    for (task, value) in sets {
        by_task.entry(task).or_default().push(value);
    }
    let means: Vec<f64> = by_task.values().map(|values| mean(values)).collect();
    (!means.is_empty()).then(|| mean(&means))
}
