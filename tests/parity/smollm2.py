"""Logits and greedy text of the real SmolLM2-135M-Instruct, read from its GGUF file by transformers.

    python smollm2.py SMOLLM2.gguf

Writes smollm2.json.
"""

import argparse
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from common import HERE, write_json
from tokens import smollm2_tokenizer

NUM_NEW_TOKENS = 24
VOCABULARY_STRIDE = 245
NUM_VOCABULARY_IDS = 200

SYSTEM = (
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
)
PROMPTS = {
    "capital": f"{SYSTEM}<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n",
    "plain_english": "The heart pumps blood through the",
    "plain_french": "Parmi les propositions suivantes, laquelle est exacte ?\nChoix de réponses :\n(A) 1234 mg\n(B) Aucune",
}


def load(gguf):
    """The model in f32; transformers undoes the permutation of q and k rows that GGUF files of Llama have."""
    return AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32, attn_implementation="eager"
    ).eval()


def greedy(model, ids):
    """The arg-max of each step, recomputed from the whole sequence, stopped by nothing but the count."""
    ids = list(ids)
    for _ in range(NUM_NEW_TOKENS):
        ids.append(model(torch.tensor([ids])).logits[0, -1].argmax().item())
    return ids[-NUM_NEW_TOKENS:]


def smallest_margin(logits):
    """Least distance between the best and the second logit of any position: how safe the arg-max is."""
    best = logits.topk(2, dim=-1).values
    return (best[:, 0] - best[:, 1]).min().item()


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("smollm2", type=Path, help="GGUF file of SmolLM2-135M-Instruct")
    gguf = parser.parse_args().smollm2

    model, tokenizer = load(gguf), smollm2_tokenizer(gguf)
    vocabulary_ids = list(range(0, VOCABULARY_STRIDE * NUM_VOCABULARY_IDS, VOCABULARY_STRIDE))
    prompts = {}
    for name, text in PROMPTS.items():
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        new_ids = greedy(model, ids)
        logits = model(torch.tensor([ids + new_ids])).logits[0]
        new_text = tokenizer.decode(new_ids, skip_special_tokens=False)
        if name == "capital" and "Paris" not in new_text:
            raise SystemExit(f"the answer lacks Paris: {new_text!r}")
        prompts[name] = {
            "text": text,
            "input_ids": ids,
            "last_logits": [round(value, 6) for value in logits[len(ids) - 1, vocabulary_ids].tolist()],
            "argmax": logits[: len(ids)].argmax(dim=-1).tolist(),
            "new_ids": new_ids,
            "new_text": new_text,
            "smallest_margin": round(smallest_margin(logits), 6),
        }
    write_json(HERE / "smollm2.json", {"vocabulary_ids": vocabulary_ids, "prompts": prompts})


if __name__ == "__main__":
    main()
