"""Runs both trainers in turns and prints what came out; see benches/train_vs_peft.sh."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from transformers import AutoTokenizer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
from frenchmedmcqa import write_rows  # noqa: E402

BATCH_SIZE, LEARNING_RATE, WARM_UP, PARITY_STEPS = 12, 1e-4, 4, 20

# name -> (method, dropout, loss on, PEFT's or None, our further settings)
CASES = {
    "peft dora": ("dora", 0.05, "chat", "peft", []),
    "dora": ("dora", 0.05, "chat", "ours", []),
    "dora, scope peft": ("dora", 0.05, "chat", "ours", ["adapter.dropout_scope=peft"]),
    "peft lora": ("lora", 0.05, "chat", "peft", []),
    "lora": ("lora", 0.05, "chat", "ours", []),
    "peft dora, completion": ("dora", 0.05, "completion", "peft", []),
    "dora, completion": ("dora", 0.05, "completion", "ours", []),
    "dora, budget": ("dora", 0.05, "chat", "ours", ["train.gradient_checkpointing=auto"]),
}
# what is compared -> (case, reference, least ratio of speed)
GOALS = {
    "DoRA against PEFT's DoRA": ("dora", "peft dora", 2.3),
    "DoRA with dropout_scope = peft against PEFT's DoRA": ("dora, scope peft", "peft dora", 1.5),
    "DoRA against PEFT's LoRA": ("dora", "peft lora", 1.5),
    "DoRA, loss on completions, against PEFT's": ("dora, completion", "peft dora, completion", 2.6),
    "DoRA within a tenth of PEFT's memory, against PEFT's DoRA": ("dora, budget", "peft dora", 1.8),
}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="?", default=os.environ.get("MEDINJECTION_TEST_DATA", "../shared/data"))
    parser.add_argument("--programs", required=True)
    parser.add_argument("--setup", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--keep")
    return parser.parse_args()


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


class Bench:
    def __init__(self, options, work):
        self.options, self.work = options, work
        self.model, self.rows = work / "smollm2", work / "train.jsonl"
        self.launch = pathlib.Path(options.programs) / "medinjection-launch"
        self.environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "HF_HUB_OFFLINE": "1"}

    def prepare(self):
        if not self.model.exists():
            gguf = os.environ["MEDINJECTION_SMOLLM2_GGUF"]
            subprocess.run([self.launch, "import-gguf", gguf, "--out", self.model], check=True, stderr=subprocess.DEVNULL)
        write_rows(self.options.data, self.rows, BATCH_SIZE * max(self.options.steps, PARITY_STEPS))
        for method in ("dora", "lora"):
            self.peft_run({"model": str(self.model), "method": method, "make_adapter": str(self.work / f"{method}-initial")})

    def peft_run(self, spec):
        path = self.work / "spec.json"
        path.write_text(json.dumps(spec))
        command = [sys.executable, HERE / "peft_trainer.py", path]
        done = subprocess.run(command, env=self.environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def run(self, case, steps, extra=()):
        method, dropout, loss_on, trainer, settings = case
        adapter = self.work / f"{method}-initial"
        if trainer == "peft":
            rows = tokenized(self.model, self.rows, loss_on)
            spec = {"model": str(self.model), "adapter": str(adapter), "method": method, "dropout": dropout, "rows": rows}
            spec |= {"steps": steps, "batch_size": BATCH_SIZE, "threads": self.options.threads, "learning_rate": LEARNING_RATE}
            return self.peft_run(spec)
        out = self.work / "run"
        shutil.rmtree(out, ignore_errors=True)
        keys = {
            "model.path": self.model, "data.train": self.rows, "data.order": "file", "data.loss_on": loss_on,
            "adapter.method": method, "adapter.dropout": dropout, "adapter.init_from": adapter,
            "optim.learning_rate": LEARNING_RATE, "optim.schedule": "constant", "optim.warmup_ratio": 0.0,
            "train.epochs": 1, "train.max_steps": steps, "train.global_batch_size": BATCH_SIZE,
            "train.micro_batch_size": BATCH_SIZE, "train.gradient_checkpointing": "false", "output.dir": out,
        }  # fmt: skip
        config = self.work / "empty.toml"
        config.write_text("")
        command = [self.launch, "train", "--config", config, "--device", "cpu"]
        for setting in [f"{key}={value}" for key, value in keys.items()] + settings + list(extra):
            command += ["--set", setting]
        subprocess.run(command, env=self.environment, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        return [line for line in lines if "loss" in line]

    def floor(self):
        """Tokens a second if a step were its matrix products alone: by libtorch's, and by those that the trainer uses."""
        tokens = sum(len(row["ids"]) for row in tokenized(self.model, self.rows, "chat")[:BATCH_SIZE])
        command = [pathlib.Path(self.options.programs) / "examples" / "train_floor", self.model, str(tokens)]
        return json.loads(subprocess.run(command, env=self.environment, check=True, stdout=subprocess.PIPE).stdout)


def summary(lines):
    steady = [line["tokens_per_second"] for line in lines[WARM_UP:]]
    return {
        "tokens_per_second": statistics.median(steady),
        "first_steps": statistics.median(line["tokens_per_second"] for line in lines[1:6]),
        "peak_memory_bytes": lines[-1]["peak_memory_bytes"],
    }


def measure(bench, options):
    found = {name: [] for name in CASES}
    for repeat in range(options.repeats):
        for name, case in CASES.items():
            extra = ()
            if name == "dora, budget":
                budget = min(run["peak_memory_bytes"] for run in found["peft dora"]) / 10 / 2**30
                extra = [f"train.memory_budget_gib={budget:.3f}"]
            found[name].append(summary(bench.run(case, options.steps, extra)))
            print(f"{repeat + 1}/{options.repeats} {name}: {found[name][-1]}", file=sys.stderr)
    middle = lambda runs, key: statistics.median(run[key] for run in runs)
    return {name: {key: middle(runs, key) for key in runs[0]} for name, runs in found.items()}


def parity(bench):
    """The largest difference of the losses of 20 steps without dropout."""
    runs = [bench.run(("dora", 0.0, "chat", trainer, []), PARITY_STEPS) for trainer in ("peft", "ours")]
    return max(abs(left["loss"] - right["loss"]) for left, right in zip(*runs, strict=True))


def main():
    options = arguments()
    work = pathlib.Path(options.keep or tempfile.mkdtemp())
    work.mkdir(parents=True, exist_ok=True)
    try:
        bench = Bench(options, work)
        bench.prepare()
        floor, cases, loss_difference = bench.floor(), measure(bench, options), parity(bench)
    finally:
        if not options.keep:
            shutil.rmtree(work)
    print("| trainer | tokens/s, steps 2–6 | steady | peak memory, GB |\n|---|---|---|---|")
    for name, case in cases.items():
        print(f"| {name} | {case['first_steps']:.0f} | {case['tokens_per_second']:.0f} | {case['peak_memory_bytes'] / 1e9:.2f} |")
    speed = lambda name: cases[name]["tokens_per_second"]
    memory = lambda name: cases[name]["peak_memory_bytes"]
    ratios = {goal: speed(ours) / speed(theirs) for goal, (ours, theirs, _) in GOALS.items()}
    for goal, ratio in ratios.items():
        print(f"{goal}: {ratio:.2f} times (goal {GOALS[goal][2]})")
    result = {
        "cases": cases,
        "ratios": ratios,
        "share_of_peft_memory": memory("dora") / memory("peft dora"),
        "share_of_peft_memory_within_budget": memory("dora, budget") / memory("peft dora"),
        "dora_step_over_lora_step": speed("lora") / speed("dora"),
        "floor_tokens_per_second": floor,
        "share_of_floor": {kind: speed("dora") / rate for kind, rate in floor.items()},
        "largest_loss_difference": loss_difference,
    }
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
