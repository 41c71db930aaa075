"""One epoch of fine-tuning, and what the model answers before and after; see benches/real_run.sh."""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
from frenchmedmcqa import write_rows  # noqa: E402

BATCH_SIZE, LEARNING_RATE, DROPOUT = 12, 1e-4, 0.05


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="?", default=os.environ.get("MEDINJECTION_TEST_DATA", "../shared/data"))
    parser.add_argument("--programs", required=True)
    parser.add_argument("--setup", action="store_true")
    parser.add_argument("--without-peft", action="store_true")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--keep")
    return parser.parse_args()


class Chain:
    def __init__(self, options, work):
        self.options, self.work, self.model, self.rows = options, work, work / "smollm2", work / "train.jsonl"
        programs = pathlib.Path(options.programs).resolve()
        self.library, self.launch = programs / "medinjection", programs / "medinjection-launch"
        self.environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "HF_HUB_OFFLINE": "1"}

    def run(self, *command, codes=(0,)):
        done = subprocess.run([str(part) for part in command], env=self.environment, stdout=subprocess.PIPE, text=True)
        if done.returncode not in codes:
            sys.exit(f"error: {command[0]} ended with {done.returncode}")
        return done.stdout

    def prepare(self):
        corpus = pathlib.Path(self.options.data).resolve() / "frenchmedmcqa"
        config = self.work / "dataset.toml"
        config.write_text(f'seed = 42\n[[source]]\nname = "frenchmedmcqa"\npath = "{corpus}"\n')
        self.run(self.launch, "import-gguf", os.environ["MEDINJECTION_SMOLLM2_GGUF"], "--out", self.model)
        # 1: rows were rejected.
        self.run(self.library, "build", "--config", config, "--out", self.work / "dataset", codes=(0, 1))
        self.run(self.library, "render", "--dataset", self.work / "dataset", "--split", "test", "--out", self.work / "test.jsonl")
        write_rows(self.options.data, self.rows)

    def answer(self, name, adapter=()):
        """Exact match of a model, with its interval, as the table that `score` prints."""
        predictions = self.work / f"{name}.jsonl"
        command = [self.launch, "predict", "--model", self.model, *adapter, "--data", self.work / "test.jsonl", "--device", "cpu"]
        self.run(*command, "--out", predictions, "--force")
        table = self.run(self.library, "score", "--predictions", predictions, "--out", self.work / f"{name}.json", "--force")
        print(f"{name}\n{table}", flush=True)
        return json.loads((self.work / f"{name}.json").read_text())

    def train(self):
        keys = {
            "model.path": self.model, "data.train": self.rows, "data.order": "file", "adapter.dropout": DROPOUT,
            "optim.learning_rate": LEARNING_RATE, "optim.schedule": "constant", "optim.warmup_ratio": 0.0, "train.epochs": 1,
            "train.global_batch_size": BATCH_SIZE, "train.micro_batch_size": BATCH_SIZE, "output.dir": self.work / "run",
        }  # fmt: skip
        config = self.work / "empty.toml"
        config.write_text("")
        settings = [part for key, value in keys.items() for part in ("--set", f"{key}={value}")]
        self.run(self.launch, "train", "--config", config, "--device", "cpu", "--force", *settings)
        return self.work / "run"

    def train_by_peft(self):
        sys.path.insert(0, str(HERE.parent / "train_vs_peft"))
        from run import tokenized

        rows = tokenized(self.model, self.rows, "chat")
        spec = {"model": str(self.model), "method": "dora", "dropout": DROPOUT, "rows": rows, "batch_size": BATCH_SIZE}
        spec |= {"threads": self.options.threads, "learning_rate": LEARNING_RATE, "adapter": str(self.work / "initial")}
        spec |= {"steps": -(-len(rows) // BATCH_SIZE), "save": str(self.work / "peft")}
        path = self.work / "spec.json"
        trainer = [sys.executable, HERE.parent / "train_vs_peft" / "peft_trainer.py", path]
        path.write_text(json.dumps({"model": str(self.model), "method": "dora", "make_adapter": spec["adapter"]}))
        self.run(*trainer)
        path.write_text(json.dumps(spec))
        self.run(*trainer)
        return self.work / "peft"


def main():
    options = arguments()
    work = pathlib.Path(options.keep or tempfile.mkdtemp())
    work.mkdir(parents=True, exist_ok=True)
    try:
        chain = Chain(options, work)
        chain.prepare()
        result = {"before": chain.answer("before")}
        trainers = {"after": chain.train} | ({} if options.without_peft else {"after_by_peft": chain.train_by_peft})
        for name, train in trainers.items():
            began = time.perf_counter()
            adapter = train()
            print(f"{name}: one epoch took {time.perf_counter() - began:.0f} s", flush=True)
            result[name] = chain.answer(name, ("--adapter", adapter))
    finally:
        if not options.keep:
            shutil.rmtree(work)
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
