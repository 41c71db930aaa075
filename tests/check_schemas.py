"""Validates files that were written against schemas/, with a validator that is not ours (Debian's python3-jsonschema).

usage: python3 tests/check_schemas.py CHAIN       what a chain wrote: the folder that holds dataset/, mixtures/ and the runs
       python3 tests/check_schemas.py NAME FILE…  files of the schema NAME: JSON, JSON Lines or TOML

Each schema must also refuse one wrong value, put into the first row that it accepts.
"""

import copy
import json
import pathlib
import subprocess
import sys
import tomllib

from jsonschema import Draft202012Validator

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Where in a row a value is put that the schema must refuse.
WRONG = {
    "checkpoint": (("position", "step"), -1),
    "document": (("authors",), None),
    "environment": (("starts", 0, "ranks", 0, "threads"), "1"),
    "evaluation": (("messages", 0, "role"), "judge"),
    "lineage": (("inputs",), []),
    "manifest": (("layout",), "columns"),
    "metrics": (("step",), -1),
    "mixture": (("train", "composition", 0, "origin"), "copied"),
    "model-manifest": (("files", "README.md"), {"sha256": "0"}),
    "original": (("answer_labels",), ["AB"]),
    "predictions": (("task",), "quiz"),
    "published-record": (("type",), 3),
    "record": (("task",), "quiz"),
    "rejected": (("reason",), "boredom"),
    "scores": (("sets", 0, "exact_match_interval"), [0.0]),
    "shard": (("shard",), "0/2"),
    "sources-lock": (("source", 0, "file", 0, "num_bytes"), -1),
    "status": (("state",), "running"),
    "train-config": (("optim", "schedule"), "step"),
    "training": (("messages", 0, "content"), 3),
}

# What a chain leaves; a checkpoint is left only where there is more than one epoch.
OF_A_CHAIN = {
    "environment": "**/environment.json",
    "evaluation": "test.jsonl",
    "lineage": "**/*.lineage.json",
    "manifest": "dataset/manifest.json",
    "metrics": "**/metrics.jsonl",
    "mixture": "**/mixture.json",
    "predictions": "**/predictions/*.jsonl",
    "scores": "**/scores/*.json",
    "status": "**/status.json",
    "train-config": "**/config.toml",
    "training": "mixtures/**/*.jsonl",
}


def with_wrong_value(name, row):
    """A copy of the row with the wrong value of its schema; sections that are not there are made."""
    keys, value = WRONG[name]
    row = place = copy.deepcopy(row)
    for key in keys[:-1]:
        place = place.setdefault(key, {}) if isinstance(place, dict) else place[key]
    place[keys[-1]] = value
    return row


def check(name, rows):
    """Ends the program at the first row that the schema refuses; gives the number of rows."""
    schema = json.loads((ROOT / f"schemas/{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    if validator.is_valid({"unknown": 1}):
        sys.exit(f"schemas/{name}.schema.json accepts anything")
    number = 0
    for number, (place, row) in enumerate(rows, 1):
        for fault in validator.iter_errors(row):
            sys.exit(f"{place}: {name}: {'/'.join(map(str, fault.absolute_path))}: {fault.message}")
        if number == 1 and validator.is_valid(with_wrong_value(name, row)):
            sys.exit(f"schemas/{name}.schema.json accepts {WRONG[name][1]!r} in the place of {WRONG[name][0]}")
    if not number:
        sys.exit(f"{name}: nothing to check")
    return number


def rows(paths):
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".jsonl":
            for number, line in enumerate(text.splitlines(), 1):
                yield f"{path}, row {number}", json.loads(line)
        else:
            yield path, tomllib.loads(text) if path.suffix in (".toml", ".lock") else json.loads(text)


def found(chain, name):
    """The files of a chain that the schema is for; each can have its lineage beside it."""
    paths = sorted(chain.glob(OF_A_CHAIN[name]))
    return [path for path in paths if name == "lineage" or not path.name.endswith(".lineage.json")]


def records(dataset):
    command = [ROOT / "target/release/medinjection", "inspect", "show", dataset, "--limit", "1000000", "--json"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    return ((f"{dataset}, record {record['id']}", record) for record in json.loads(shown))


def main():
    named = {path.name.removesuffix(".schema.json") for path in (ROOT / "schemas").iterdir()}
    if named != set(WRONG):
        sys.exit(f"schemas/ and this program differ: {', '.join(sorted(named ^ set(WRONG)))}")
    if len(sys.argv) > 2:
        name, paths = sys.argv[1], map(pathlib.Path, sys.argv[2:])
        counts = {name: check(name, rows(paths))}
    else:
        chain = pathlib.Path(sys.argv[1])
        counts = {name: check(name, rows(found(chain, name))) for name in OF_A_CHAIN}
        counts["record"] = check("record", records(chain / "dataset"))
    print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())), "agree with schemas/")


main()
