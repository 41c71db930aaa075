"""Compares the logits of a saved adapter, loaded by PEFT, with those that another program computed.

    python check_adapter.py MODEL_DIR ADAPTER_DIR LOGITS.json [--tolerance 1e-4]
    python check_adapter.py MODEL_DIR ADAPTER_DIR LOGITS.json --write

LOGITS.json is {"input_ids": [...], "logits": [[...], ...]}, one row of logits a position. With --write, its
`input_ids` are kept and PEFT's logits stored. Ends with 1 if the logits differ or the adapter does not fit.
"""

import argparse
import json
from pathlib import Path

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors import safe_open
from transformers import AutoModelForCausalLM

from common import write_json


def misfits(model, adapter):
    """Tensors that only the file or only the model has: PEFT itself would leave them out in silence."""
    with safe_open(adapter / "adapter_model.safetensors", "pt") as file:
        found = set(file.keys())
    return sorted(found ^ set(get_peft_model_state_dict(model)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("adapter", type=Path)
    parser.add_argument("logits", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()

    stored = json.loads(arguments.logits.read_text(encoding="utf-8"))
    base = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, arguments.adapter).eval()
    if names := misfits(model, arguments.adapter):
        raise SystemExit(f"{arguments.adapter}: tensors only in the file or only in the model: {names}")
    with torch.no_grad():
        logits = model(torch.tensor([stored["input_ids"]])).logits[0]
    if arguments.write:
        write_json(arguments.logits, {"input_ids": stored["input_ids"], "logits": logits.tolist()})
        return
    expected = torch.tensor(stored["logits"])
    if expected.shape != logits.shape:
        raise SystemExit(f"shapes differ: {list(expected.shape)} stored, {list(logits.shape)} by PEFT")
    difference = (logits - expected).abs().max().item()
    passed = difference < arguments.tolerance
    print("ok  " if passed else "FAIL", f"largest difference {difference:.2e}, tolerance {arguments.tolerance}")
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    main()
