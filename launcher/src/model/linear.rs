//! One linear layer: a frozen weight, its bias where it has one, and its adapter where it has one.

use tch::Tensor;

use crate::adapter::{AdapterLayer, Dropout};

/// Linear layer with a frozen weight.
#[derive(Debug)]
pub struct Linear {
    /// `[out, in]`; holds no gradient.
    pub weight: Tensor,
    /// `[out]`; holds no gradient.
    pub bias: Option<Tensor>,
    /// What fine-tuning adds; `None` is the base model.
    pub adapter: Option<AdapterLayer>,
}

impl Linear {
    /// `x Wᵀ + bias`, with `W` adapted where there is an adapter; the adapter leaves the bias as it is.
    ///
    /// `dropout` acts on the adapter alone; `None` is evaluation.
    ///
    /// # Shapes
    /// `x: [tokens, in]` → `[tokens, out]`
    pub fn forward(&self, x: &Tensor, dropout: Option<&Dropout<'_>>) -> Tensor {
        match &self.adapter {
            None => x.linear(&self.weight, self.bias.as_ref()),
            Some(adapter) => {
                let y = adapter.forward(x, &self.weight, dropout);
                match &self.bias {
                    None => y,
                    Some(bias) => y + bias,
                }
            }
        }
    }
}
