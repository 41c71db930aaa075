"""Compares a folder written by `medinjection-launch import-gguf` with the stored numbers of SmolLM2-135M-Instruct.

    python check_import.py MODEL_DIR

transformers loads the folder (AutoModelForCausalLM, AutoTokenizer). Ends with 1 if anything differs.
"""

import argparse
import hashlib
import json
import struct
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from common import HERE, test_data
from tokens import encoder, prompts

TOLERANCE = 1e-3


def read(name):
    return json.loads((HERE / name).read_text(encoding="utf-8"))


@torch.no_grad()
def check_model(folder, fixture):
    """Logits and arg-max of each stored prompt, then the greedy continuation."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    for name, prompt in fixture["prompts"].items():
        ids, new_ids = prompt["input_ids"], prompt["new_ids"]
        logits = model(torch.tensor([ids + new_ids])).logits[0]
        expected = torch.tensor(prompt["last_logits"])
        difference = (logits[len(ids) - 1, fixture["vocabulary_ids"]] - expected).abs().max().item()
        best = logits.argmax(dim=-1).tolist()
        yield f"{name}: logits within {TOLERANCE} (largest difference {difference:.2e})", difference < TOLERANCE
        yield f"{name}: arg-max of each position", best[: len(ids)] == prompt["argmax"]
        # Each new id is the arg-max at the position before it, given those before: greedy decoding in one pass.
        yield f"{name}: greedy continuation {prompt['new_text']!r}", best[len(ids) - 1 : -1] == new_ids


def check_tokenizer(folder, fixture):
    """Ids of the stored prompts and hard texts, the chat template, and the 2,171 rows where the data is there."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encode, tokens = encoder(tokenizer), read("tokens/smollm2.json")
    for name, prompt in fixture["prompts"].items():
        yield f"{name}: token ids", encode(prompt["text"]) == prompt["input_ids"]
    for index, case in enumerate(tokens["cases"]):
        yield f"case {index}: token ids", encode(case["text"]) == case["ids"]
    for row in read("chat/rendered.json"):
        if row["template"] == "smollm2":
            arguments = {"tokenize": False, "add_generation_prompt": row["add_generation_prompt"]}
            rendered = tokenizer.apply_chat_template(row["messages"], **arguments)
            label = f"chat template, {row['conversation']}, add_generation_prompt {row['add_generation_prompt']}"
            yield label, rendered == row["rendered"]
    if not (test_data() / "frenchmedmcqa").is_dir():
        print(f"skipped: token ids of FrenchMedMCQA, no data in {test_data()}")
        return
    num_different = 0
    for text, (num_ids, digest) in zip(prompts(), tokens["rows"], strict=True):
        ids = encode(text)
        found = hashlib.sha256(struct.pack(f"<{len(ids)}I", *ids)).hexdigest()[:12]
        num_different += (len(ids), found) != (num_ids, digest)
    yield f"token ids of {len(tokens['rows'])} rows, {num_different} different", num_different == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder written by import-gguf")
    folder = parser.parse_args().model
    if not (folder / "config.json").is_file():
        raise SystemExit(f"{folder}: not a model folder, no config.json there")
    fixture = read("smollm2.json")
    failed = 0
    for check in (check_tokenizer, check_model):
        for label, passed in check(folder, fixture):
            print("ok  " if passed else "FAIL", label)
            failed += not passed
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
