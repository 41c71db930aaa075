//! Linear layers that read the same input, computed as one product, forward and backward.

use tch::{Kind, Tensor};

use super::linear::Linear;
use crate::Result;
use crate::adapter::{InputDropout, LayerGradient};
use crate::config::DropoutScope;
use crate::kernels::{Affine, add_product, affine_backward, by_columns, empty_rows, product, product_into};

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
        let mut projection =
            Self { weight: linears[0].weight.shallow_clone(), linears, bias, in_features, adapters: None };
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

    /// Lays the weight out for products of a few tokens, see [`by_columns`].
    pub(super) fn lay_out_by_columns(&mut self) {
        self.weight = by_columns(&self.weight);
        let places = self.places();
        for (linear, place) in self.linears.iter_mut().zip(places) {
            linear.weight = self.weight.narrow(0, place.rows.0, place.rows.1).narrow(1, 0, self.in_features);
        }
    }

    /// A place for `num_tokens` inputs, to be filled by [`Projection::features`].
    ///
    /// # Shapes
    /// → `[tokens, in + lora_ranks]`
    pub(super) fn empty_input(&self, num_tokens: i64) -> Tensor {
        empty_rows(num_tokens, self.weight.size()[1], &self.weight)
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
            return Product { y: product(input, &self.weight.tr()), lifted: None, outside: None };
        };
        let features = self.features(input);
        let dropped = dropout.map(|dropout| dropout.mask.apply(&features));
        let lora_ranks = adapters.lora_a.size()[0];
        let lift = |input: &Tensor| {
            let mut place = input.narrow(1, self.in_features, lora_ranks);
            product_into(&mut place, dropped.as_ref().unwrap_or(&features), &adapters.lora_a.tr());
            place
        };
        if let (Some(dropped), Some(_)) = (&dropped, self.outer_scope(dropout)) {
            let inner = self.empty_input(input.size()[0]);
            self.features(&inner).copy_(dropped);
            let lifted = lift(&inner);
            let outside = product(&(features - dropped), &self.frozen().tr());
            return Product {
                y: product(&inner, &self.weight.tr()),
                lifted: Some(lifted.contiguous()),
                outside: Some(outside),
            };
        }
        let lifted = lift(input);
        Product { y: product(input, &self.weight.tr()), lifted: Some(lifted.contiguous()), outside: None }
    }

    /// The product, and the affine part that makes the layers' output of it.
    pub(super) fn output<'a>(&'a self, kept: &Product) -> (Tensor, Affine<'a>) {
        match &kept.outside {
            None => (kept.y.shallow_clone(), self.affine()),
            Some(outside) => (outside + self.affine().apply(&kept.y), Affine::default()),
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
        (kept, features, dropout): (&Product, &Tensor, Option<&InputDropout>),
        gradients: &mut [Option<LayerGradient>],
        wants_input: bool,
    ) -> Option<Tensor> {
        let (Some(adapters), Some(lifted)) = (&self.adapters, &kept.lifted) else {
            return wants_input.then(|| product(&grad, &self.weight));
        };
        let outside = kept.outside.as_ref().filter(|_| wants_input).map(|_| product(&grad, &self.frozen()));
        let places = self.places();
        if let Some([ratio, norm]) = &adapters.dora {
            let of_magnitude = affine_backward(&mut grad, &kept.y, ratio) / norm;
            for (gradient, place) in gradients.iter_mut().zip(&places) {
                if let Some(magnitude) = gradient.as_mut().and_then(|gradient| gradient.magnitude.as_mut()) {
                    *magnitude += of_magnitude.narrow(0, place.rows.0, place.rows.1);
                }
            }
        }
        let lora_ranks = adapters.lora_a.size()[0];
        // Where the input's gradient is not wanted, that of `u` is all there is to compute.
        let start = if wants_input { self.in_features } else { 0 };
        let wide = product(&grad, &self.weight.narrow(1, self.in_features - start, start + lora_ranks));
        let of_lifted = wide.narrow(1, start, lora_ranks).contiguous();
        let dropped = dropout.map(|dropout| dropout.mask.apply(features));
        let of_a = product(&of_lifted.tr(), dropped.as_ref().unwrap_or(features));
        for (gradient, place) in gradients.iter_mut().zip(&places) {
            let Some(gradient) = gradient else { continue };
            let (rows, columns) = (place.rows, place.columns);
            add_product(
                &mut gradient.lora_b,
                &grad.narrow(1, rows.0, rows.1).tr(),
                &lifted.narrow(1, columns.0, columns.1),
            );
            gradient.lora_a += of_a.narrow(0, columns.0, columns.1).to_kind(Kind::Float) * adapters.scaling;
        }
        wants_input.then(|| {
            let of_features = wide.narrow(1, 0, self.in_features);
            input_gradient(of_features, &product(&of_lifted, &adapters.lora_a), outside, dropout)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::adapter::AdapterLayer;
    use crate::kernels::DropoutMask;

    const TOLERANCE: f64 = 1e-5;

    /// One adapted layer and what PEFT and PyTorch make of it (`tests/parity/dora.py`).
    struct Fixture {
        tensors: BTreeMap<String, Tensor>,
    }

    impl Fixture {
        fn load() -> Self {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/parity/dora.safetensors");
            Self { tensors: Tensor::read_safetensors(path).unwrap().into_iter().collect() }
        }

        fn get(&self, name: &str) -> Tensor {
            self.tensors.get(name).unwrap_or_else(|| panic!("no tensor {name}")).copy()
        }

        fn layer(&self, magnitude: bool, scaling: f64, bias: bool) -> Linear {
            let adapter = AdapterLayer {
                lora_a: self.get("lora_a"),
                lora_b: self.get("lora_b"),
                magnitude: magnitude.then(|| self.get("magnitude")),
                scaling,
                module_index: 0,
            };
            Linear { weight: self.get("weight"), bias: bias.then(|| self.get("bias")), adapter: Some(adapter) }
        }
    }

    fn zeros(linear: &Linear) -> Option<LayerGradient> {
        linear.adapter.as_ref().map(|adapter| LayerGradient {
            lora_a: adapter.lora_a.zeros_like(),
            lora_b: adapter.lora_b.zeros_like(),
            magnitude: adapter.magnitude.as_ref().map(Tensor::zeros_like),
        })
    }

    /// Output, gradient of the input, and gradients of the adapters, of `linears` as one projection.
    fn computed(
        linears: Vec<Linear>,
        (x, grad): (&Tensor, Tensor),
        scope: Option<DropoutScope>,
    ) -> (Tensor, Tensor, Vec<Option<LayerGradient>>) {
        let mut gradients: Vec<_> = linears.iter().map(zeros).collect();
        let mut projection = Projection::new(linears).unwrap();
        projection.refresh().unwrap();
        let keys = (1..=x.size()[0].unsigned_abs()).map(|token| token.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
        let dropout = scope.map(|scope| InputDropout { mask: DropoutMask::new(0.25, keys), scope });
        let input = projection.empty_input(x.size()[0]);
        projection.features(&input).copy_(x);
        let product = projection.forward(&input, dropout.as_ref());
        let (y, affine) = projection.output(&product);
        let output = affine.apply(&y);
        let of_input = projection.backward(grad, (&product, x, dropout.as_ref()), &mut gradients, true).unwrap();
        (output, of_input, gradients)
    }

    /// The largest difference from the stored numbers of `case`.
    fn apart(fixture: &Fixture, case: &str, bias: bool, layer: Linear, scope: Option<DropoutScope>) -> f64 {
        let (output, of_input, mut gradients) =
            computed(vec![layer], (&fixture.get("x"), fixture.get("grad_output")), scope);
        let gradient = gradients.remove(0).unwrap();
        let mut results = vec![
            ("output", output),
            ("grad.x", of_input),
            ("grad.lora_a", gradient.lora_a),
            ("grad.lora_b", gradient.lora_b),
        ];
        results.extend(gradient.magnitude.map(|magnitude| ("grad.magnitude", magnitude)));
        let suffix = if bias { "bias" } else { "no_bias" };
        let one = |(name, found): (&str, Tensor)| {
            (fixture.get(&format!("{case}.{suffix}.{name}")) - found).abs().max().double_value(&[])
        };
        results.into_iter().map(one).fold(0.0, f64::max)
    }

    #[test]
    fn outputs_and_gradients_are_those_of_the_reference() {
        let fixture = Fixture::load();
        // rank 4, alpha 8: alpha / rank, and alpha / √rank for rsLoRA.
        let cases = [
            ("dora", true, 2.0, None),
            ("dora_adapter_dropout", true, 2.0, Some(DropoutScope::Adapter)),
            ("dora_peft_dropout", true, 2.0, Some(DropoutScope::Peft)),
            ("lora", false, 2.0, None),
            ("lora_dropout", false, 2.0, Some(DropoutScope::Adapter)),
            ("lora_dropout", false, 2.0, Some(DropoutScope::Peft)),
            ("rslora", false, 4.0, None),
        ];
        for (case, magnitude, scaling, scope) in cases {
            for bias in [false, true] {
                let difference = apart(&fixture, case, bias, fixture.layer(magnitude, scaling, bias), scope);
                eprintln!("{case}, bias {bias}: largest difference {difference:.1e}");
                assert!(difference < TOLERANCE, "{case}: {difference}");
            }
        }
    }

    #[test]
    fn plain_lora_and_the_other_scope_lie_outside_the_tolerance() {
        let fixture = Fixture::load();
        let lora = apart(&fixture, "dora", false, fixture.layer(false, 2.0, false), None);
        assert!(lora > 100.0 * TOLERANCE, "LoRA is within {lora} of DoRA");
        let scope = Some(DropoutScope::Adapter);
        let other_scope = apart(&fixture, "dora_peft_dropout", false, fixture.layer(true, 2.0, false), scope);
        assert!(other_scope > 100.0 * TOLERANCE, "the scopes are within {other_scope} of each other");
    }

    #[test]
    fn layers_side_by_side_give_what_each_gives_alone() {
        let fixture = Fixture::load();
        let layers = || {
            [
                fixture.layer(true, 2.0, true),
                fixture.layer(true, 2.0, true),
                Linear { adapter: None, ..fixture.layer(true, 2.0, true) },
            ]
        };
        let (x, grad) = (fixture.get("x"), fixture.get("grad_output"));
        for scope in [None, Some(DropoutScope::Adapter), Some(DropoutScope::Peft)] {
            let wide = Tensor::cat(&[&grad, &(&grad * 2.0), &(&grad * 3.0)], 1);
            let (output, of_input, gradients) = computed(layers().into(), (&x, wide), scope);
            let mut sum = x.zeros_like();
            for (index, layer) in (0..).zip(layers()) {
                let factor = f64::from(u8::try_from(index).unwrap() + 1);
                let (alone, of_x, of_layer) = computed(vec![layer], (&x, &grad * factor), scope);
                let close =
                    |left: &Tensor, right: &Tensor| assert!((left - right).abs().max().double_value(&[]) < TOLERANCE);
                close(&output.narrow(1, index * alone.size()[1], alone.size()[1]), &alone);
                sum += of_x;
                if let (Some(found), Some(expected)) = (&gradients[usize::try_from(index).unwrap()], &of_layer[0]) {
                    close(&found.lora_a, &expected.lora_a);
                    close(&found.lora_b, &expected.lora_b);
                }
            }
            assert!((sum - of_input).abs().max().double_value(&[]) < TOLERANCE);
        }
    }

    #[test]
    fn the_merged_weight_gives_the_layers_output() {
        let fixture = Fixture::load();
        let (x, layer) = (fixture.get("x"), fixture.layer(true, 2.0, false));
        let merged = layer.adapter.as_ref().unwrap().merged_weight(&layer.weight);
        let (output, _, _) = computed(vec![layer], (&x, fixture.get("grad_output")), None);
        assert!((output - x.linear::<&Tensor>(&merged, None)).abs().max().double_value(&[]) < TOLERANCE);
    }
}
