//! Linear layers that read the same input, computed as one product, forward and backward.

use tch::{Kind, Tensor};

use super::linear::Linear;
use crate::Result;
use crate::adapter::{InputDropout, LayerGradient};
use crate::config::DropoutScope;
use crate::kernels::{Affine, affine_backward};

/// Frozen linear layers side by side, with their adapters' `B` as further columns of one weight.
///
/// With `u = s · drop(x) Aᵀ` the layers' `x W₀ᵀ + u Bᵀ` is the one product `[x | u] · [W₀ | B]ᵀ`, and backward `g · [W₀ | B]` holds the
/// gradients of `x` and of `u`. DoRA's `m / ‖V‖` and the bias stand after the product, as an [`Affine`] that the next operation applies.
///
/// # Source
/// Liu et al., 2024, *DoRA*, eq. 5 and §4.3, <https://arxiv.org/abs/2402.09353>
#[derive(Debug)]
pub(super) struct Projection {
    linears: Vec<Linear>,
    /// `[out, in + lora_ranks]`, in the model's kind.
    weight: Tensor,
    /// `[out]`, in the model's kind.
    bias: Option<Tensor>,
    in_features: i64,
    adapters: Option<Adapters>,
}

/// What the adapters of the layers are together, as of the last [`Projection::refresh`].
#[derive(Debug)]
struct Adapters {
    /// `s · A` of all adapted layers, `[lora_ranks, in]`, in the model's kind.
    lora_a: Tensor,
    scaling: f64,
    /// `m / ‖V‖` and `‖V‖`, `[out]`, f32; 1 for a layer without adapter. `None` where the method is LoRA.
    dora: Option<[Tensor; 2]>,
}

/// What a forward product leaves for the backward one.
#[derive(Debug)]
pub(super) struct Product {
    /// `[tokens, out]`, before the affine part.
    y: Tensor,
    /// `u`, `[tokens, lora_ranks]`.
    lifted: Option<Tensor>,
    /// `[tokens, out]`: what [`DropoutScope::Peft`] adds outside `m / ‖V‖`.
    outside: Option<Tensor>,
}

/// Where a layer lies in the weight of its projection.
struct Place {
    /// First output row, and number of rows.
    rows: (i64, i64),
    /// First column after the inputs, and the adapter's rank.
    columns: (i64, i64),
}

impl Projection {
    /// The layers `linears` as one; all have the same number of inputs.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch) if there is no memory for it.
    pub(super) fn new(linears: Vec<Linear>) -> Result<Self> {
        let (_, in_features) = linears[0].weight.size2()?;
        let biases: Vec<&Tensor> = linears.iter().filter_map(|linear| linear.bias.as_ref()).collect();
        let bias = (!biases.is_empty()).then(|| Tensor::f_cat(&biases, 0)).transpose()?;
        let mut projection = Self { weight: linears[0].weight.shallow_clone(), linears, bias, in_features, adapters: None };
        projection.lay_out(0)?;
        Ok(projection)
    }

    /// The layers, in their order.
    pub(super) fn linears(&self) -> &[Linear] {
        &self.linears
    }

    /// [`Projection::linears`], to be changed; [`Projection::refresh`] has to follow.
    pub(super) fn linears_mut(&mut self) -> &mut [Linear] {
        &mut self.linears
    }

    /// Takes in what the adapters are now: after one was put on, taken off or changed.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch) if there is no memory for it.
    pub(super) fn refresh(&mut self) -> Result<()> {
        let places = self.places();
        let lora_ranks = places.iter().map(|place| place.columns.1).sum();
        if self.weight.size()[1] != self.in_features + lora_ranks {
            self.lay_out(lora_ranks)?;
        }
        let kind = self.weight.kind();
        let (mut lora_a, mut ratios, mut norms, mut scaling) = (Vec::new(), Vec::new(), Vec::new(), 1.0);
        for (linear, place) in self.linears.iter().zip(&places) {
            let ones = || Tensor::ones([place.rows.1], (Kind::Float, self.weight.device()));
            let Some(adapter) = &linear.adapter else {
                ratios.push(ones());
                norms.push(ones());
                continue;
            };
            scaling = adapter.scaling;
            lora_a.push((&adapter.lora_a * scaling).to_kind(kind));
            let columns = self.weight.narrow(1, self.in_features + place.columns.0, place.columns.1);
            columns.narrow(0, place.rows.0, place.rows.1).copy_(&adapter.lora_b);
            if let Some(magnitude) = &adapter.magnitude {
                let norm = adapter.row_norm(&linear.weight);
                ratios.push(magnitude / &norm);
                norms.push(norm);
            }
        }
        let dora = (ratios.len() == self.linears.len()).then(|| [Tensor::cat(&ratios, 0), Tensor::cat(&norms, 0)]);
        self.adapters = (!lora_a.is_empty()).then(|| Adapters { lora_a: Tensor::cat(&lora_a, 0), scaling, dora });
        Ok(())
    }

    /// A place for `num_tokens` inputs, to be filled by [`Projection::features`].
    ///
    /// # Shapes
    /// → `[tokens, in + lora_ranks]`
    pub(super) fn empty_input(&self, num_tokens: i64) -> Tensor {
        Tensor::empty([num_tokens, self.weight.size()[1]], (self.weight.kind(), self.weight.device()))
    }

    /// The part of `input` that holds the features.
    ///
    /// # Shapes
    /// `input: [tokens, in + lora_ranks]` → a view, `[tokens, in]`
    pub(super) fn features(&self, input: &Tensor) -> Tensor {
        input.narrow(1, 0, self.in_features)
    }

    /// The product of an input whose features are filled in; no dropout is evaluation.
    ///
    /// # Shapes
    /// `input: [tokens, in + lora_ranks]`
    pub(super) fn forward(&self, input: &Tensor, dropout: Option<&InputDropout>) -> Product {
        let Some(adapters) = &self.adapters else {
            return Product { y: input.linear::<&Tensor>(&self.weight, None), lifted: None, outside: None };
        };
        let features = self.features(input);
        let dropped = dropout.map(|dropout| dropout.mask.apply(&features));
        let lora_ranks = adapters.lora_a.size()[0];
        let lift = |input: &Tensor| {
            let place = input.narrow(1, self.in_features, lora_ranks);
            let _ = dropped.as_ref().unwrap_or(&features).mm_out(&place, &adapters.lora_a.tr());
            place
        };
        if let (Some(dropped), Some(_)) = (&dropped, self.outer_scope(dropout)) {
            let inner = self.empty_input(input.size()[0]);
            self.features(&inner).copy_(dropped);
            let lifted = lift(&inner);
            let outside = (features - dropped).linear::<&Tensor>(&self.frozen(), None);
            return Product { y: inner.linear::<&Tensor>(&self.weight, None), lifted: Some(lifted.contiguous()), outside: Some(outside) };
        }
        let lifted = lift(input);
        Product { y: input.linear::<&Tensor>(&self.weight, None), lifted: Some(lifted.contiguous()), outside: None }
    }

    /// The product, and the affine part that makes the layers' output of it.
    pub(super) fn output<'a>(&'a self, product: &Product) -> (Tensor, Affine<'a>) {
        match &product.outside {
            None => (product.y.shallow_clone(), self.affine()),
            Some(outside) => (outside + self.affine().apply(&product.y), Affine::default()),
        }
    }

    /// The gradient with regard to the input's features of `grad`, that with regard to the layers' output; adds those of the adapters to
    /// `gradients`, one for each layer. `None` where `wants_input` is false.
    ///
    /// # Shapes
    /// `grad: [tokens, out]`, which is overwritten; `features: [tokens, in]` → `[tokens, in]`
    pub(super) fn backward(
        &self,
        mut grad: Tensor,
        (product, features, dropout): (&Product, &Tensor, Option<&InputDropout>),
        gradients: &mut [Option<LayerGradient>],
        wants_input: bool,
    ) -> Option<Tensor> {
        let (Some(adapters), Some(lifted)) = (&self.adapters, &product.lifted) else {
            return wants_input.then(|| grad.matmul(&self.weight));
        };
        let outside = product.outside.as_ref().filter(|_| wants_input).map(|_| grad.matmul(&self.frozen()));
        let places = self.places();
        if let Some([ratio, norm]) = &adapters.dora {
            let of_magnitude = affine_backward(&mut grad, &product.y, ratio) / norm;
            for (gradient, place) in gradients.iter_mut().zip(&places) {
                if let Some(magnitude) = gradient.as_mut().and_then(|gradient| gradient.magnitude.as_mut()) {
                    *magnitude += of_magnitude.narrow(0, place.rows.0, place.rows.1);
                }
            }
        }
        let lora_ranks = adapters.lora_a.size()[0];
        // Where the input's gradient is not wanted, that of `u` is all there is to compute.
        let start = if wants_input { self.in_features } else { 0 };
        let wide = grad.matmul(&self.weight.narrow(1, self.in_features - start, start + lora_ranks));
        let of_lifted = wide.narrow(1, start, lora_ranks).contiguous();
        let dropped = dropout.map(|dropout| dropout.mask.apply(features));
        let of_a = of_lifted.tr().matmul(dropped.as_ref().unwrap_or(features));
        for (gradient, place) in gradients.iter_mut().zip(&places) {
            let Some(gradient) = gradient else { continue };
            let (rows, columns) = (place.rows, place.columns);
            add_product(&mut gradient.lora_b, &grad.narrow(1, rows.0, rows.1).tr(), &lifted.narrow(1, columns.0, columns.1));
            gradient.lora_a += of_a.narrow(0, columns.0, columns.1).to_kind(Kind::Float) * adapters.scaling;
        }
        wants_input.then(|| {
            let of_features = wide.narrow(1, 0, self.in_features);
            input_gradient(of_features, &of_lifted.matmul(&adapters.lora_a), outside, dropout)
        })
    }

    fn affine(&self) -> Affine<'_> {
        let dora = self.adapters.as_ref().and_then(|adapters| adapters.dora.as_ref());
        Affine { scale: dora.map(|[ratio, _]| ratio), shift: self.bias.as_ref() }
    }

    /// [`DropoutScope::Peft`], where it differs from the other.
    fn outer_scope(&self, dropout: Option<&InputDropout>) -> Option<DropoutScope> {
        let has_ratio = self.adapters.as_ref().is_some_and(|adapters| adapters.dora.is_some());
        dropout.map(|dropout| dropout.scope).filter(|scope| has_ratio && *scope == DropoutScope::Peft)
    }

    /// `W₀` of all layers, `[out, in]`.
    fn frozen(&self) -> Tensor {
        self.weight.narrow(1, 0, self.in_features)
    }

    fn places(&self) -> Vec<Place> {
        let (mut row, mut column) = (0, 0);
        let place = |linear: &Linear| {
            let lora_rank = linear.adapter.as_ref().map_or(0, |adapter| adapter.lora_a.size()[0]);
            let place = Place { rows: (row, linear.weight.size()[0]), columns: (column, lora_rank) };
            (row, column) = (row + place.rows.1, column + lora_rank);
            place
        };
        self.linears.iter().map(place).collect()
    }

    /// Puts the layers' weights into one with `lora_ranks` further columns.
    fn lay_out(&mut self, lora_ranks: i64) -> Result<()> {
        let out_features: i64 = self.linears.iter().map(|linear| linear.weight.size()[0]).sum();
        let (kind, device) = (self.weight.kind(), self.weight.device());
        self.weight = Tensor::f_empty([out_features, self.in_features + lora_ranks], (kind, device))?;
        // An adapter's columns are zero in the other layers' rows.
        let _ = self.weight.narrow(1, self.in_features, lora_ranks).fill_(0.0);
        let mut row = 0;
        for linear in &mut self.linears {
            let num_rows = linear.weight.size()[0];
            let view = self.weight.narrow(0, row, num_rows).narrow(1, 0, self.in_features);
            view.shallow_clone().f_copy_(&linear.weight)?;
            linear.weight = view;
            row += num_rows;
        }
        Ok(())
    }
}

/// Adds `left · right` to `sum`, which is in f32 whatever their kind.
fn add_product(sum: &mut Tensor, left: &Tensor, right: &Tensor) {
    if left.kind() == Kind::Float {
        let _ = sum.addmm_(left, right);
    } else {
        *sum += left.matmul(right).to_kind(Kind::Float);
    }
}

/// What comes to the features through the frozen weight, through the adapter, and past dropout.
fn input_gradient(
    mut through_weight: Tensor,
    through_adapter: &Tensor,
    outside: Option<Tensor>,
    dropout: Option<&InputDropout>,
) -> Tensor {
    match (dropout, outside) {
        (None, _) => through_weight += through_adapter,
        (Some(dropout), None) => dropout.mask.add_applied(&mut through_weight, through_adapter),
        (Some(dropout), Some(mut outside)) => {
            let inside = through_weight + through_adapter - &outside;
            dropout.mask.add_applied(&mut outside, &inside);
            return outside;
        }
    }
    through_weight
}
