"""transformers' side: `generate` over batches of left-padded prompts, rows of like length together, one JSON line an answer and a last one of seconds.

    python reference.py MODEL ROWS MAX_NEW_TOKENS BATCH_SIZE THREADS

Multiple choice is constrained by `prefix_allowed_tokens_fn` to the tokenizer's own encodings of all canonical answers. A line holds the generated
tokens, the text, and how far the chosen token's logit was above the next allowed one's at each step.
"""

import itertools
import json
import os
import sys
import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def prefix_tree(tokenizer, labels, single):
    """Token prefix -> tokens that may follow, over all canonical answers."""
    sizes = [1] if single else range(1, len(labels) + 1)
    tree = {}
    for size in sizes:
        for chosen in itertools.combinations(labels, size):
            ids = tokenizer.encode(", ".join(chosen), add_special_tokens=False) + [tokenizer.eos_token_id]
            for place, token in enumerate(ids):
                tree.setdefault(tuple(ids[:place]), set()).add(token)
    return {prefix: sorted(tokens) for prefix, tokens in tree.items()}


def answer(model, tokenizer, batch, max_new_tokens):
    prompts = [tokenizer.apply_chat_template(row["messages"], add_generation_prompt=True, tokenize=False) for row in batch]
    inputs = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
    width = inputs["input_ids"].shape[1]
    trees = [row.get("tree") for row in batch]
    options = {}
    if any(trees):
        end = [tokenizer.eos_token_id]
        options["prefix_allowed_tokens_fn"] = lambda index, ids: trees[index].get(tuple(ids[width:].tolist()), end)
    began = time.perf_counter()
    out = model.generate(
        **inputs,
        do_sample=False,
        max_new_tokens=max_new_tokens,
        pad_token_id=tokenizer.pad_token_id,
        return_dict_in_generate=True,
        output_scores=True,
        **options,
    )
    seconds = time.perf_counter() - began
    lines = []
    for index, row in enumerate(batch):
        ids = out.sequences[index, width:].tolist()
        if tokenizer.eos_token_id in ids:
            ids = ids[: ids.index(tokenizer.eos_token_id) + 1]
        best = [scores[index].topk(2).values.tolist() for scores in out.scores[: len(ids)]]
        margins = [top - next_best for top, next_best in best]
        text = tokenizer.decode([token for token in ids if token != tokenizer.eos_token_id]).strip()
        lines.append({"id": row["id"], "ids": ids, "text": text, "margins": margins})
    return lines, seconds


def main():
    model_path, path, max_new_tokens, batch_size, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    tokenizer = AutoTokenizer.from_pretrained(model_path, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32).eval()
    rows = [json.loads(line) for line in open(path)]
    for row in rows:
        if row["task"] != "oeq":
            labels = sorted(choice["label"] for choice in row["choices"])
            row["tree"] = prefix_tree(tokenizer, labels, row["task"] == "mcqu")
    rows.sort(key=lambda row: -sum(len(message["content"]) for message in row["messages"]))
    # The first batch twice: what is slow the first time does not count.
    size, total = int(batch_size), 0.0
    answer(model, tokenizer, rows[:size], 2)
    for start in range(0, len(rows), size):
        lines, seconds = answer(model, tokenizer, rows[start : start + size], int(max_new_tokens))
        total += seconds
        for line in lines:
            print(json.dumps({key: value for key, value in line.items() if key != "tree"}, ensure_ascii=False))
    print(json.dumps({"seconds": total}))


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
