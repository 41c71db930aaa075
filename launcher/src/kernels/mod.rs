//! The work of a block between and around its products, forward and backward, each in two forms: a fused loop over f32 on the CPU, and the same out of
//! libtorch's operators for every other device and kind. Tests compare the two.
//!
//! None of it knows autograd: what a backward function needs, its caller has kept or makes again.

mod affine;
mod causal_attention;
mod cross_entropy;
mod dropout;
mod exp;
#[cfg(test)]
mod on_gpu;
mod product;
mod residual;
mod rms_norm;
mod rotary;
mod rows;
mod swiglu;

pub(crate) use affine::{Affine, affine_backward};
pub(crate) use causal_attention::{causal_attention, causal_attention_backward};
pub(crate) use cross_entropy::{cross_entropy, cross_entropy_backward};
pub use dropout::DropoutMask;
pub use product::product;
pub(crate) use product::{add_product, by_columns, empty_rows, product_into};
pub(crate) use residual::add_affine;
pub(crate) use rms_norm::{RmsNorm, add_rms_norm_backward};
pub(crate) use rotary::{HeadLayout, rotate, rotate_backward};
pub(crate) use swiglu::{swiglu, swiglu_backward};

use tch::{Device, Kind, Tensor};

/// Whether the fused loops can work on `tensor`.
pub(crate) fn is_fused(tensor: &Tensor) -> bool {
    tensor.device() == Device::Cpu && tensor.kind() == Kind::Float
}

#[cfg(test)]
mod testing {
    use tch::{Device, Kind, Tensor};

    /// Standard normal values, the same at each call with the same `seed`.
    pub(crate) fn random(seed: i64, shape: [i64; 2]) -> Tensor {
        tch::manual_seed(seed);
        Tensor::randn(shape, (Kind::Float, Device::Cpu))
    }

    /// The largest difference of two tensors, as a share of the largest value of `right`.
    pub(crate) fn difference(left: &Tensor, right: &Tensor) -> f64 {
        assert_eq!(left.size(), right.size());
        let (left, right) = (left.to_kind(Kind::Double), right.to_kind(Kind::Double));
        ((left - &right).abs().max() / right.abs().max().clamp_min(1e-30)).double_value(&[])
    }
}
