"""Measures single runs of the trainer; see benches/train_runs.sh."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
from frenchmedmcqa import write_rows  # noqa: E402

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


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="?", default=os.environ.get("MEDINJECTION_TEST_DATA", "../shared/data"))
    parser.add_argument("--programs", required=True)
    parser.add_argument("--only", choices=["ranks", "memory", "steps"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--keep")
    return parser.parse_args()


class Bench:
    def __init__(self, options, work):
        self.work, self.model, self.rows = work, work / "smollm2", work / "train.jsonl"
        self.launch = pathlib.Path(options.programs).resolve() / "medinjection-launch"
        if not self.model.exists():
            gguf = os.environ["MEDINJECTION_SMOLLM2_GGUF"]
            subprocess.run([self.launch, "import-gguf", gguf, "--out", self.model], check=True, stderr=subprocess.DEVNULL)
        write_rows(options.data, self.rows)
        (work / "empty.toml").write_text("")

    def settings(self, settings):
        keys = {
            "model.path": self.model, "data.train": self.rows, "adapter.dropout": 0.05, "train.epochs": 1,
            "train.global_batch_size": 12, "train.log_every_steps": 1, "output.dir": self.work / "run",
        }  # fmt: skip
        every = [f"{key}={value}" for key, value in keys.items()] + list(settings)
        return [part for setting in every for part in ("--set", setting)]

    def train(self, settings, ranks=1, threads=os.cpu_count()):
        """The lines of metrics of a run."""
        shutil.rmtree(self.work / "run", ignore_errors=True)
        launcher = ["mpirun", "--allow-run-as-root", "--bind-to", "core", "-n", str(ranks)] if 1 < ranks else []
        command = [*launcher, self.launch, "train", "--config", self.work / "empty.toml", "--device", "cpu"]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*command, *self.settings(settings)], env=environment, check=True, **quiet)
        lines = [json.loads(line) for line in (self.work / "run" / "metrics.jsonl").read_text().splitlines()]
        return [line for line in lines if "loss" in line]

    def plan(self, settings):
        command = [self.launch, "plan", "--cpu", "--json", "--config", self.work / "empty.toml", *self.settings(settings)]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def measure_ranks(bench, repeats):
    """Two ranks of one thread against one."""
    rates = {1: [], 2: []}
    for _ in range(repeats):
        for ranks, found in rates.items():
            lines = bench.train([f"train.max_steps={RANK_STEPS}", "train.micro_batch_size=6"], ranks, 1)
            found.append(statistics.median(line["tokens_per_second"] for line in lines[WARM_UP:]))
    one, two = (statistics.median(found) for found in rates.values())
    print(f"one rank of one thread {one:.0f} tokens/s, two {two:.0f}: {two / one:.2f} times (goal 1.8)")
    return {"tokens_per_second": rates, "ratio": two / one}


def measure_memory(bench):
    """Planned against measured, over steps whose batches differ in size."""
    result, apart = {}, 0.0
    print("| run | planned, GB | measured, GB | difference |\n|---|---|---|---|")
    for name, shape in SHAPES.items():
        shape = [f"train.max_steps={MEMORY_STEPS}", *shape]
        planned = bench.plan(shape)["total_checkpointed_bytes" if "none kept" in name else "total_bytes"]
        measured = bench.train(shape)[-1]["peak_memory_bytes"]
        difference = planned / measured - 1.0
        apart = max(apart, abs(difference))
        result[name] = {"planned_bytes": planned, "measured_bytes": measured}
        print(f"| {name} | {planned / 1e9:.2f} | {measured / 1e9:.2f} | {100 * difference:+.1f} % |", flush=True)
    return result, apart


def measure_steps(bench):
    """Whether memory grows, and how far the time of a step spreads, where the same 50 batches come ten times."""
    rows = bench.work / "hundred.jsonl"
    rows.write_text("".join(bench.rows.read_text().splitlines(keepends=True)[:100]))
    shape = ["train.global_batch_size=2", "train.micro_batch_size=2", "train.epochs=10", f"data.train={rows}"]
    lines = bench.train([*shape, "data.order=file"])
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
    options = arguments()
    work = pathlib.Path(options.keep or tempfile.mkdtemp())
    work.mkdir(parents=True, exist_ok=True)
    wants = lambda part: options.only in (None, part)
    result, apart = {}, 0.0
    try:
        bench = Bench(options, work)
        if wants("ranks"):
            result["ranks"] = measure_ranks(bench, options.repeats)
        if wants("memory"):
            result["memory"], apart = measure_memory(bench)
        if wants("steps"):
            result["steps"] = measure_steps(bench)
    finally:
        if not options.keep:
            shutil.rmtree(work)
    print(json.dumps(result))
    return int(TOLERANCE < apart)


if __name__ == "__main__":
    sys.exit(main())
