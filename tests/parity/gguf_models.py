"""Tiny random GGUF files, written by the gguf package, and what an import of them must give.

    python gguf_models.py

Writes gguf/{llama,qwen2}.gguf and gguf/{llama,qwen2}.json. Together the two files hold every type of numbers that is
imported. Blocks of the k-quants, which the package cannot make, are random bytes with small scales; it can read them.
"""

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

from common import HERE, write_json

NUM_SAMPLES = 24
BLOCK = {Type.Q2_K: 84, Type.Q3_K: 110, Type.Q4_K: 144, Type.Q5_K: 176, Type.Q6_K: 210}
# Where the f16 scales of a k-quant's block stand.
SCALES = {Type.Q2_K: (80, 82), Type.Q3_K: (108,), Type.Q4_K: (0, 2), Type.Q5_K: (0, 2), Type.Q6_K: (208,)}
MERGES = ["Ġ l", "Ġl a", "o n"]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHAT_TEMPLATE = (HERE / "chat" / "chatml.jinja").read_text(encoding="utf-8")


def byte_symbols():
    """GPT-2's printable stand-in for each byte."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]


def quantised(rng, shape, kind):
    """Random numbers of `kind`: as the file holds them, and as they are read."""
    if kind in BLOCK:
        blocks = rng.integers(0, 256, (shape[0] * shape[1] // 256, BLOCK[kind]), dtype=np.uint8)
        for start in SCALES[kind]:
            scale = rng.uniform(-1e-3, 1e-3, (len(blocks), 1)).astype(np.float16)
            blocks[:, start : start + 2] = scale.view(np.uint8)
        data = blocks.reshape(shape[0], -1)
    else:
        data = gguf.quants.quantize(rng.normal(0, 0.1, shape).astype(np.float32), kind)
    return data, gguf.quants.dequantize(data, kind).reshape(shape)


def halves_first(values, heads):
    """Rows of heads from llama.cpp's order (pair, half) to transformers' (half, pair), row by row."""
    size = len(values) // heads
    rows = [head * size + pair * 2 + half for head in range(heads) for half in range(2) for pair in range(size // 2)]
    return values[rows]


def summary(values):
    """Enough of a tensor to know it: shape, weighted sums over all of it, and some of its numbers."""
    flat = values.astype(np.float64).ravel()
    picked = np.linspace(0, len(flat) - 1, NUM_SAMPLES).astype(int)
    return {
        "shape": list(values.shape),
        "sum": flat.sum(),
        "ramp": (flat * np.linspace(-1, 1, len(flat))).sum(),
        "indices": picked.tolist(),
        "values": flat[picked].tolist(),
    }


def add_sizes(writer, name, sizes):
    """The architecture's metadata."""
    hidden, inner, heads, kv_heads, head_dim, layers = sizes
    writer.add_block_count(layers)
    writer.add_context_length(128)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(5e4)
    if name == "llama":
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
        writer.add_rope_dimension_count(head_dim)


def add_vocabulary(writer, tokens, pre):
    """The tokenizer's metadata: the bytes, three merges, and the marks of ChatML."""
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([1] * (len(tokens) - len(SPECIAL)) + [3] * len(SPECIAL))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(len(tokens) - 2)
    writer.add_eos_token_id(len(tokens) - 1)
    writer.add_pad_token_id(len(tokens) - 3)
    writer.add_chat_template(CHAT_TEMPLATE)


def write_model(name, sizes, kinds, pre):
    """One file; `kinds` gives the type of each kind of tensor."""
    rng = np.random.default_rng(7)
    hidden, inner, heads, kv_heads, head_dim, layers = sizes
    tokens = [*byte_symbols(), "Ġl", "Ġla", "on", *SPECIAL]
    writer = gguf.GGUFWriter(HERE / "gguf" / f"{name}.gguf", name)
    add_sizes(writer, name, sizes)
    add_vocabulary(writer, tokens, pre)
    expected = {}

    def add_vector(source, target, size):
        values = rng.normal(1, 0.1, (size,)).astype(np.float32)
        writer.add_tensor(source, values)
        expected[target] = summary(values)

    def add(source, target, shape, kind, heads=None):
        data, values = quantised(rng, shape, kinds[kind])
        writer.add_tensor(source, data, raw_dtype=kinds[kind])
        expected[target] = summary(halves_first(values, heads) if heads and name == "llama" else values)

    add("token_embd.weight", "model.embed_tokens.weight", (len(tokens), hidden), "embedding")
    add_vector("output_norm.weight", "model.norm.weight", hidden)
    if "output" in kinds:
        add("output.weight", "lm_head.weight", (len(tokens), hidden), "output")
    for layer in range(layers):
        source, target = f"blk.{layer}.", f"model.layers.{layer}."
        queries, keys = heads * head_dim, kv_heads * head_dim
        add_vector(source + "attn_norm.weight", target + "input_layernorm.weight", hidden)
        add_vector(source + "ffn_norm.weight", target + "post_attention_layernorm.weight", hidden)
        add(source + "attn_q.weight", target + "self_attn.q_proj.weight", (queries, hidden), "q", heads)
        add(source + "attn_k.weight", target + "self_attn.k_proj.weight", (keys, hidden), "k", kv_heads)
        add(source + "attn_v.weight", target + "self_attn.v_proj.weight", (keys, hidden), "v")
        add(source + "attn_output.weight", target + "self_attn.o_proj.weight", (hidden, queries), "o")
        add(source + "ffn_gate.weight", target + "mlp.gate_proj.weight", (inner, hidden), "gate")
        add(source + "ffn_up.weight", target + "mlp.up_proj.weight", (inner, hidden), "up")
        add(source + "ffn_down.weight", target + "mlp.down_proj.weight", (hidden, inner), "down")
        if name == "qwen2":
            for letter, size in (("q", queries), ("k", keys), ("v", keys)):
                add_vector(f"{source}attn_{letter}.bias", f"{target}self_attn.{letter}_proj.bias", size)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    write_json(HERE / "gguf" / f"{name}.json", {"tensors": expected})


def main():
    (HERE / "gguf").mkdir(exist_ok=True)
    kinds = {"embedding": Type.Q4_K, "q": Type.Q4_1, "k": Type.Q8_0, "v": Type.Q6_K, "o": Type.Q5_0}
    kinds |= {"gate": Type.Q5_K, "up": Type.Q3_K, "down": Type.Q4_0}
    write_model("llama", (256, 32, 2, 1, 16, 1), kinds, "smollm")
    kinds = {"embedding": Type.F16, "output": Type.Q8_0, "q": Type.BF16, "k": Type.F32, "v": Type.Q5_1}
    kinds |= {"o": Type.F16, "gate": Type.F32, "up": Type.Q8_0, "down": Type.Q4_1}
    write_model("qwen2", (32, 32, 4, 2, 8, 2), kinds, "qwen2")


if __name__ == "__main__":
    main()
