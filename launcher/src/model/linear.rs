//! One linear layer: a frozen weight, its bias where it has one, and its adapter where it has one.

use tch::Tensor;

use crate::adapter::AdapterLayer;

/// Linear layer with a frozen weight: a part of the projection that computes it together with its neighbours.
#[derive(Debug)]
pub struct Linear {
    /// `[out, in]`, a view of the rows that the projection holds of it.
    pub weight: Tensor,
    /// `[out]`.
    pub bias: Option<Tensor>,
    /// What fine-tuning adds; `None` is the base model.
    pub adapter: Option<AdapterLayer>,
}
