"""PEFT's side: a plain loop of transformers, PEFT and torch.optim.AdamW, one JSON line a step.

    python peft_trainer.py SPEC    where SPEC is a JSON object: see run.py

Batches are padded to their longest row, as a data collator does; the padding is masked and counts neither as token nor as target.
"""

import json
import os
import sys
import time

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def lora_config(method, dropout):
    return LoraConfig(
        r=16,
        lora_alpha=16,
        lora_dropout=dropout,
        use_dora=method == "dora",
        target_modules=TARGETS,
        task_type="CAUSAL_LM",
    )


def initial_adapter(model_path, method, folder):
    """A new adapter whose B is not zero, so that every gradient flows from the first step on."""
    torch.manual_seed(42)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32), lora_config(method, 0.0))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.01)
    model.save_pretrained(folder)


def batches(spec):
    size = spec["batch_size"]
    for start in range(0, size * spec["steps"], size):
        rows = spec["rows"][start : start + size]
        shape = (len(rows), max(len(row["ids"]) for row in rows))
        ids, attention = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
        labels = torch.full(shape, -100)
        for index, row in enumerate(rows):
            length = len(row["ids"])
            ids[index, :length] = torch.tensor(row["ids"])
            attention[index, :length] = 1
            labels[index, :length] = torch.where(torch.tensor(row["mask"]), torch.tensor(row["ids"]), -100)
        yield ids, attention, labels


def peak_memory_bytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def main():
    with open(sys.argv[1]) as file:
        spec = json.load(file)
    if "make_adapter" in spec:
        return initial_adapter(spec["model"], spec["method"], spec["make_adapter"])
    torch.set_num_threads(spec["threads"])
    torch.manual_seed(42)
    model = AutoModelForCausalLM.from_pretrained(spec["model"], dtype=torch.float32)
    model = PeftModel.from_pretrained(model, spec["adapter"], is_trainable=True, config=lora_config(spec["method"], spec["dropout"]))
    model.train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=spec["learning_rate"], weight_decay=0.0)
    for ids, attention, labels in batches(spec):
        began = time.perf_counter()
        loss = model(input_ids=ids, attention_mask=attention, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds = time.perf_counter() - began
        line = {
            "loss": loss.item(),
            "tokens_per_second": attention.sum().item() / seconds,
            "peak_memory_bytes": peak_memory_bytes(),
        }
        print(json.dumps(line), flush=True)
    if "save" in spec:
        model.save_pretrained(spec["save"])


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
