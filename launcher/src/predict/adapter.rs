//! Adapters in prediction.

use crate::Result;
use crate::model::CausalLm;

/// Folds the adapters of `model` into its weights: the same answers, with fewer products for each token.
pub(super) fn fold(model: &mut CausalLm) -> Result<()> {
    for (_, linear) in model.linears_mut() {
        if let Some(adapter) = linear.adapter.take() {
            linear.weight.f_copy_(&adapter.merged_weight(&linear.weight))?;
        }
    }
    model.refresh()
}
