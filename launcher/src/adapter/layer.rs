//! The adapted linear layer: DoRA, LoRA and rank-stabilised LoRA.

use tch::{Kind, Tensor};

/// What fine-tuning adds to one frozen linear layer.
///
/// With a magnitude it is DoRA: `y = (m / ‖V‖) ⊙ (x Vᵀ)` with `V = W₀ + scaling · B A`; the row norm `‖V‖` is held
/// constant in the backward pass. Without one it is LoRA: `y = x W₀ᵀ + scaling · x Aᵀ Bᵀ`.
///
/// # Shapes
/// `A: [lora_rank, in]`, `B: [out, lora_rank]`, `m: [out]`, all in f32 whatever the model's kind.
/// # Source
/// Liu et al., 2024, *DoRA*, eq. 5 and §4.3, <https://arxiv.org/abs/2402.09353>
#[derive(Debug)]
pub struct AdapterLayer {
    /// `A`.
    pub lora_a: Tensor,
    /// `B`.
    pub lora_b: Tensor,
    /// `m`, where the method is DoRA.
    pub magnitude: Option<Tensor>,
    /// Factor of the low-rank product.
    pub scaling: f64,
    /// Place of the layer among the model's linear layers; keys its dropout masks.
    pub module_index: u64,
}

impl AdapterLayer {
    /// The parameters by the ends of their names in PEFT's file.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, &Tensor)> {
        let magnitude = self.magnitude.as_ref().map(|magnitude| ("lora_magnitude_vector", magnitude));
        [("lora_A.weight", &self.lora_a), ("lora_B.weight", &self.lora_b)].into_iter().chain(magnitude)
    }

    /// `W₀` with the adapter folded in, in the kind of `weight`: `(m / ‖V‖) ⊙ V`, or `V` where there is no magnitude.
    pub fn merged_weight(&self, weight: &Tensor) -> Tensor {
        let merged = tch::no_grad(|| {
            let directed = weight.to_kind(Kind::Float) + self.lora_b.matmul(&self.lora_a) * self.scaling;
            match &self.magnitude {
                None => directed,
                Some(magnitude) => directed * (magnitude / self.row_norm(weight)).unsqueeze(1),
            }
        });
        merged.to_kind(weight.kind())
    }

    /// `‖V‖` of each output row, in f32 and without a gradient.
    ///
    /// `‖V‖² = ‖W₀‖² + 2s·Σ (W₀ Aᵀ) ⊙ B + s²·Σ (B A Aᵀ) ⊙ B`, so that `B A` never takes the size of `W₀`.
    pub(crate) fn row_norm(&self, weight: &Tensor) -> Tensor {
        tch::no_grad(|| {
            let weight = weight.to_kind(Kind::Float);
            let cross = row_sum(&(weight.matmul(&self.lora_a.tr()) * &self.lora_b));
            let own = row_sum(&(self.lora_b.matmul(&self.lora_a.matmul(&self.lora_a.tr())) * &self.lora_b));
            let squared = row_sum(&weight.square()) + cross * (2.0 * self.scaling) + own * self.scaling.powi(2);
            squared.clamp_min(0.0).sqrt()
        })
    }
}

/// The sum over `in` or `lora_rank`, per output.
fn row_sum(matrix: &Tensor) -> Tensor {
    matrix.sum_dim_intlist(1i64, false, Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer() -> (AdapterLayer, Tensor) {
        tch::manual_seed(3);
        let random = |shape: &[i64]| Tensor::randn(shape, (Kind::Float, tch::Device::Cpu));
        let layer = AdapterLayer {
            lora_a: random(&[4, 24]),
            lora_b: random(&[40, 4]),
            magnitude: Some(random(&[40]).abs()),
            scaling: 2.0,
            module_index: 0,
        };
        (layer, random(&[40, 24]))
    }

    #[test]
    fn the_factored_norm_is_the_norm() {
        let (layer, weight) = layer();
        let directed = &weight + layer.lora_b.matmul(&layer.lora_a) * layer.scaling;
        let expected = directed.square().sum_dim_intlist(1i64, false, Kind::Float).sqrt();
        let difference = ((layer.row_norm(&weight) - &expected) / expected).abs().max().double_value(&[]);
        assert!(difference < 1e-6, "{difference}");
    }
}
