"""Runs both trainers in turns and prints what came out; see benches/train_vs_peft.sh."""

import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import bench  # noqa: E402
import peft_runs  # noqa: E402

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


class Comparison(bench.Programs):
    def prepare(self):
        self.import_model()
        self.rows = self.work / "train.jsonl"
        bench.write_rows(self.options.data, self.rows, BATCH_SIZE * max(self.options.steps, PARITY_STEPS))
        self.adapters = {method: peft_runs.make_adapter(self, method) for method in ("dora", "lora")}

    def measure(self, case, steps, extra=()):
        method, dropout, loss_on, trainer, settings = case
        adapter = self.adapters[method]
        if trainer == "peft":
            rows = peft_runs.tokenized(self.model, self.rows, loss_on)
            shape = {"dropout": dropout, "steps": steps, "batch_size": BATCH_SIZE, "learning_rate": LEARNING_RATE}
            return peft_runs.train(self, method, adapter, rows, **shape)
        keys = {
            "model.path": self.model, "data.train": self.rows, "data.order": "file", "data.loss_on": loss_on,
            "adapter.method": method, "adapter.dropout": dropout, "adapter.init_from": adapter,
            "optim.learning_rate": LEARNING_RATE, "optim.schedule": "constant", "optim.warmup_ratio": 0.0,
            "train.epochs": 1, "train.max_steps": steps, "train.global_batch_size": BATCH_SIZE,
            "train.micro_batch_size": BATCH_SIZE, "train.gradient_checkpointing": "false",
        }  # fmt: skip
        return self.train(keys, [*settings, *extra])

    def floor(self):
        """Tokens a second if a step were its matrix products alone: by libtorch's, and by those that the trainer uses."""
        tokens = sum(len(row["ids"]) for row in peft_runs.tokenized(self.model, self.rows, "chat")[:BATCH_SIZE])
        return json.loads(self.run(self.launch.parent / "examples" / "train_floor", self.model, tokens))


def summary(lines):
    steady = [line["tokens_per_second"] for line in lines[WARM_UP:]]
    return {
        "tokens_per_second": statistics.median(steady),
        "first_steps": statistics.median(line["tokens_per_second"] for line in lines[1:6]),
        "peak_memory_bytes": lines[-1]["peak_memory_bytes"],
    }


def measure(comparison, options):
    found = {name: [] for name in CASES}
    for repeat in range(options.repeats):
        for name, case in CASES.items():
            extra = ()
            if name == "dora, budget":
                budget = min(run["peak_memory_bytes"] for run in found["peft dora"]) / 10 / 2**30
                extra = [f"train.memory_budget_gib={budget:.3f}"]
            found[name].append(summary(comparison.measure(case, options.steps, extra)))
            print(f"{repeat + 1}/{options.repeats} {name}: {found[name][-1]}", file=sys.stderr)
    middle = lambda runs, key: statistics.median(run[key] for run in runs)
    return {name: {key: middle(runs, key) for key in runs[0]} for name, runs in found.items()}


def parity(comparison):
    """The largest difference of the losses of 20 steps without dropout."""
    runs = [comparison.measure(("dora", 0.0, "chat", trainer, []), PARITY_STEPS) for trainer in ("peft", "ours")]
    return max(abs(left["loss"] - right["loss"]) for left, right in zip(*runs, strict=True))


def main():
    options = bench.parser(repeats=3)
    options.add_argument("--steps", type=int, default=8)
    options = options.parse_args()
    with bench.folder(options.keep) as work:
        comparison = Comparison(options, work)
        comparison.prepare()
        floor, cases, loss_difference = comparison.floor(), measure(comparison, options), parity(comparison)
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
