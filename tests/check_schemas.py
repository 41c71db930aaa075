"""Validates what a chain wrote against schemas/, with a validator that is not ours (Debian's python3-jsonschema).

usage: python3 tests/check_schemas.py CHAIN, the folder that holds dataset/, mixtures/ and the runs.
"""

import json
import pathlib
import subprocess
import sys

from jsonschema import Draft202012Validator

ROOT = pathlib.Path(__file__).resolve().parent.parent


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
    if not number:
        sys.exit(f"{name}: nothing to check")
    return number


def records(dataset):
    command = [ROOT / "target/release/medinjection", "inspect", "show", dataset, "--limit", "1000000", "--json"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    return ((f"{dataset}, record {record['id']}", record) for record in json.loads(shown))


def files(chain, pattern):
    for path in sorted(chain.glob(pattern)):
        yield path, json.loads(path.read_text(encoding="utf-8"))


def lines(chain, pattern):
    for path in sorted(chain.glob(pattern)):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield f"{path}, row {number}", json.loads(line)


def main():
    chain = pathlib.Path(sys.argv[1])
    counts = {
        "record": check("record", records(chain / "dataset")),
        "manifest": check("manifest", files(chain, "dataset/manifest.json")),
        "mixture": check("mixture", files(chain, "**/mixture.json")),
        "predictions": check("predictions", lines(chain, "**/predictions/*.jsonl")),
    }
    print(", ".join(f"{count} {name}" for name, count in counts.items()), "agree with schemas/")


main()
