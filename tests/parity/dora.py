"""Outputs and gradients of one adapted linear layer, per method, dropout scope and bias.

Writes dora.safetensors and dora.json. Computed in f64 and stored in f32, so that the tolerance belongs to the reader alone.
"""

import numpy as np
import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import nn

from common import HERE, generator, write_json, write_tensors

NUM_ROWS, IN_FEATURES, OUT_FEATURES, LORA_RANK, ALPHA = 11, 24, 40, 4, 8
DROPOUT = 0.25

# name -> (method, dropout scope or None, what computes it)
CASES = {
    "dora": ("dora", None, "peft"),
    "dora_adapter_dropout": ("dora", "adapter", "formula"),
    "dora_peft_dropout": ("dora", "peft", "peft"),
    "lora": ("lora", None, "peft"),
    "lora_dropout": ("lora", "adapter", "peft"),
    "rslora": ("rslora", None, "peft"),
}


class GivenMask(nn.Module):
    """Dropout whose draw is given: multiplies its input by a mask of 0 and 1 / (1 - p)."""

    def __init__(self, mask):
        super().__init__()
        self.mask = mask

    def forward(self, x):
        return x * self.mask


def dropout_mask():
    """The launcher's mask (kernels/dropout.rs) of tokens whose keys are the multiples of 0x9E3779B97F4A7C15, in numpy."""
    keys = np.arange(1, NUM_ROWS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    low, high = (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32)[:, None], (keys >> np.uint64(32)).astype(np.uint32)[:, None]
    bits = (np.arange((IN_FEATURES + 1) // 2, dtype=np.uint32) * np.uint32(0x9E3779B9))[None, :] ^ low
    bits = (bits ^ (bits >> 16)) * np.uint32(0x85EBCA6B) ^ high
    bits = (bits ^ (bits >> 13)) * np.uint32(0xC2B2AE35)
    bits ^= bits >> 16
    draws = np.concatenate([bits & 0xFFFF, bits >> 16], axis=1)[:, :IN_FEATURES]
    return (draws >= round(DROPOUT * 65536)) / (1 - DROPOUT)


def inputs():
    """The frozen layer, an adapter with non-zero B and m ≠ ‖W₀‖, an input and the gradient of its output."""
    source = generator(7)

    def normal(scale, *shape):
        return (scale * torch.randn(shape, generator=source)).float().double()

    weight = normal(IN_FEATURES**-0.5, OUT_FEATURES, IN_FEATURES)
    perturbation = 1 + 0.2 * (2 * torch.rand(OUT_FEATURES, generator=source) - 1)
    return {
        "weight": weight,
        "bias": normal(0.5, OUT_FEATURES),
        "lora_a": normal(0.2, LORA_RANK, IN_FEATURES),
        "lora_b": normal(0.2, OUT_FEATURES, LORA_RANK),
        "magnitude": (weight.norm(dim=1) * perturbation).float().double(),
        "x": normal(1.0, NUM_ROWS, IN_FEATURES),
        "grad_output": normal(0.1, NUM_ROWS, OUT_FEATURES),
        "mask": torch.from_numpy(dropout_mask()),
    }


def by_peft(given, method, dropout_scope, with_bias):
    """Runs PEFT's layer; its dropout module is replaced by the given mask."""
    host = nn.Sequential(nn.Linear(IN_FEATURES, OUT_FEATURES, bias=with_bias)).double()
    config = LoraConfig(
        r=LORA_RANK,
        lora_alpha=ALPHA,
        target_modules=["0"],
        use_dora=method == "dora",
        use_rslora=method == "rslora",
    )
    inject_adapter_in_model(config, host)
    layer = host.double()[0]
    adapter = {"lora_a": layer.lora_A["default"].weight, "lora_b": layer.lora_B["default"].weight}
    if method == "dora":
        adapter["magnitude"] = layer.lora_magnitude_vector["default"].weight
    with torch.no_grad():
        layer.base_layer.weight.copy_(given["weight"])
        if with_bias:
            layer.base_layer.bias.copy_(given["bias"])
        for name, parameter in adapter.items():
            parameter.copy_(given[name])
    if dropout_scope is not None:
        layer.lora_dropout["default"] = GivenMask(given["mask"])
    layer.train()
    x = given["x"].clone().requires_grad_()
    return results(layer(x), {**adapter, "x": x}, given["grad_output"])


def by_formula(given, with_bias):
    """y = (m / ‖V‖) ⊙ (x W₀ᵀ + s·drop(x) Aᵀ Bᵀ) + bias with ‖V‖ a constant: PEFT has no such mode."""
    leaves = {name: given[name].clone().requires_grad_() for name in ("lora_a", "lora_b", "magnitude", "x")}
    a, b, m, x = leaves.values()
    scaling = ALPHA / LORA_RANK
    norm = (given["weight"] + scaling * b @ a).norm(dim=1).detach()
    low_rank = scaling * (x * given["mask"]) @ a.T @ b.T
    output = (m / norm) * (x @ given["weight"].T + low_rank)
    if with_bias:
        output = output + given["bias"]
    return results(output, leaves, given["grad_output"])


def results(output, leaves, grad_output):
    """The output and the gradient of each leaf, by autograd."""
    gradients = torch.autograd.grad(output, list(leaves.values()), grad_output)
    return {"output": output, **{f"grad.{name}": g for name, g in zip(leaves, gradients, strict=True)}}


def main():
    given = inputs()
    tensors = dict(given)
    for case, (method, dropout_scope, computed_by) in CASES.items():
        for with_bias in (False, True):
            if computed_by == "formula":
                values = by_formula(given, with_bias)
            else:
                values = by_peft(given, method, dropout_scope, with_bias)
            prefix = f"{case}.{'bias' if with_bias else 'no_bias'}"
            tensors.update({f"{prefix}.{name}": value for name, value in values.items()})
    write_tensors(HERE / "dora.safetensors", tensors)
    cases = {
        case: {"method": method, "dropout_scope": scope, "computed_by": computed_by}
        for case, (method, scope, computed_by) in CASES.items()
    }
    write_json(HERE / "dora.json", {"lora_rank": LORA_RANK, "alpha": ALPHA, "dropout": DROPOUT, "cases": cases})


if __name__ == "__main__":
    main()
