//! Adapters on the layers of a model.

use tch::{Kind, Tensor};

use super::AdapterLayer;
use crate::Result;
use crate::config::{AdapterConfig, Method};
use crate::model::{CausalLm, Linear};
use crate::random::Stream;

/// Keys the stream that initial values are drawn from, apart from all others of the same seed.
const INITIAL_VALUES: u64 = u64::from_le_bytes(*b"lora_A\0\0");

/// Puts a new adapter on `model`, which then gives what it gave before: `B` is zero and `m` is `‖W₀‖`.
///
/// `A` is Kaiming-uniform(√5), drawn from `seed` and the place of its layer.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) if there is no memory for it.
pub fn attach(model: &mut CausalLm, config: &AdapterConfig, seed: u64) -> Result<()> {
    for (module_index, linear) in targets(model, config) {
        linear.adapter = Some(initial_layer(linear, config, module_index, seed));
    }
    model.refresh()
}

/// The parameters of a model's adapter, with the names that PEFT's file gives them, in the order of the forward pass.
///
/// The tensors share their storage with the model's; who changes them calls [`CausalLm::refresh`].
#[must_use]
pub fn parameters(model: &CausalLm) -> Vec<(String, Tensor)> {
    let mut parameters = Vec::new();
    for (name, linear) in model.linears() {
        for (part, tensor) in linear.adapter.iter().flat_map(AdapterLayer::parameters) {
            parameters.push((format!("base_model.model.{name}.{part}"), tensor.shallow_clone()));
        }
    }
    parameters
}

/// Lays the parameters of a model's adapter end to end, in the order of [`parameters`]; the model's become views of the result.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) if there is no memory for it.
pub fn flatten(model: &mut CausalLm) -> Result<Tensor> {
    let values: Vec<Tensor> = parameters(model).iter().map(|(_, tensor)| tensor.reshape([-1])).collect();
    let flat = Tensor::f_cat(&values, 0)?;
    let mut start = 0;
    for (_, linear) in model.linears_mut() {
        let Some(adapter) = &mut linear.adapter else { continue };
        for parameter in
            [Some(&mut adapter.lora_a), Some(&mut adapter.lora_b), adapter.magnitude.as_mut()].into_iter().flatten()
        {
            *parameter = take_view(&flat, parameter, &mut start);
        }
    }
    Ok(flat)
}

/// The values of `flat` from `start` on in the shape of `parameter`; `start` is moved behind them.
pub(super) fn take_view(flat: &Tensor, parameter: &Tensor, start: &mut i64) -> Tensor {
    let length = parameter.size().iter().product();
    let view = flat.narrow(0, *start, length).view_as(parameter);
    *start += length;
    view
}

/// The layers that `config` names, each with its place among all linear layers of the model.
pub(super) fn targets<'a>(
    model: &'a mut CausalLm,
    config: &'a AdapterConfig,
) -> impl Iterator<Item = (u64, &'a mut Linear)> {
    named_targets(model, config).map(|(module_index, _, linear)| (module_index, linear))
}

/// [`targets`] with their names.
pub(super) fn named_targets<'a>(
    model: &'a mut CausalLm,
    config: &'a AdapterConfig,
) -> impl Iterator<Item = (u64, String, &'a mut Linear)> {
    let is_target = |name: &str| {
        let module = name.rsplit('.').next().unwrap_or(name);
        config.target_modules.iter().any(|target| target == module)
    };
    let numbered = model.linears_mut().zip(0u64..).map(|((name, linear), module_index)| (module_index, name, linear));
    numbered.filter(move |(_, name, _)| is_target(name))
}

fn initial_layer(linear: &Linear, config: &AdapterConfig, module_index: u64, seed: u64) -> AdapterLayer {
    let (outputs, inputs) = linear.weight.size2().expect("a linear layer's weight has two dimensions");
    let (rank, device) = (i64::from(config.rank), linear.weight.device());
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a bound of random values")]
    let bound = (inputs as f64).sqrt().recip() as f32;
    let mut stream = Stream::new(&[INITIAL_VALUES, seed, module_index]);
    let values: Vec<f32> = (0..rank * inputs).map(|_| (2.0 * stream.unit_f32() - 1.0) * bound).collect();
    let mut layer = AdapterLayer {
        lora_a: Tensor::from_slice(&values).view([rank, inputs]).to_device(device),
        lora_b: Tensor::zeros([outputs, rank], (Kind::Float, device)),
        magnitude: None,
        scaling: config.scaling(),
        module_index,
    };
    if config.method == Method::Dora {
        layer.magnitude = Some(layer.row_norm(&linear.weight));
    }
    layer
}
