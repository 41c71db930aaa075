"""Reads data sets with datasets, pyarrow, pandas, polars and duckdb and compares every row and column.

    python readers.py DATASET_DIR [ROWS.jsonl]…

`ROWS.jsonl` is what `medinjection inspect show DATASET_DIR --limit N --json` prints (a list of records) for the data set
before it. Without it, the readers are compared with pyarrow alone. Prints a line a reader and table; ends with 1 where a
row differs.
"""

import json
import sys
import tempfile
from pathlib import Path

TABLES = {
    "train": "data/train-*.parquet",
    "validation": "data/validation-*.parquet",
    "test": "data/test-*.parquet",
    "originals": "originals/*.parquet",
    "documents": "documents/*.parquet",
}


def by_pyarrow(directory, table, paths):
    import pyarrow.parquet

    return [row for path in paths for row in pyarrow.parquet.read_table(path).to_pylist()]


def by_pandas(directory, table, paths):
    import pandas

    frame = pandas.concat([pandas.read_parquet(path) for path in paths], ignore_index=True)
    return frame.to_dict("records")


def by_polars(directory, table, paths):
    import polars

    return polars.read_parquet([str(path) for path in paths]).to_dicts()


def by_duckdb(directory, table, paths):
    import duckdb

    names = ", ".join(f"'{path}'" for path in paths)
    cursor = duckdb.sql(f"select * from read_parquet([{names}])")
    return [dict(zip(cursor.columns, row)) for row in cursor.fetchall()]


def by_datasets(directory, table, paths):
    """By the card alone: configurations, splits and features are those of README.md."""
    import datasets

    config, split = ("default", table) if table in ("train", "validation", "test") else (table, "train")
    with tempfile.TemporaryDirectory() as cache:
        read = datasets.load_dataset(str(directory), config, split=split, cache_dir=cache)
        info = datasets.load_dataset_builder(str(directory), config, cache_dir=cache).info
        assert info.splits[split].num_examples == len(read), "num_examples of the card"
        assert info.features == read.features, "features of the card"
        return read.to_list()


def compare_origins(directory):
    """Each origin's configuration has the rows of the whole that are of it, and its splits all of them."""
    import datasets

    failed = False
    with tempfile.TemporaryDirectory() as cache:
        names = datasets.get_dataset_config_names(str(directory))
        origins = [name for name in ("native", "translated", "synthetic") if name in names]
        whole = {split: read.to_list() for split, read in datasets.load_dataset(str(directory), cache_dir=cache).items()}
        for origin in origins or {row["origin"] for rows in whole.values() for row in rows}:
            name = origin if origins else "default"
            read = datasets.load_dataset(str(directory), name, cache_dir=cache)
            found = {split: rows.to_list() for split, rows in read.items()}
            rows = {split: [row for row in rows if row["origin"] == origin] for split, rows in whole.items()}
            equal = found == {split: rows for split, rows in rows.items() if rows}
            failed |= not equal
            numbers = {split: len(rows) for split, rows in found.items()}
            print(f"{directory}: configuration {name}: {numbers}, {'equal' if equal else 'DIFFERENT'}")
    return failed


READERS = {
    "pyarrow": by_pyarrow,
    "datasets": by_datasets,
    "pandas": by_pandas,
    "polars": by_polars,
    "duckdb": by_duckdb,
}


def plain(value):
    """The same value in the types of JSON."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    # pandas writes a null as NaN.
    return None if isinstance(value, float) and value != value else value


def of_json(record):
    """A record as its columns hold it: a map is a list of names and values."""
    translation = record["provenance"]["translation"]
    if translation is not None:
        scores = sorted(translation["scores"].items())
        translation["scores"] = [{"name": name, "value": value} for name, value in scores]
    return record


def compare(directory, shown):
    failed = False
    for table, pattern in TABLES.items():
        paths = sorted(directory.glob(pattern))
        if not paths:
            continue
        expected = None
        if shown is not None and table in ("train", "validation", "test"):
            expected = [of_json(record) for record in shown if record["split"] == table]
        for name, reader in READERS.items():
            rows = [plain(row) for row in reader(directory, table, paths)]
            expected = rows if expected is None else expected
            different = next((i for i, pair in enumerate(zip(rows, expected)) if pair[0] != pair[1]), None)
            equal = different is None and len(rows) == len(expected)
            failed |= not equal
            columns = len(rows[0]) if rows else 0
            print(f"{directory}: {table} by {name}: {len(rows)} rows, {columns} columns, {'equal' if equal else 'DIFFERENT'}")
            if different is not None:
                print(f"  row {different}: expected {expected[different]}\n  found {rows[different]}")
    return compare_origins(directory) or failed


def main(arguments):
    failed = False
    paths = [Path(argument) for argument in arguments]
    while paths:
        directory = paths.pop(0)
        shown = None
        if paths and paths[0].is_file():
            shown = json.loads(paths.pop(0).read_text(encoding="utf-8"))
        failed |= compare(directory, shown)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
