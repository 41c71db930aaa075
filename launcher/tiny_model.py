#!/usr/bin/env python3
"""Writes a tiny random Qwen3 with a byte-level tokenizer: the model of tests and of machines without a real one.

    python3 launcher/tiny_model.py --out DIR

Only the standard library is used and the same bytes come out on every machine. The weights are random: the
scores of this model mean nothing.
"""

import argparse
import array
import json
import pathlib
import random
import shutil
import struct
import sys

HIDDEN, LAYERS, HEADS, KEY_VALUE_HEADS, HEAD_DIM, INTERMEDIATE = 32, 2, 4, 2, 16, 64
SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
VOCABULARY = 256 + len(SPECIAL_TOKENS)
# The form of Qwen3-4B-Instruct-2507's rendering: plain ChatML, no think block.
CHAT_TEMPLATE = """{%- for message in messages %}
    {{- '<|im_start|>' ~ message.role ~ '\\n' ~ message.content ~ '<|im_end|>' ~ '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def byte_symbols():
    """The printable character that byte-level BPE writes for each byte."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = [byte for byte in range(256) if byte not in printable]
    symbols = {byte: chr(byte) for byte in printable}
    symbols.update({byte: chr(256 + index) for index, byte in enumerate(rest)})
    return [symbols[byte] for byte in range(256)]


def config():
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 256,
        "eos_token_id": 258,
        "pad_token_id": 256,
        "head_dim": HEAD_DIM,
        "hidden_act": "silu",
        "hidden_size": HIDDEN,
        "initializer_range": 0.02,
        "intermediate_size": INTERMEDIATE,
        "max_position_embeddings": 8192,
        "model_type": "qwen3",
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "num_key_value_heads": KEY_VALUE_HEADS,
        "rms_norm_eps": 1e-06,
        "rope_scaling": None,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "use_cache": True,
        "vocab_size": VOCABULARY,
    }


def generation_config():
    return {"bos_token_id": 256, "do_sample": False, "eos_token_id": [258, 256], "pad_token_id": 256}


def added_token(identifier, content):
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    return {"id": identifier, "content": content, **flags}


def tokenizer():
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": {symbol: byte for byte, symbol in enumerate(byte_symbols())},
        "merges": [],
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added_token(256 + index, token) for index, token in enumerate(SPECIAL_TOKENS)],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": byte_level,
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": model,
    }


def tokenizer_config():
    return {
        "add_prefix_space": False,
        "bos_token": None,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "model_max_length": 8192,
        "pad_token": "<|endoftext|>",
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": None,
    }


def shapes():
    """Name and shape of every tensor, in the order in which they are drawn."""
    attention, key_value = HEADS * HEAD_DIM, KEY_VALUE_HEADS * HEAD_DIM
    yield "model.embed_tokens.weight", [VOCABULARY, HIDDEN]
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        yield prefix + "self_attn.q_proj.weight", [attention, HIDDEN]
        yield prefix + "self_attn.k_proj.weight", [key_value, HIDDEN]
        yield prefix + "self_attn.v_proj.weight", [key_value, HIDDEN]
        yield prefix + "self_attn.o_proj.weight", [HIDDEN, attention]
        yield prefix + "self_attn.q_norm.weight", [HEAD_DIM]
        yield prefix + "self_attn.k_norm.weight", [HEAD_DIM]
        yield prefix + "mlp.gate_proj.weight", [INTERMEDIATE, HIDDEN]
        yield prefix + "mlp.up_proj.weight", [INTERMEDIATE, HIDDEN]
        yield prefix + "mlp.down_proj.weight", [HIDDEN, INTERMEDIATE]
        yield prefix + "input_layernorm.weight", [HIDDEN]
        yield prefix + "post_attention_layernorm.weight", [HIDDEN]
    yield "model.norm.weight", [HIDDEN]


def draw(generator, shape):
    """Uniform values: only `random()` is promised to stay the same between versions of Python."""
    if len(shape) == 1:  # a norm's scale, around one
        return [0.8 + 0.4 * generator.random() for _ in range(shape[0])]
    limit = 1.5 / shape[1] ** 0.5
    return [limit * (2.0 * generator.random() - 1.0) for _ in range(shape[0] * shape[1])]


def safetensors():
    generator = random.Random(20260306)
    header, data = {"__metadata__": {"format": "pt"}}, bytearray()
    for name, shape in shapes():
        values = array.array("f", draw(generator, shape))
        if sys.byteorder == "big":
            values.byteswap()
        start = len(data)
        data += values.tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(data)


def files():
    documents = {
        "config.json": config(),
        "generation_config.json": generation_config(),
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": tokenizer_config(),
    }
    contents = {
        name: (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
        for name, document in documents.items()
    }
    contents["model.safetensors"] = safetensors()
    return contents


def is_written(folder, contents):
    return all((folder / name).is_file() and (folder / name).read_bytes() == data for name, data in contents.items())


def write(folder, contents):
    """The folder appears whole: it is written under another name first."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, data in contents.items():
        (partial / name).write_bytes(data)
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder to write")
    out, contents = parser.parse_args().out, files()
    try:
        if not is_written(out, contents):
            write(out, contents)
    except OSError as error:
        print(f"tiny_model: {out} could not be written: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
