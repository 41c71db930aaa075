"""Tiny random causal models as transformers saves them, and their logits.

Writes models/{qwen3,qwen2,llama}/ with config.json, weights, logits.json (input ids) and logits.safetensors.
"""

import json
import shutil

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

from common import HERE, MODEL_VOCABULARY, generator, random_ids, write_json, write_tensors

SEQUENCE_LENGTHS = (7, 19, 33)

COMMON = {
    "vocab_size": MODEL_VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": None,
}


def configs():
    """The three architectures; only qwen3 has a head size other than hidden / heads, and tied embeddings."""
    return {
        "qwen3": Qwen3Config(
            **COMMON,
            num_hidden_layers=2,
            head_dim=16,
            rms_norm_eps=1e-6,
            tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        ),
        "qwen2": Qwen2Config(
            **COMMON,
            num_hidden_layers=3,
            rms_norm_eps=1e-6,
            tie_word_embeddings=False,
            rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
        ),
        "llama": LlamaConfig(
            **COMMON,
            num_hidden_layers=2,
            rms_norm_eps=1e-5,
            tie_word_embeddings=False,
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        ),
    }


def randomise(model, seed):
    """Fills every parameter so that a forgotten norm, bias or transposition changes the logits visibly."""
    source = generator(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=source)
            if name.endswith("norm.weight"):
                parameter.copy_(1.0 + 0.3 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.2 * noise)
            elif name.endswith("embed_tokens.weight"):
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(noise / parameter.shape[1] ** 0.5)


def rewrite_as_transformers_4(path):
    """Puts `rope_theta` and `torch_dtype` where transformers 4 wrote them, with none of version 5's keys."""
    config = json.loads(path.read_text())
    config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
    config["rope_scaling"] = None
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.51.3"
    config.pop("layer_types", None)
    path.write_text(json.dumps(dict(sorted(config.items())), indent=2) + "\n")


def main():
    for index, (name, config) in enumerate(configs().items()):
        folder = HERE / "models" / name
        shutil.rmtree(folder, ignore_errors=True)
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32)
        randomise(model, seed=100 + index)
        # Only llama is cut into shards: two of them, with their index.
        model.save_pretrained(folder, max_shard_size="80KB" if name == "llama" else "1GB")
        (folder / "generation_config.json").unlink(missing_ok=True)
        if name == "qwen2":
            rewrite_as_transformers_4(folder / "config.json")

        # The logits are those of what is on disk, not of what is in memory.
        model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
        sequences = [random_ids(1000 + length, length) for length in SEQUENCE_LENGTHS]
        with torch.no_grad():
            logits = [model(torch.tensor([ids])).logits[0] for ids in sequences]
        write_json(folder / "logits.json", {"input_ids": sequences})
        write_tensors(folder / "logits.safetensors", {f"logits.{i}": tensor for i, tensor in enumerate(logits)})


if __name__ == "__main__":
    main()
