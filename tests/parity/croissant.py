"""Loads `croissant.json` of data sets with mlcroissant and compares every record with the parquet files.

    python croissant.py DATASET_DIR…

Prints a line a record set and a warning a line; ends with 1 where mlcroissant finds an error or a record differs.
"""

import hashlib
import json
import sys
from pathlib import Path

import mlcroissant
import pyarrow.parquet


def main(directories):
    failed = False
    for directory in map(Path, directories):
        dataset = mlcroissant.Dataset(jsonld=str(directory / "croissant.json"))
        issues = dataset.metadata.ctx.issues
        for warning in sorted(issues.warnings):
            print(f"{directory}: warning: {warning}")
        failed |= bool(issues.errors)
        described = json.loads((directory / "croissant.json").read_text(encoding="utf-8"))
        check_files(directory, described)
        for record_set in described["recordSet"]:
            if "data" in record_set:
                continue
            expected = rows(directory, described, record_set)
            found = [plain(record) for record in dataset.records(record_set["@id"])]
            leaves = leaf_fields(record_set["field"])
            equal = [leaf_values(expected_row, leaves) for expected_row in expected] == [
                [record_value(record, leaf) for leaf in leaves] for record in found
            ]
            failed |= not equal or not found
            print(f"{directory}: {record_set['@id']}: {len(found)} records, {len(leaves)} fields, {'equal' if equal else 'DIFFERENT'}")
    return int(failed)


def check_files(directory, described):
    """mlcroissant hashes what it downloads only, so local files are hashed here."""
    files = [entry for entry in described["distribution"] if entry["@type"] == "cr:FileObject"]
    for entry in files:
        content = (directory / entry["contentUrl"]).read_bytes()
        assert entry["contentSize"] == f"{len(content)} B", entry["@id"]
        assert entry["sha256"] == hashlib.sha256(content).hexdigest(), entry["@id"]
    print(f"{directory}: {len(files)} files, sizes and hashes equal")


def rows(directory, described, record_set):
    """The rows of the files of a record set, in the order of their names."""
    files = next(entry for entry in described["distribution"] if entry["@id"] == f"{record_set['@id']}-files")
    found = []
    for path in sorted(directory.glob(files["includes"])):
        found.extend(pyarrow.parquet.read_table(path).to_pylist())
    return found


def leaf_fields(fields, parents=()):
    """Every field without sub-fields, with the fields around it."""
    leaves = []
    for field in fields:
        inner = field.get("subField", [])
        leaves.extend(leaf_fields(inner, (*parents, field)) if inner else [(*parents, field)])
    return leaves


def leaf_values(row, leaves):
    return [value(row, leaf) for leaf in leaves]


def value(node, path):
    """What a nested row has at the end of a path of fields; a list where a field on the way is repeated."""
    if not path:
        return node
    if node is None:
        # mlcroissant gives a list of one nothing for a list inside of a struct that is null.
        return [None] if any(field.get("repeated") for field in path[:-1]) else None
    inner = node[path[0]["name"]]
    if path[0].get("repeated") and len(path) > 1:
        return [value(item, path[1:]) for item in inner] if inner is not None else [None]
    return value(inner, path[1:])


def record_value(record, path):
    """The same, of a record as mlcroissant gives it: nested fields stand under the name of the innermost parent."""
    leaf = path[-1]["@id"]
    if len(path) == 1:
        return record[leaf]
    parent = record[path[-2]["@id"]]
    return [item[leaf] for item in parent] if isinstance(parent, list) else parent[leaf]


def plain(value):
    """Texts instead of the bytes that mlcroissant makes of them, plain numbers and lists."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
