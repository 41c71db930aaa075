//! Gradients of an adapter, end to end in one tensor.

use tch::{Kind, Tensor};

use super::AdapterLayer;
use crate::Result;
use crate::model::CausalLm;

/// The gradient of every parameter of a model's adapter.
#[derive(Debug)]
pub struct AdapterGradient {
    /// `[parameters]`, f32, in the order of [`parameters`](super::parameters).
    flat: Tensor,
    /// One for each linear layer of the model, in the order of the forward pass.
    layers: Vec<Option<LayerGradient>>,
}

/// The gradient of one layer's adapter: views of the whole, each of the shape of its parameter.
#[derive(Debug)]
pub struct LayerGradient {
    /// Of `A`.
    pub lora_a: Tensor,
    /// Of `B`.
    pub lora_b: Tensor,
    /// Of `m`.
    pub magnitude: Option<Tensor>,
}

impl AdapterGradient {
    /// A gradient of zeros for the adapter of `model`.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch) if there is no memory for it.
    pub fn zeros(model: &CausalLm) -> Result<Self> {
        let num_values = |(_, linear): (String, &crate::model::Linear)| {
            linear
                .adapter
                .as_ref()
                .map_or(0, |adapter| adapter.parameters().map(|(_, tensor)| tensor.numel()).sum::<usize>())
        };
        let num_values: usize = model.linears().map(num_values).sum();
        let flat = Tensor::f_zeros([i64::try_from(num_values).unwrap_or(i64::MAX)], (Kind::Float, model.device()))?;
        let mut start = 0;
        let layers =
            model.linears().map(|(_, linear)| linear.adapter.as_ref().map(|adapter| views(adapter, &flat, &mut start)));
        Ok(Self { layers: layers.collect(), flat })
    }

    /// All of it, `[parameters]`.
    pub fn flat(&self) -> &Tensor {
        &self.flat
    }

    /// Makes it zero.
    pub fn reset(&mut self) {
        let _ = self.flat.zero_();
    }

    /// The gradients of the linear layers, in the order of the forward pass.
    pub(crate) fn layers_mut(&mut self) -> &mut [Option<LayerGradient>] {
        &mut self.layers
    }
}

/// The places of the parameters of `adapter` in `flat` from `start` on, which is moved behind them.
fn views(adapter: &AdapterLayer, flat: &Tensor, start: &mut i64) -> LayerGradient {
    let mut view = |parameter: &Tensor| super::attach::take_view(flat, parameter, start);
    LayerGradient {
        lora_a: view(&adapter.lora_a),
        lora_b: view(&adapter.lora_b),
        magnitude: adapter.magnitude.as_ref().map(view),
    }
}
