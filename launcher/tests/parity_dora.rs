//! One adapted layer against PEFT and PyTorch's autograd: outputs and all gradients, in both dropout scopes.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixtures fails")]

use std::collections::BTreeMap;
use std::path::Path;

use medinjection_launcher::adapter::AdapterLayer;
use medinjection_launcher::config::DropoutScope;
use tch::{Kind, Tensor};

const TOLERANCE: f64 = 1e-5;

struct Fixture {
    tensors: BTreeMap<String, Tensor>,
}

impl Fixture {
    fn load() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/parity/dora.safetensors");
        Self { tensors: Tensor::read_safetensors(path).unwrap().into_iter().collect() }
    }

    fn get(&self, name: &str) -> Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("no tensor {name}")).shallow_clone()
    }

    /// A leaf with a gradient of its own.
    fn leaf(&self, name: &str) -> Tensor {
        self.get(name).copy().set_requires_grad(true)
    }

    fn layer(&self, magnitude: bool, scaling: f64) -> AdapterLayer {
        AdapterLayer {
            lora_a: self.leaf("lora_a"),
            lora_b: self.leaf("lora_b"),
            magnitude: magnitude.then(|| self.leaf("magnitude")),
            scaling,
            module_index: 0,
        }
    }

    /// Output and gradients of one case, by their names in the file.
    fn computed(&self, layer: &AdapterLayer, scope: Option<DropoutScope>, bias: bool) -> Vec<(&'static str, Tensor)> {
        let x = self.leaf("x");
        let dropped = scope.map(|_| &x * self.get("mask"));
        let scope = scope.unwrap_or(DropoutScope::Adapter);
        let mut output = layer.forward_dropped(&x, dropped.as_ref(), &self.get("weight"), scope);
        if bias {
            output += self.get("bias");
        }
        (&output * self.get("grad_output")).sum(Kind::Float).backward();
        let mut results = vec![
            ("output", output.detach()),
            ("grad.lora_a", layer.lora_a.grad()),
            ("grad.lora_b", layer.lora_b.grad()),
            ("grad.x", x.grad()),
        ];
        results.extend(layer.magnitude.as_ref().map(|magnitude| ("grad.magnitude", magnitude.grad())));
        results
    }

    /// The largest difference from the stored numbers of `case`.
    fn difference(&self, case: &str, bias: bool, computed: &[(&str, Tensor)]) -> f64 {
        let suffix = if bias { "bias" } else { "no_bias" };
        let one = |(name, found): &(&str, Tensor)| {
            (self.get(&format!("{case}.{suffix}.{name}")) - found).abs().max().double_value(&[])
        };
        computed.iter().map(one).fold(0.0, f64::max)
    }
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
        ("rslora", false, 4.0, None),
    ];
    for (case, magnitude, scaling, scope) in cases {
        for bias in [false, true] {
            let computed = fixture.computed(&fixture.layer(magnitude, scaling), scope, bias);
            let difference = fixture.difference(case, bias, &computed);
            eprintln!("{case}, bias {bias}: largest difference {difference:.1e}");
            assert!(difference < TOLERANCE, "{case}: {difference}");
        }
    }
}

#[test]
fn plain_lora_and_the_other_scope_lie_outside_the_tolerance() {
    let fixture = Fixture::load();
    let lora = fixture.computed(&fixture.layer(false, 2.0), None, false);
    let difference = fixture.difference("dora", false, &lora);
    assert!(difference > 100.0 * TOLERANCE, "LoRA is within {difference} of DoRA");
    let other_scope = fixture.computed(&fixture.layer(true, 2.0), Some(DropoutScope::Adapter), false);
    let difference = fixture.difference("dora_peft_dropout", false, &other_scope);
    assert!(difference > 100.0 * TOLERANCE, "the scopes are within {difference} of each other");
}
