"""One epoch of fine-tuning, and what the model answers before and after; see benches/real_run.sh."""

import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import bench  # noqa: E402

BATCH_SIZE, LEARNING_RATE, DROPOUT = 12, 1e-4, 0.05


class Chain(bench.Programs):
    def prepare(self):
        self.rows = self.work / "train.jsonl"
        self.import_model()
        self.test = self.write_test_rows()
        bench.write_rows(self.options.data, self.rows)

    def answer(self, name, adapter=()):
        """Exact match of a model, with its interval, as the table that `score` prints."""
        predictions = self.work / f"{name}.jsonl"
        command = [self.launch, "predict", "--model", self.model, *adapter, "--data", self.test, "--device", "cpu"]
        self.run(*command, "--out", predictions, "--force")
        table = self.run(self.library, "score", "--predictions", predictions, "--out", self.work / f"{name}.json", "--force")
        print(f"{name}\n{table}", flush=True)
        return json.loads((self.work / f"{name}.json").read_text())

    def train_here(self):
        keys = {
            "model.path": self.model, "data.train": self.rows, "data.order": "file", "adapter.dropout": DROPOUT,
            "optim.learning_rate": LEARNING_RATE, "optim.schedule": "constant", "optim.warmup_ratio": 0.0, "train.epochs": 1,
            "train.global_batch_size": BATCH_SIZE, "train.micro_batch_size": BATCH_SIZE,
        }  # fmt: skip
        self.train(keys)
        return self.work / "run"

    def train_by_peft(self):
        import peft_runs

        rows, adapter = peft_runs.tokenized(self.model, self.rows, "chat"), peft_runs.make_adapter(self, "dora")
        shape = {"dropout": DROPOUT, "batch_size": BATCH_SIZE, "learning_rate": LEARNING_RATE}
        shape |= {"steps": -(-len(rows) // BATCH_SIZE), "save": str(self.work / "peft")}
        peft_runs.train(self, "dora", adapter, rows, **shape)
        return self.work / "peft"


def main():
    options = bench.parser()
    options.add_argument("--without-peft", action="store_true")
    options = options.parse_args()
    with bench.folder(options.keep) as work:
        chain = Chain(options, work)
        chain.prepare()
        result = {"before": chain.answer("before")}
        trainers = {"after": chain.train_here} | ({} if options.without_peft else {"after_by_peft": chain.train_by_peft})
        for name, train in trainers.items():
            began = time.perf_counter()
            adapter = train()
            print(f"{name}: one epoch took {time.perf_counter() - began:.0f} s", flush=True)
            result[name] = chain.answer(name, ("--adapter", adapter))
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
