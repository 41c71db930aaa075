//! Each kernel out of libtorch's operators on another device or in another kind, against the loops over f32 on the CPU.

use tch::{Cuda, Device, Kind, Tensor};

use super::testing::{difference, random};
use super::{
    Affine, DropoutMask, HeadLayout, RmsNorm, add_affine, add_product, add_rms_norm_backward, affine_backward,
    cross_entropy, cross_entropy_backward, product, rotate, rotate_backward, swiglu, swiglu_backward,
};
use crate::ffi::open_cuda;
use crate::random::key;

const TOLERANCE: f64 = 1e-5;

#[test]
fn each_kernel_on_a_gpu_does_what_the_loops_do() {
    open_cuda();
    if !Cuda::is_available() {
        println!("SKIPPED kernels_on_gpu: no GPU");
        return;
    }
    check_all(Device::Cuda(0), Kind::Float);
}

#[test]
fn each_kernel_in_double_precision_does_what_the_loops_do() {
    check_all(Device::Cpu, Kind::Double);
}

/// Calls every kernel with the same values on the CPU in f32, and on `device` in `kind`.
fn check_all(device: Device, kind: Kind) {
    for (name, loops, operators) in [
        ("elementwise", elementwise(Device::Cpu, Kind::Float), elementwise(device, kind)),
        ("heads", heads(Device::Cpu, Kind::Float), heads(device, kind)),
        ("losses", losses(Device::Cpu, Kind::Float), losses(device, kind)),
    ] {
        for (index, (expected, found)) in loops.iter().zip(&operators).enumerate() {
            let apart = difference(&found.to_device(Device::Cpu), expected);
            assert!(apart < TOLERANCE, "{name}, result {index}: {apart}");
        }
    }
}

fn elementwise(device: Device, kind: Kind) -> Vec<Tensor> {
    let made = |seed, shape| random(seed, shape).to_device(device).to_kind(kind);
    let (x, y, grad) = (made(1, [300, 140]), made(2, [300, 140]), made(3, [300, 140]));
    let (scale, shift) = (random(4, [1, 140]).to_device(device).squeeze(), made(5, [1, 140]).squeeze());
    let affine = Affine { scale: Some(&scale), shift: Some(&shift) };
    let norm = RmsNorm { weight: made(6, [1, 140]).squeeze(), eps: 1e-5 };
    let (mut normed, mut gated) = (x.zeros_like(), x.narrow(1, 0, 70).zeros_like());
    norm.forward_into(&x, &mut normed);
    swiglu(&y, affine, &mut gated);
    let (mut of_y, mut of_x, mut dropped) = (grad.copy(), grad.copy(), x.copy());
    let of_scale = affine_backward(&mut of_y, &y, &scale);
    add_rms_norm_backward(&mut of_x, &norm, &x, &grad);
    let mask = DropoutMask::new(0.05, (0..300).map(|token| key(&[7, token])).collect());
    mask.add_applied(&mut dropped, &y);
    let of_gates = swiglu_backward(&y, affine, &grad.narrow(1, 0, 70).contiguous());
    let (left, mut sum) = (made(7, [90, 300]), random(8, [90, 140]).to_device(device));
    add_product(&mut sum, &left, &x);
    let results = [normed, gated, of_y, of_x, dropped, of_scale, of_gates, sum];
    let more = [affine.apply(&y), add_affine(&x, &y, affine), mask.apply(&x), product(&left, &x)];
    results.into_iter().chain(more).collect()
}

fn heads(device: Device, kind: Kind) -> Vec<Tensor> {
    let made = |seed, shape| random(seed, shape).to_device(device).to_kind(kind);
    let (num_tokens, head_dim) = (90, 16);
    let width = (4 + 2 * 2) * head_dim;
    let angles = random(1, [num_tokens, head_dim / 2]).to_device(device);
    let (cos, sin) = (angles.cos(), angles.sin());
    let norms = [2, 3].map(|seed| RmsNorm { weight: made(seed, [1, head_dim]).squeeze(), eps: 1e-6 });
    let (y, mut grad) = (made(4, [num_tokens, width]), made(5, [num_tokens, width]));
    let (scale, shift) = (random(6, [1, width]).to_device(device).squeeze(), made(7, [1, width]).squeeze());
    let affine = Affine { scale: Some(&scale), shift: Some(&shift) };
    let heads = HeadLayout {
        num_heads: 4,
        num_kv_heads: 2,
        head_dim,
        norms: Some([&norms[0], &norms[1]]),
        cos: &cos,
        sin: &sin,
    };
    let turned = rotate(&y, affine, &heads);
    rotate_backward(&mut grad, &y, affine, &heads);
    vec![turned, grad]
}

fn losses(device: Device, kind: Kind) -> Vec<Tensor> {
    let logits = (random(1, [9, 5_000]) * 5.0).to_device(device).to_kind(kind);
    let targets: Vec<i64> = (0..9).map(|row| row * 7 % 5_000).collect();
    let mut grad = logits.copy();
    let found = [cross_entropy(&mut logits.copy(), &targets), cross_entropy_backward(&mut grad, &targets, 0.25)];
    vec![Tensor::from_slice(&found), grad]
}
