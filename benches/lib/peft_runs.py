"""PEFT's side of the trainings: what `peft_trainer.py` is told, and what it says."""

import json
import pathlib
import sys

from transformers import AutoTokenizer

TRAINER = pathlib.Path(__file__).resolve().parent.parent / "train_vs_peft" / "peft_trainer.py"


def tokenized(model, path, loss_on):
    tokenizer = AutoTokenizer.from_pretrained(model)
    rows = []
    for line in open(path):
        messages = json.loads(line)["messages"]
        ids = tokenizer.apply_chat_template(messages, return_dict=True)["input_ids"]
        prompt = tokenizer.apply_chat_template(messages[:1], add_generation_prompt=True, return_dict=True)["input_ids"]
        start = 0 if loss_on == "chat" else len(prompt)
        rows.append({"ids": ids, "mask": [start <= place for place in range(len(ids))]})
    return rows


def run(programs, spec):
    """The lines of a run of PEFT's trainer."""
    path = programs.work / "spec.json"
    path.write_text(json.dumps(spec))
    return [json.loads(line) for line in programs.run(sys.executable, TRAINER, path).splitlines()]


def make_adapter(programs, method):
    """A new adapter whose B is not zero; gives its folder."""
    adapter = programs.work / f"{method}-initial"
    run(programs, {"model": str(programs.model), "method": method, "make_adapter": str(adapter)})
    return adapter


def train(programs, method, adapter, rows, **settings):
    """Trains `adapter` on `rows`, a step on each batch; gives the lines of the steps."""
    spec = {"model": str(programs.model), "adapter": str(adapter), "method": method, "rows": rows}
    return run(programs, spec | {"threads": programs.options.threads} | settings)
