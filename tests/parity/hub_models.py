"""Brings a published adapter with `huggingface_hub`, compares its files, and reads its card with that client's classes.

Called by `tests/publish_model.rs` with the repository and a folder with the same files. Seen with huggingface_hub 1.0 to 2.x.
Exit code 77: it is not there.
"""

import sys
from pathlib import Path

try:
    from huggingface_hub import ModelCard, snapshot_download
except ImportError:
    sys.exit(77)

repository, folder = sys.argv[1], Path(sys.argv[2])
brought = Path(snapshot_download(repository))
for path in folder.iterdir():
    assert (brought / path.name).read_bytes() == path.read_bytes(), path.name
card = ModelCard.load(folder / "README.md").data
assert (card.library_name, card.base_model, card.license, card.language) == ("peft", "a/b", "apache-2.0", ["fr"]), card
results = [(result.dataset_name, result.dataset_config, result.metric_type, result.metric_value) for result in card.eval_results]
# 20 of 40 and 10 of 20 questions right, see support/run.rs.
assert results == [
    ("frenchmedmcqa", "mcqu", "exact_match", 50.0),
    ("frenchmedmcqa", "mcq", "exact_match", 50.0),
    ("aggregate", "all tasks", "exact_match", 50.0),
], results
print("the same files")
