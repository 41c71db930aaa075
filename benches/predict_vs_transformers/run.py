"""Runs both in turns and prints what came out; see benches/predict_vs_transformers.sh."""

import json
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import bench  # noqa: E402

NUM_OPEN, NUM_CHOICE, BATCH_SIZE, TIE = 50, 300, 16, 1e-3
# name -> (rows, decoding, longest answer in tokens; least ratio of speed)
CASES = {
    "greedy": (NUM_OPEN, "greedy", 64, 1.0),
    "constrained": (NUM_CHOICE, "constrained", 16, 1.5),
}


class Comparison(bench.Programs):
    def prepare(self):
        self.import_model()
        test = self.write_test_rows()
        rows = [json.loads(line) for line in test.read_text().splitlines()][:NUM_CHOICE]
        self.write("constrained", rows)
        questions = [row["messages"][-1]["content"].split("\n")[0] for row in rows[:NUM_OPEN]]
        ask = lambda question: [{"role": "user", "content": question}]
        self.write("greedy", [{"id": f"open-{n}", "task": "oeq", "messages": ask(text)} for n, text in enumerate(questions)])

    def write(self, name, rows):
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (self.work / f"{name}.jsonl").write_text("".join(lines))

    def ours(self, name):
        _, decoding, longest, _ = CASES[name]
        out = self.work / f"{name}-ours.jsonl"
        command = [self.launch, "predict", "--model", self.model, "--device", "cpu", "--force"]
        command += ["--data", self.work / f"{name}.jsonl", "--out", out, "--decoding", decoding]
        out.unlink(missing_ok=True)
        began = time.perf_counter()
        self.run(*command, "--max-new-tokens", longest, "--batch-size", BATCH_SIZE)
        seconds = time.perf_counter() - began
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        return {line["id"]: line["prediction"] for line in lines}, seconds

    def theirs(self, name):
        rows, longest = self.work / f"{name}.jsonl", CASES[name][2]
        said = self.run(sys.executable, HERE / "reference.py", self.model, rows, longest, BATCH_SIZE, self.options.threads)
        *lines, last = [json.loads(line) for line in said.splitlines()]
        return {line["id"]: line for line in lines}, last["seconds"]


def differences(ours, theirs):
    """Answers that differ, and how many of them hang on a choice between logits closer than `TIE` among the reference's."""
    differing = {name: (text, theirs[name]["text"]) for name, text in ours.items() if text != theirs[name]["text"]}
    ties = [name for name in differing if min(theirs[name]["margins"]) < TIE]
    return differing, ties


def main():
    options = bench.parser(repeats=3).parse_args()
    result, wrong = {}, 0
    with bench.folder(options.keep) as work:
        comparison = Comparison(options, work)
        comparison.prepare()
        for name, (rows, _, _, goal) in CASES.items():
            seconds = {"ours": [], "transformers": []}
            for _ in range(options.repeats):
                ours, ours_took = comparison.ours(name)
                theirs, theirs_took = comparison.theirs(name)
                seconds["ours"].append(ours_took)
                seconds["transformers"].append(theirs_took)
                print(f"{name}: {ours_took:.1f} s, transformers {theirs_took:.1f} s", file=sys.stderr)
            assert len(ours) == len(theirs) == rows, (len(ours), len(theirs), rows)
            differing, ties = differences(ours, theirs)
            wrong += len(differing) - len(ties)
            for row, pair in differing.items():
                print(f"{name} {row}: {pair}{' (a tie)' if row in ties else ''}", file=sys.stderr)
            tokens = sum(len(line["ids"]) for line in theirs.values())
            least = {trainer: min(times) for trainer, times in seconds.items()}
            result[name] = {
                "rows": rows,
                "tokens": tokens,
                "differing": len(differing),
                "of_them_ties": len(ties),
                "seconds": seconds,
                "ratio": least["transformers"] / least["ours"],
            }
            print(
                f"{name}: {rows} rows, {tokens} tokens; {len(differing)} answers differ, {len(ties)} of them by a tie; "
                f"{least['ours']:.1f} s against {least['transformers']:.1f} s: {result[name]['ratio']:.2f} times (goal {goal})"
            )
    print(json.dumps(result))
    return int(0 < wrong)


if __name__ == "__main__":
    sys.exit(main())
