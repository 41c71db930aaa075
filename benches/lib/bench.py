"""What the benchmarks that run the launcher share: their options, their folder, the model and the training rows."""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile


def parser(repeats=None):
    """The options that every benchmark has, and `--repeats` where it has a default."""
    options = argparse.ArgumentParser()
    options.add_argument("data", nargs="?", default=os.environ.get("MEDINJECTION_TEST_DATA", "../shared/data"))
    options.add_argument("--programs", required=True)
    options.add_argument("--setup", action="store_true")
    options.add_argument("--threads", type=int, default=os.cpu_count())
    options.add_argument("--keep")
    if repeats is not None:
        options.add_argument("--repeats", type=int, default=repeats)
    return options


@contextlib.contextmanager
def folder(keep):
    """The folder to work in: `keep`, or one that is taken away at the end."""
    work = pathlib.Path(keep or tempfile.mkdtemp())
    work.mkdir(parents=True, exist_ok=True)
    try:
        yield work
    finally:
        if not keep:
            shutil.rmtree(work)


class Programs:
    """The two programs, on as many threads as the options say."""

    def __init__(self, options, work):
        self.options, self.work, self.model = options, work, work / "smollm2"
        folder = pathlib.Path(options.programs).resolve()
        self.library, self.launch = folder / "medinjection", folder / "medinjection-launch"
        self.environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "HF_HUB_OFFLINE": "1"}

    def run(self, *command, codes=(0,), **environment):
        """What a command writes to stdout; it ends with one of `codes`."""
        settings = {**self.environment, **environment}
        command = [str(part) for part in command]
        done = subprocess.run(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode not in codes:
            raise SystemExit(f"error: {' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def import_model(self):
        if not self.model.exists():
            self.run(self.launch, "import-gguf", os.environ["MEDINJECTION_SMOLLM2_GGUF"], "--out", self.model)

    def write_test_rows(self):
        """FrenchMedMCQA's test questions, as `build` and `render` make them."""
        corpus, config = pathlib.Path(self.options.data).resolve() / "frenchmedmcqa", self.work / "dataset.toml"
        config.write_text(f'seed = 42\n[[source]]\nname = "frenchmedmcqa"\npath = "{corpus}"\n')
        dataset, test = self.work / "dataset", self.work / "test.jsonl"
        # 1: rows were rejected.
        self.run(self.library, "build", "--config", config, "--out", dataset, codes=(0, 1))
        self.run(self.library, "render", "--dataset", dataset, "--split", "test", "--out", test)
        return test

    def configured(self, keys, settings=()):
        """Arguments of a training into the folder `run` with these keys, and then these settings."""
        config = self.work / "empty.toml"
        config.write_text("")
        every = [f"{key}={value}" for key, value in (keys | {"output.dir": self.work / "run"}).items()]
        return ["--config", config, *(part for setting in [*every, *settings] for part in ("--set", setting))]

    def train(self, keys, settings=(), launcher=(), **environment):
        """Trains into the folder `run`, which is emptied before, and gives the lines of its steps."""
        run = self.work / "run"
        shutil.rmtree(run, ignore_errors=True)
        self.run(*launcher, self.launch, "train", "--device", "cpu", *self.configured(keys, settings), **environment)
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        return [line for line in lines if "loss" in line]


def write_rows(data, path, number=None):
    """FrenchMedMCQA's training rows in the order of the file, as the launcher reads them."""
    rows = json.loads((pathlib.Path(data) / "frenchmedmcqa" / "train.json").read_text())[:number]
    with open(path, "w") as file:
        for row in rows:
            choices = "\n".join(f"({label.upper()}) {text}" for label, text in row["answers"].items())
            answer = ", ".join(sorted(label.upper() for label in row["correct_answers"]))
            user = {"role": "user", "content": f"{row['question']}\nChoix de réponses :\n{choices}"}
            messages = [user, {"role": "assistant", "content": answer}]
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
