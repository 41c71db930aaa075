"""Measures single runs of the trainer; see benches/train_runs.sh."""

import json
import os
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import bench  # noqa: E402

WARM_UP, RANK_STEPS, MEMORY_STEPS, LONG_STEPS, TOLERANCE = 4, 9, 12, 500, 0.15
# Shapes of a run whose memory is planned and measured.
SHAPES = {
    "DoRA, 12 rows, all kept": ["train.micro_batch_size=12", "train.gradient_checkpointing=false"],
    "DoRA, 12 rows, none kept": ["train.micro_batch_size=12", "train.gradient_checkpointing=true"],
    "DoRA, 4 rows, all kept": ["train.micro_batch_size=4", "train.gradient_checkpointing=false"],
    "DoRA, 1 row, all kept": ["train.micro_batch_size=1", "train.gradient_checkpointing=false"],
    "LoRA, 12 rows, all kept": ["adapter.method=lora", "train.micro_batch_size=12", "train.gradient_checkpointing=false"],
    "DoRA, rank 128, 12 rows, all kept": [
        "adapter.rank=128",
        "train.micro_batch_size=12",
        "train.gradient_checkpointing=false",
    ],
}


class Runs(bench.Programs):
    def __init__(self, options, work):
        super().__init__(options, work)
        self.rows = work / "train.jsonl"
        self.import_model()
        bench.write_rows(options.data, self.rows)
        self.keys = {
            "model.path": self.model, "data.train": self.rows, "adapter.dropout": 0.05, "train.epochs": 1,
            "train.global_batch_size": 12, "train.log_every_steps": 1,
        }  # fmt: skip

    def of_shape(self, settings, ranks=1, threads=os.cpu_count()):
        """The lines of metrics of a run."""
        launcher = ["mpirun", "--allow-run-as-root", "--bind-to", "core", "-n", str(ranks)] if 1 < ranks else []
        return self.train(self.keys, settings, launcher, OMP_NUM_THREADS=str(threads))

    def plan(self, settings):
        return json.loads(self.run(self.launch, "plan", "--cpu", "--json", *self.configured(self.keys, settings)))


def measure_ranks(runs, repeats):
    """Two ranks of one thread against one."""
    rates = {1: [], 2: []}
    for _ in range(repeats):
        for ranks, found in rates.items():
            lines = runs.of_shape([f"train.max_steps={RANK_STEPS}", "train.micro_batch_size=6"], ranks, 1)
            found.append(statistics.median(line["tokens_per_second"] for line in lines[WARM_UP:]))
    one, two = (statistics.median(found) for found in rates.values())
    print(f"one rank of one thread {one:.0f} tokens/s, two {two:.0f}: {two / one:.2f} times (goal 1.8)")
    return {"tokens_per_second": rates, "ratio": two / one}


def measure_memory(runs):
    """Planned against measured, over steps whose batches differ in size."""
    result, apart = {}, 0.0
    print("| run | planned, GB | measured, GB | difference |\n|---|---|---|---|")
    for name, shape in SHAPES.items():
        shape = [f"train.max_steps={MEMORY_STEPS}", *shape]
        planned = runs.plan(shape)["total_checkpointed_bytes" if "none kept" in name else "total_bytes"]
        measured = runs.of_shape(shape)[-1]["peak_memory_bytes"]
        difference = planned / measured - 1.0
        apart = max(apart, abs(difference))
        result[name] = {"planned_bytes": planned, "measured_bytes": measured}
        print(f"| {name} | {planned / 1e9:.2f} | {measured / 1e9:.2f} | {100 * difference:+.1f} % |", flush=True)
    return result, apart


def measure_steps(runs):
    """Whether memory grows, and how far the time of a step spreads, where the same 50 batches come ten times."""
    rows = runs.work / "hundred.jsonl"
    rows.write_text("".join(runs.rows.read_text().splitlines(keepends=True)[:100]))
    shape = ["train.global_batch_size=2", "train.micro_batch_size=2", "train.epochs=10", f"data.train={rows}"]
    lines = runs.of_shape([*shape, "data.order=file"])
    assert len(lines) == LONG_STEPS
    peaks = {step: lines[step - 1]["peak_memory_bytes"] for step in (10, 50, 100, 250, LONG_STEPS)}
    # A step's time a token: the rows differ in length.
    seconds = sorted(1.0 / line["tokens_per_second"] for line in lines[WARM_UP:])
    place = lambda share: 1000.0 * seconds[round(share * (len(seconds) - 1))]
    spread = {name: place(share) for name, share in {"p5": 0.05, "median": 0.5, "p95": 0.95, "largest": 1.0}.items()}
    print("peak memory, GB, after step " + ", ".join(f"{step}: {peak / 1e9:.3f}" for step, peak in peaks.items()))
    print("milliseconds a token of a step: " + ", ".join(f"{name} {value:.2f}" for name, value in spread.items()))
    return {"peak_memory_bytes": peaks, "milliseconds_a_token": spread}


def main():
    options = bench.parser(repeats=3)
    options.add_argument("--only", choices=["ranks", "memory", "steps"])
    options = options.parse_args()
    wants = lambda part: options.only in (None, part)
    result, apart = {}, 0.0
    with bench.folder(options.keep) as work:
        runs = Runs(options, work)
        if wants("ranks"):
            result["ranks"] = measure_ranks(runs, options.repeats)
        if wants("memory"):
            result["memory"], apart = measure_memory(runs)
        if wants("steps"):
            result["steps"] = measure_steps(runs)
    print(json.dumps(result))
    return int(TOLERANCE < apart)


if __name__ == "__main__":
    sys.exit(main())
