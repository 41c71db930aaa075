"""Reads a published data set with `huggingface_hub` and `datasets`, compares its rows, and uploads it to another repository.

Called by `tests/publish.rs` with the published repository, one to make, and a folder with the same data set. Seen with
huggingface_hub 1.0 to 1.x and datasets 4.x (see `requirements-readers.txt`). Exit code 77: one of them is not there.
"""

import sys
from pathlib import Path

try:
    import pyarrow.parquet as parquet
    from datasets import load_dataset
    from huggingface_hub import DatasetCard, HfApi, hf_hub_download
except ImportError:
    sys.exit(77)

published, uploaded, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])

api = HfApi()
listed = set(api.list_repo_files(published, repo_type="dataset"))
expected = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
assert listed - {".gitattributes"} == expected, (listed, expected)
manifest = Path(hf_hub_download(published, "manifest.json", repo_type="dataset"))
assert manifest.read_bytes() == (folder / "manifest.json").read_bytes()


def rows_of_files(split):
    files = sorted((folder / "data").glob(f"{split}-*.parquet"))
    return [row for file in files for row in parquet.read_table(file).to_pylist()]


def compare(repository):
    for split in ("train", "validation", "test"):
        rows = rows_of_files(split)
        if rows:
            found = load_dataset(repository, split=split)
            assert found.num_rows == len(rows), (split, found.num_rows, len(rows))
            assert [row["id"] for row in found] == [row["id"] for row in rows], split
            assert [row["instruction"] for row in found] == [row["instruction"] for row in rows], split


def check_card():
    """The card's header as the client's own classes read it."""
    card = DatasetCard.load(folder / "README.md").data
    origins = {row["origin"] for split in ("train", "validation", "test") for row in rows_of_files(split)}
    names = [config["config_name"] for config in card.configs]
    assert names[0] == "default" and origins == set(names) & {"native", "translated", "synthetic"}, names
    assert [info["config_name"] for info in card["dataset_info"]] == names
    assert set(card.annotations_creators) == {"found", "machine-generated"}, card.annotations_creators
    assert set(card.language_creators) == {"found", "machine-generated"}, card.language_creators
    assert card.source_datasets and card.task_categories and card.size_categories and card.license, card
    for origin in origins:
        numbers = {split: rows.num_rows for split, rows in load_dataset(published, origin).items()}
        info = next(info for info in card["dataset_info"] if info["config_name"] == origin)
        assert numbers == {split["name"]: split["num_examples"] for split in info["splits"]}, (origin, numbers)


compare(published)
check_card()
api.create_repo(uploaded, repo_type="dataset", private=True)
api.upload_folder(folder_path=str(folder), repo_id=uploaded, repo_type="dataset")
compare(uploaded)
print("the same rows")
